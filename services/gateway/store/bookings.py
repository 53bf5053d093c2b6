"""Places that regulators hold, and what referrals told of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.events.gateway import PlaceGivenBack, SlotBooked
from contracts.events.referrals import BookingRefused
from contracts.recorded import Recorded
from services.gateway.domain.bookings import Held
from services.messaging.database import Connection

HOLD = """
    insert into booking (
        booking_id, departement, sequence, slot_id, agenda_id, cpts_id, rpps, regulator_id,
        starts_at, ends_at, booked_at, is_overbooked, is_held
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true)
    on conflict (booking_id) do nothing
"""
GIVE_BACK = """
    update booking set sequence = $2, is_held = false, reason = $3, refusal = $4
    where booking_id = $1 and sequence < $2
"""
KEEP_REFUSED = """
    insert into refused_booking (booking_id, reason) select * from unnest($1::text[], $2::text[])
    on conflict (booking_id) do nothing
"""
_HELD = """
    select booking.booking_id, booking.sequence, booking.departement, slot_id,
        booking.rpps as practitioner_rpps, booking.starts_at, referral_id,
        refused_booking.reason as refusal, appointment.status, appointment.rpps as appointment_rpps,
        appointment.starts_at as appointment_starts_at
    from booking
    left join appointment on appointment.booking_id = booking.booking_id
    left join refused_booking on refused_booking.booking_id = booking.booking_id
    where is_held
"""
LOCK_HELD = f"""
    {_HELD} and (
        booking.booking_id = any ($1)
        or booking.booking_id in (select booking_id from appointment where referral_id = any ($2))
    )
    order by booking.booking_id for update of booking
"""  # noqa: S608 - constants
LOCK_HELD_AFTER = f"""
    {_HELD} and booking.booking_id > $1
    order by booking.booking_id limit $2 for update of booking
"""
SHOWN = """
    select booking.booking_id, slot_id, agenda_id, booking.cpts_id, booking.rpps, regulator_id,
        booking.starts_at, ends_at, booked_at, is_overbooked,
        case when not is_held then 'given_back' when referral_id is null then 'pending'
            else 'accepted' end as state,
        reason, refusal, referral_id
    from booking left join appointment on appointment.booking_id = booking.booking_id
    where booking.booking_id = $1
"""


async def apply_booked(connection: Connection, told: Recorded[SlotBooked]) -> None:
    """Hold the place."""
    event = told.event
    await connection.execute(
        HOLD,
        event.booking_id,
        told.departement,
        told.sequence,
        event.slot_id,
        event.agenda_id,
        event.cpts_id,
        event.practitioner_rpps,
        event.regulator_id,
        event.starts_at,
        event.ends_at,
        event.booked_at,
        event.is_overbooked,
    )


async def apply_given_back(connection: Connection, told: Recorded[PlaceGivenBack]) -> None:
    """Free the place."""
    event = told.event
    await connection.execute(
        GIVE_BACK, event.booking_id, told.sequence, event.reason, event.refusal
    )


async def keep_refused(connection: Connection, told: Sequence[Recorded[BookingRefused]]) -> None:
    """Keep what referrals refused."""
    if told:
        await connection.execute(
            KEEP_REFUSED,
            [one.event.booking_id for one in told],
            [one.event.reason for one in told],
        )


async def lock_held(
    connection: Connection, booking_ids: Sequence[str], referral_ids: Sequence[str]
) -> list[Held]:
    """The places held by these bookings, or for these referrals, locked."""
    rows = await connection.fetch(LOCK_HELD, booking_ids, referral_ids)
    return [msgspec.convert(dict(row), Held) for row in rows]


async def lock_held_after(connection: Connection, after: str, limit: int) -> list[Held]:
    """The next places that are held, in the order of their bookings, locked."""
    rows = await connection.fetch(LOCK_HELD_AFTER, after, limit)
    return [msgspec.convert(dict(row), Held) for row in rows]


async def shown(connection: Connection, booking_id: str) -> dict[str, Any] | None:
    """A booking and what became of it."""
    row = await connection.fetchrow(SHOWN, booking_id)
    return None if row is None else dict(row)
