"""Slots: opened and closed by events; how many places are taken is counted from the facts.

A place is taken by a booking that is held, or by an appointment of the professional at that very
instant that is no such booking: what a CPTS accepts without the gateway takes its place too.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.events.gateway import Offer, SlotsClosed, SlotsOpened, Span
from contracts.recorded import Recorded
from services.gateway.domain.agendas import KnownSlot, Origin, slot_id
from services.gateway.domain.bookings import OpenSlot
from services.gateway.domain.serving import ShownSlot
from services.messaging.database import Connection

OPEN = """
    insert into slot (
        slot_id, agenda_id, rpps, starts_at, ends_at, origin, is_closed, slot_types, consultations,
        cpts_ids, capacity, overbooking, is_walk_in
    )
    select new.slot_id, $1, agenda.practitioner_rpps, new.starts_at, new.ends_at, $5, false, $6, $7,
        $8, $9, $10, $11
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[])
        as new (slot_id, starts_at, ends_at)
    join agenda on agenda.agenda_id = $1
    on conflict (slot_id) do update
    set ends_at = excluded.ends_at, origin = excluded.origin, is_closed = false,
        slot_types = excluded.slot_types, consultations = excluded.consultations,
        cpts_ids = excluded.cpts_ids, capacity = excluded.capacity,
        overbooking = excluded.overbooking, is_walk_in = excluded.is_walk_in
"""
CLOSE = "update slot set is_closed = true where slot_id = any ($1)"
_OFFER = "slot_types, consultations, cpts_ids, capacity, overbooking, is_walk_in"
_TAKEN = """
    (select count(*) from booking where booking.slot_id = slot.slot_id and booking.is_held)
    + (
        select count(*) from appointment
        where appointment.rpps = slot.rpps and appointment.starts_at = slot.starts_at
            and appointment.status is distinct from 'cancelled'
            and not exists (
                select from booking
                where booking.booking_id = appointment.booking_id and booking.is_held
            )
    )
"""
FREE = f"""
    select slot_id, agenda_id, starts_at, ends_at, {_OFFER} from slot
    where rpps = any ($1) and starts_at between $2 and $3 and not is_closed and {_TAKEN} < capacity
    order by starts_at, slot_id limit $4
"""  # noqa: S608 - constants
FREE_ONE = f"""
    select slot_id, agenda_id, starts_at, ends_at, {_OFFER} from slot
    where slot_id = $1 and starts_at >= $2 and not is_closed and {_TAKEN} < capacity
"""  # noqa: S608
LOCK = f"""
    select slot_id, slot.agenda_id, departement, agenda.cpts_id as agenda_cpts_id,
        practitioner_rpps, starts_at, ends_at, slot.is_closed or agenda.is_closed as is_closed,
        {_OFFER}
    from slot join agenda using (agenda_id) where slot_id = $1 for update of slot
"""  # noqa: S608
TAKEN = f"select {_TAKEN} from slot where slot_id = $1"  # noqa: S608
OPEN_FROM = f"""
    select starts_at, ends_at, origin, {_OFFER} from slot
    where agenda_id = $1 and starts_at >= $2 and not is_closed
"""  # noqa: S608
LISTED = f"""
    select slot_id, starts_at, ends_at, origin, is_closed, {_OFFER}, {_TAKEN} as taken from slot
    where agenda_id = $1 and starts_at between $2 and $3 order by starts_at limit $4
"""  # noqa: S608


async def apply_opened(connection: Connection, told: Recorded[SlotsOpened]) -> None:
    """Open the slots of an event, or open them anew with its offer."""
    event, offer = told.event, told.event.offer
    await connection.execute(
        OPEN,
        event.agenda_id,
        [slot_id(event.agenda_id, one.starts_at) for one in event.spans],
        [one.starts_at for one in event.spans],
        [one.ends_at for one in event.spans],
        event.origin,
        list(offer.slot_types),
        list(offer.consultations),
        list(offer.cpts_ids),
        offer.capacity,
        offer.overbooking,
        offer.is_walk_in,
    )


async def apply_closed(connection: Connection, told: Recorded[SlotsClosed]) -> None:
    """Close the slots of an event."""
    event = told.event
    await connection.execute(CLOSE, [slot_id(event.agenda_id, one) for one in event.starts_at])


async def free(
    connection: Connection, rpps: Sequence[str], from_at: datetime, to_at: datetime, limit: int
) -> list[ShownSlot]:
    """The slots of these professionals that have a place left, the first first."""
    return [_shown(row) for row in await connection.fetch(FREE, rpps, from_at, to_at, limit)]


async def free_one(connection: Connection, known_as: str, now: datetime) -> ShownSlot | None:
    """A slot to come that has a place left; None otherwise."""
    row = await connection.fetchrow(FREE_ONE, known_as, now)
    return None if row is None else _shown(row)


async def lock(connection: Connection, known_as: str) -> OpenSlot | None:
    """The slot, locked, with what is taken of it; None if there is none.

    What is taken is read in a statement of its own, once the lock is held: it sees what whoever
    held the lock before has booked.
    """
    row = await connection.fetchrow(LOCK, known_as)
    if row is None:
        return None
    taken = await connection.fetchval(TAKEN, known_as)
    return OpenSlot(
        slot_id=row["slot_id"],
        agenda_id=row["agenda_id"],
        departement=row["departement"],
        agenda_cpts_id=row["agenda_cpts_id"],
        practitioner_rpps=row["practitioner_rpps"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        offer=_offer(row),
        is_closed=row["is_closed"],
        taken=taken,
    )


async def open_from(
    connection: Connection, agenda_id: str, from_at: datetime
) -> dict[datetime, KnownSlot]:
    """The agenda's open slots from an instant on, by when they begin."""
    return {
        row["starts_at"]: KnownSlot(
            span=Span(starts_at=row["starts_at"], ends_at=row["ends_at"]),
            origin=Origin(row["origin"]),
            offer=_offer(row),
        )
        for row in await connection.fetch(OPEN_FROM, agenda_id, from_at)
    }


async def listed(
    connection: Connection, agenda_id: str, from_at: datetime, to_at: datetime, limit: int
) -> list[dict[str, Any]]:
    """An agenda's slots with how many places of each are taken, closed ones included."""
    rows = await connection.fetch(LISTED, agenda_id, from_at, to_at, limit)
    return [dict(row) for row in rows]


def _offer(row: Any) -> Offer:
    return Offer(
        slot_types=tuple(row["slot_types"]),
        consultations=tuple(row["consultations"]),
        cpts_ids=tuple(row["cpts_ids"]),
        capacity=row["capacity"],
        overbooking=row["overbooking"],
        is_walk_in=row["is_walk_in"],
    )


def _shown(row: Any) -> ShownSlot:
    return ShownSlot(
        slot_id=row["slot_id"],
        agenda_id=row["agenda_id"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        offer=_offer(row),
    )
