"""What referrals do when membership and the gateway speak, and when time passes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.communes import resolve
from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    TerritoryPlaceRecorded,
)
from contracts.events.referrals import BookingRefused
from contracts.recorded import Cause, Recorded, record
from services.messaging.meters import Fate
from services.messaging.timers import Due
from services.messaging.unit import Unit
from services.referrals.domain.bookings import answer
from services.referrals.domain.hub_reading import without_identities
from services.referrals.domain.referral import Referral, due_at, fall_due
from services.referrals.domain.territory import TerritoryEntry, place_of
from services.referrals.domain.waiting import (
    entry_of,
    look_at_begun,
    look_now,
    offer_waiting,
    place_key_of,
)
from services.referrals.store import bookings, membership, platform, referrals
from services.referrals.store.parameters import answer_within, keep_identities

PLACES_AT_ONCE = 200
BOOKINGS_AT_ONCE = 200
BOOKINGS = "bookings:"

Changes = Sequence[tuple[Recorded[TerritoryPlaceRecorded], TerritoryEntry]]


async def on_membership(unit: Unit, events: Sequence[Recorded[Any]]) -> None:
    """Keep what membership tells, and offer the demands that waited for it.

    Territories lock their places as a new demand does: whichever commits last sees the other.
    """
    changes = [
        (one, _entry(one)) for one in events if isinstance(one.event, TerritoryPlaceRecorded)
    ]
    keys = sorted({entry.place_key for _, entry in changes})
    await unit.lock_joins("place", keys)
    cpts = [one for one in events if isinstance(one.event, CptsRegistered | FinessAssigned)]
    members = [one for one in events if isinstance(one.event, MemberRecorded)]
    await membership.keep_cpts(unit.connection, cpts)
    await membership.keep_members(unit.connection, members)
    if changes and not await unit.hears_the_past():
        await _offer_waiting(unit, changes, keys)
    await membership.keep_entries(unit.connection, [entry for _, entry in changes])


async def _offer_waiting(unit: Unit, changes: Changes, keys: Sequence[str]) -> None:
    """Offer the demands that wait in these places, before the changes are kept."""
    announced = offer_waiting(
        changes,
        known=await membership.entries_of(unit.connection, keys),
        held=await referrals.lock_held(unit.connection, keys),
        answer_within=answer_within(),
    )
    await unit.announce(announced)


async def on_gateway(unit: Unit, events: Sequence[Recorded[Any]]) -> None:
    """Record what regulators booked: each booking as a demand accepted with its appointment, in one
    transaction, or refused.
    """
    new = await bookings.keep(unit.connection, events)
    if new and not await unit.hears_the_past():
        await _answer_bookings(unit, new)


async def _answer_bookings(unit: Unit, ids: Sequence[str]) -> None:
    known = await bookings.load(unit.connection, ids)
    said = [one for booking in known for one in answer(booking, answer_within=answer_within())]
    await unit.announce(said)
    unit.tell(Fate.REFUSED, (one.cause for one in said if isinstance(one.event, BookingRefused)))


async def look_again(unit: Unit, cause: Cause, after: str) -> str | None:
    """Looks at the next of what waits, now that all is heard: demands, then bookings."""
    if not after.startswith(BOOKINGS):
        last = await offer_again(unit, cause, after)
        return BOOKINGS if last is None else last
    ids = await bookings.unanswered(unit.connection, after.removeprefix(BOOKINGS), BOOKINGS_AT_ONCE)
    await _answer_bookings(unit, ids)
    return f"{BOOKINGS}{ids[-1]}" if len(ids) == BOOKINGS_AT_ONCE else None


async def offer_again(unit: Unit, cause: Cause, after: str) -> str | None:
    """Offers the next demands that wait and no longer need to, now that all territories are known.

    Answers where the next part begins, None after the last demand.
    """
    now = cause.recorded_at
    keys = await referrals.places_held(unit.connection, after, PLACES_AT_ONCE)
    await unit.lock_joins("place", keys)
    held = await referrals.lock_held(unit.connection, keys)
    entries = await membership.entries_by_place(unit.connection, keys)
    await unit.announce(
        [
            recorded
            for referral in held
            for recorded in look_now(
                referral,
                entries[place_key_of(referral)],
                entries[place_key_of(referral)],
                now=now,
                cause=cause,
                answer_within=answer_within(),
            )
        ]
    )
    return keys[-1] if len(keys) == PLACES_AT_ONCE else None


async def let_fall_due(unit: Unit, due: Due) -> int:
    """Expire what was not answered, offer what a territory that begins holds, and give back what
    was not offered: dated by the due time.
    """
    now = due.now
    locked = await referrals.lock_due(unit.connection, due)
    await let_territories_begin(unit, locked, now)
    announced = []
    for referral in locked:
        if referral.look_again_at is not None:
            continue
        occurred_at = due_at(referral)
        assert occurred_at is not None, "only what is due was taken"
        announced += record(
            fall_due(referral, now),
            subject=referral.referral_id,
            after_sequence=referral.sequence,
            departement=referral.departement,
            occurred_at=occurred_at,
            cause=_timer(referral, now),
        )
    await unit.announce(announced)
    return len(locked)


async def let_territories_begin(
    unit: Unit, locked: Sequence[Referral], until: datetime
) -> list[Recorded[Any]]:
    """Look again at locked demands that wait for a territory to begin, if it has until then.

    Answers what was said, in order. An order does so first, so that its outcome does not depend on
    whether the timer has run.
    """
    begun = [one for one in locked if one.look_again_at is not None and one.look_again_at <= until]
    if not begun:
        return []
    keys = sorted({place_key_of(one) for one in begun})
    entries = await membership.entries_by_place(unit.connection, keys)
    announced = [
        recorded
        for one in begun
        for recorded in look_at_begun(
            one,
            entries[place_key_of(one)],
            until=until,
            cause=_timer(one, until),
            answer_within=answer_within(),
        )
    ]
    await unit.announce(announced)
    return announced


def _timer(referral: Referral, now: datetime) -> Cause:
    return Cause(id=f"timer:{referral.referral_id}:{referral.sequence}", recorded_at=now)


async def remove_identities(unit: Unit, due: Due) -> int:
    """Take names and e-mails out of the originals that were kept for the stated time."""
    received_until = due.now - keep_identities()
    kept = await platform.lock_with_identities(unit.connection, received_until, due)
    if kept:
        cleared = [(position, without_identities(body)) for position, body in kept]
        await platform.remove_identities(unit.connection, cleared)
    return len(kept)


def _entry(told: Recorded[TerritoryPlaceRecorded]) -> TerritoryEntry:
    commune = resolve(told.event.commune)
    return entry_of(told, place_of(commune).key if commune else told.event.commune)
