"""What the gateway does when membership and referrals speak, and when days pass."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from contracts.events.gateway import AgendaExtended, GatewayEvent, PlaceGivenBack
from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.events.referrals import BookingRefused
from contracts.recorded import Cause, Recorded, record
from services.gateway.domain.agendas import Agenda, Origin, local_day, replaced
from services.gateway.domain.appointments import booking_of, status_of
from services.gateway.domain.bookings import Held, given_back
from services.gateway.domain.declarations import Platform, ToDeclare, declares, to_declare
from services.gateway.domain.hours import OPEN_AHEAD, slots_of
from services.gateway.store import (
    agendas,
    appointments,
    bookings,
    declarations,
    membership,
    slots,
)
from services.messaging.database import Connection
from services.messaging.timers import Due
from services.messaging.unit import Unit

BOOKINGS_AT_ONCE = 200
DECLARATIONS_AT_ONCE = 500
# Where the look at bookings ends and that at declarations begins: no booking has such an id.
DECLARATIONS = "declarations:"


async def on_membership(unit: Unit, events: Sequence[Recorded[Any]]) -> None:
    """Keep the CPTS with their FINESS, their members, who takes part in the SAS."""
    connection = unit.connection
    registered = [one for one in events if isinstance(one.event, CptsRegistered)]
    numbered = [one for one in events if isinstance(one.event, CptsRegistered | FinessAssigned)]
    members = [one for one in events if isinstance(one.event, MemberRecorded)]
    taking_part = [one for one in events if isinstance(one.event, ParticipationRecorded)]
    await membership.keep_cpts(connection, registered)
    await membership.keep_finess(connection, numbered)
    await membership.keep_members(connection, members)
    await membership.keep_participations(connection, taking_part)


async def on_referrals(
    platforms: Sequence[Platform], unit: Unit, events: Sequence[Recorded[Any]]
) -> None:
    """Keep the appointments, write what their platforms are to hear of them, and give back the
    places that they no longer need.
    """
    hears_the_past = await unit.hears_the_past()
    news = [] if hears_the_past else await _news(platforms, unit.connection, events)
    booked = [found for one in events if (found := booking_of(one)) is not None]
    statuses = [became for one in events if (became := status_of(one)) is not None]
    refused = [one for one in events if isinstance(one.event, BookingRefused)]
    await appointments.keep_bookings(unit.connection, booked)
    await appointments.keep_statuses(unit.connection, statuses)
    await bookings.keep_refused(unit.connection, refused)
    if news:
        await declarations.write(unit.connection, news)
    if hears_the_past:
        return
    causes = {one.subject: one for one in events}
    held = await bookings.lock_held(
        unit.connection,
        [one.event.booking_id for one in refused],
        [*(one.referral_id for one in booked), *(one.referral_id for one in statuses)],
    )
    given: list[Recorded[PlaceGivenBack]] = []
    for one in held:
        told = causes.get(one.booking_id) or causes.get(one.referral_id or "")
        assert told is not None, "it was asked for by one of these"
        given += _given_back(one, told.as_cause(), told.occurred_at)
    await unit.announce(given)


async def _news(
    platforms: Sequence[Platform], connection: Connection, events: Sequence[Recorded[Any]]
) -> list[ToDeclare]:
    """What the platforms are to hear of these events; nothing is locked where there is none."""
    theirs = {departement for one in platforms for departement in one.departements}
    heard = [
        one for one in events if one.departement in theirs and hasattr(one.event, "referral_id")
    ]
    if not heard:
        return []
    known = await declarations.lock_known(connection, [one.event.referral_id for one in heard])
    return [
        one
        for one in to_declare(known, heard)
        if declares(platforms, one.departement, one.booking_id)
    ]


async def look_again(
    platforms: Sequence[Platform], unit: Unit, cause: Cause, after: str
) -> str | None:
    """Gives back the next places that nothing that was heard needs any more; then writes what
    platforms may not have heard of appointments.
    """
    if after.startswith(DECLARATIONS):
        return await _declare_again(platforms, unit, after.removeprefix(DECLARATIONS))
    held = await bookings.lock_held_after(unit.connection, after, BOOKINGS_AT_ONCE)
    await unit.announce(
        [given for one in held for given in _given_back(one, cause, cause.recorded_at)]
    )
    return held[-1].booking_id if len(held) == BOOKINGS_AT_ONCE else DECLARATIONS


async def _declare_again(platforms: Sequence[Platform], unit: Unit, after: str) -> str | None:
    """Writes the appointments that a restore knows otherwise than its backup last declared them:
    whether they were declared meanwhile nobody knows. A rebuild declares nothing.
    """
    theirs = [departement for one in platforms for departement in one.departements]
    if not theirs or await unit.hears_the_past():
        return None
    found = await declarations.undeclared_after(
        unit.connection, after, theirs, DECLARATIONS_AT_ONCE
    )
    news = [one for one in found if declares(platforms, one.departement, one.booking_id)]
    if news:
        await declarations.write(unit.connection, news, may_be_there=True)
    return (
        f"{DECLARATIONS}{found[-1].appointment_id}" if len(found) == DECLARATIONS_AT_ONCE else None
    )


def _given_back(held: Held, cause: Cause, occurred_at: datetime) -> list[Recorded[PlaceGivenBack]]:
    """That a place is given back, where nothing needs it any more."""
    event = given_back(held)
    return record(
        [event] if event else [],
        subject=held.booking_id,
        after_sequence=held.sequence,
        departement=held.departement,
        occurred_at=occurred_at,
        cause=cause,
    )


async def extend_hours(unit: Unit, due: Due) -> int:
    """Open the recurring hours of the days that have come within reach."""
    today = due.now.astimezone(UTC).date()
    locked = await agendas.lock_due(unit.connection, due, today + OPEN_AHEAD)
    for agenda in locked:
        assert agenda.until_on is not None, "hours are opened when they are set"
        fell_due = datetime.combine(
            agenda.until_on + timedelta(days=1) - OPEN_AHEAD, time.min, tzinfo=UTC
        )
        await unit.announce(
            record(
                await hours_opened(unit.connection, agenda, due.now),
                subject=agenda.agenda_id,
                after_sequence=agenda.sequence,
                departement=agenda.departement,
                occurred_at=fell_due,
                cause=Cause(id=f"timer:{agenda.agenda_id}:{agenda.sequence}", recorded_at=due.now),
            )
        )
    return len(locked)


async def hours_opened(connection: Connection, agenda: Agenda, now: datetime) -> list[GatewayEvent]:
    """What the recurring hours of an agenda open and close from now on, as far as they reach."""
    assert agenda.hours is not None, "the agenda has hours"
    today = local_day(now, agenda.time_zone)
    until_on = now.astimezone(UTC).date() + OPEN_AHEAD
    wanted = [
        (offer, span)
        for offer, span in slots_of(
            agenda.hours,
            departement=agenda.departement,
            time_zone=agenda.time_zone,
            from_on=today,
            to_on=until_on,
        )
        if span.starts_at >= now
    ]
    known = await slots.open_from(connection, agenda.agenda_id, now)
    extended = AgendaExtended(agenda_id=agenda.agenda_id, until_on=until_on)
    return [extended, *replaced(agenda.agenda_id, Origin.HOURS, wanted, known)]
