"""Appointments as referrals told them."""

from collections.abc import Sequence

from services.gateway.domain.appointments import Became, Booked
from services.messaging.database import Connection

KEEP_BOOKINGS = """
    insert into appointment (
        referral_id, departement, cpts_id, rpps, starts_at, booking_sequence
    )
    select distinct on (referral_id) *
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[]
    ) as new (referral_id, departement, cpts_id, rpps, starts_at, sequence)
    order by referral_id, sequence desc
    on conflict (referral_id) do update
    set departement = excluded.departement, cpts_id = excluded.cpts_id, rpps = excluded.rpps,
        starts_at = excluded.starts_at, booking_sequence = excluded.booking_sequence
    where appointment.booking_sequence < excluded.booking_sequence
"""
KEEP_BOOKING_IDS = """
    update appointment set booking_id = new.booking_id
    from unnest($1::text[], $2::text[]) as new (referral_id, booking_id)
    where appointment.referral_id = new.referral_id
"""
KEEP_STATUSES = """
    insert into appointment (referral_id, departement, status, status_sequence)
    select distinct on (referral_id) *
    from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        as new (referral_id, departement, status, sequence)
    order by referral_id, sequence desc
    on conflict (referral_id) do update
    set departement = excluded.departement, status = excluded.status,
        status_sequence = excluded.status_sequence
    where appointment.status_sequence < excluded.status_sequence
"""


async def keep_bookings(connection: Connection, told: Sequence[Booked]) -> None:
    """Keep with whom and when these appointments are."""
    if told:
        await connection.execute(
            KEEP_BOOKINGS,
            [one.referral_id for one in told],
            [one.departement for one in told],
            [one.cpts_id for one in told],
            [one.rpps for one in told],
            [one.starts_at for one in told],
            [one.sequence for one in told],
        )
    here = [one for one in told if one.booking_id is not None]
    if here:
        await connection.execute(
            KEEP_BOOKING_IDS,
            [one.referral_id for one in here],
            [one.booking_id for one in here],
        )


async def keep_statuses(connection: Connection, told: Sequence[Became]) -> None:
    """Keep what became of these appointments."""
    if told:
        await connection.execute(
            KEEP_STATUSES,
            [one.referral_id for one in told],
            [one.departement for one in told],
            [one.status.value for one in told],
            [one.sequence for one in told],
        )
