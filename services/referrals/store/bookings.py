"""Bookings of the gateway: as they were told, and those that were refused."""

from collections.abc import Sequence

import msgspec

from contracts.departements import PARIS_TIME
from contracts.events.gateway import SlotBooked
from contracts.events.referrals import BookingRefused
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.referrals.domain.bookings import Booking, known_as

KEEP = """
    insert into slot_booking (booking_id, referral_id, departement, event_id, recorded_at, told)
    select booking_id, referral_id, departement, event_id, recorded_at, told::jsonb
    from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[])
        as new (booking_id, referral_id, departement, event_id, recorded_at, told)
    on conflict (booking_id) do nothing
    returning booking_id
"""
# Whether the practitioner is a member of the CPTS on the day, in Paris, of the booking.
LOAD = """
    select told::text, departement, recorded_at, event_id::text,
        exists (
            select from member
            where member.cpts_id = told ->> 'cpts_id'
                and member.rpps = told ->> 'practitioner_rpps'
                and not member.is_withdrawn
                and member.from_on <= booked.day
                and (member.to_on is null or booked.day <= member.to_on)
        ) as is_member
    from slot_booking
    cross join lateral (
        select ((told ->> 'booked_at')::timestamptz at time zone $2)::date as day
    ) as booked
    where booking_id = any ($1) order by booking_id
"""
UNANSWERED = """
    select booking_id from slot_booking
    where booking_id > $1
        and not exists (
            select from booking_refusal
            where booking_refusal.booking_id = slot_booking.booking_id
        )
        and not exists (
            select from referral where referral.referral_id = slot_booking.referral_id
        )
    order by booking_id limit $2
"""
REFUSE = """
    insert into booking_refusal (booking_id, departement, reason, refused_at)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    on conflict (booking_id) do nothing
"""


async def keep(connection: Connection, told: Sequence[Recorded[SlotBooked]]) -> list[str]:
    """Keep these bookings; answers the ids of those that were not known."""
    if not told:
        return []
    rows = await connection.fetch(
        KEEP,
        [one.event.booking_id for one in told],
        [known_as(one.event.booking_id) for one in told],
        [one.departement for one in told],
        [one.id for one in told],
        [one.recorded_at for one in told],
        [msgspec.json.encode(one.event).decode() for one in told],
    )
    return [row["booking_id"] for row in rows]


async def load(connection: Connection, ids: Sequence[str]) -> list[Booking]:
    """These bookings, each with whether its practitioner was a member of its CPTS that day."""
    if not ids:
        return []
    return [
        Booking(
            told=msgspec.json.decode(row["told"], type=SlotBooked),
            departement=row["departement"],
            recorded_at=row["recorded_at"],
            event_id=row["event_id"],
            is_member=row["is_member"],
        )
        for row in await connection.fetch(LOAD, ids, PARIS_TIME)
    ]


async def unanswered(connection: Connection, after: str, limit: int) -> list[str]:
    """The next bookings, in the order of their ids, of which nothing was made."""
    return [row["booking_id"] for row in await connection.fetch(UNANSWERED, after, limit)]


async def refuse(connection: Connection, told: Sequence[Recorded[BookingRefused]]) -> None:
    """Keep that these were refused."""
    await connection.execute(
        REFUSE,
        [one.event.booking_id for one in told],
        [one.departement for one in told],
        [one.event.reason for one in told],
        [one.event.refused_at for one in told],
    )
