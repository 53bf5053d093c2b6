"""Declarations to SAS platforms: written with the hearing of an event, taken under a lease, marked.

A row that is taken falls due again when its lease ends, by the database's time. The rows of an
appointment leave in the order of their ids: whoever writes one holds the appointment's row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime  # noqa: TC003
from typing import Any
from uuid import UUID

import msgspec

from contracts.events.gateway import RegulatorIdentifier
from services.gateway.domain.declarations import Declared, Known, ToDeclare
from services.messaging.database import Connection, Pool

MAKE = """
    insert into appointment (referral_id) select unnest($1::text[]) order by 1
    on conflict (referral_id) do nothing
"""
LOCK = """
    select referral_id, rpps, starts_at, booking_id, booking_sequence, status, status_sequence
    from appointment where referral_id = any ($1) order by referral_id for update
"""
# No event tells an end: the slot's at that instant, else as long as the place that was booked, else
# 15 minutes, as the guide's example. When it was made is in the first declaration.
WRITE = """
    insert into declaration (
        appointment_id, departement, rpps, starts_at, ends_at, status, made_at, may_be_there
    )
    select new.appointment_id, new.departement, new.rpps, new.starts_at,
        coalesce(
            (
                select max(slot.ends_at) from slot
                where slot.rpps = new.rpps and slot.starts_at = new.starts_at
                    and slot.ends_at > slot.starts_at
            ),
            new.starts_at + coalesce(booking.ends_at - booking.starts_at, interval '15 minutes')
        ),
        new.status,
        coalesce(
            new.made_at,
            (
                select made_at from declaration
                where declaration.appointment_id = new.appointment_id and made_at is not null
                limit 1
            )
        ),
        $8 or new.is_later or exists (
            select from declaration where declaration.appointment_id = new.appointment_id
        )
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[],
        $7::timestamptz[], $9::boolean[]
    ) with ordinality as new (
        appointment_id, departement, rpps, starts_at, status, booking_id, made_at, is_later, place
    )
    left join booking on booking.booking_id = new.booking_id
    order by place
"""
TAKE = """
    with due as (
        select declaration_id, may_be_there from declaration
        where state = 'pending' and departement = any ($1) and due_at <= clock_timestamp()
            and not exists (
                select from declaration as earlier
                where earlier.appointment_id = declaration.appointment_id
                    and earlier.declaration_id < declaration.declaration_id
                    and earlier.state = 'pending'
            )
        order by due_at, declaration_id limit $2 for update skip locked
    ), taken as (
        update declaration
        set due_at = clock_timestamp() + make_interval(secs => $3), lease = $4,
            attempts = attempts + 1, may_be_there = true
        from due where declaration.declaration_id = due.declaration_id
        returning declaration.*, due.may_be_there as might_be_there
    )
    select declaration_id, appointment_id, taken.departement, taken.rpps, taken.starts_at,
        taken.ends_at, taken.status, made_at, might_be_there as may_be_there, attempts,
        coalesce((
            select json_agg(json_build_object('kind', kind, 'system', system, 'value', value))
            from regulator_identifier
            where regulator_identifier.regulator_id = booking.regulator_id
        ), '[]')::text as identifiers
    from taken
    left join appointment on referral_id = appointment_id
    left join booking on booking.booking_id = appointment.booking_id
    order by declaration_id
"""
SETTLE = """
    update declaration
    set state = $3, may_be_there = $4, answered_at = clock_timestamp(), answer_status = $5,
        answer = $6
    where declaration_id = $1 and lease = $2 and state = 'pending'
"""
# Half of the wait at least, the rest by chance: those that failed together do not come together.
POSTPONE = """
    update declaration
    set may_be_there = $3, answered_at = clock_timestamp(), answer_status = $4, answer = $5,
        due_at = clock_timestamp()
            + make_interval(secs => greatest($6 * (0.5 + random() / 2), $7))
    where declaration_id = $1 and lease = $2 and state = 'pending'
"""
_IS_OUTDATED = """
    exists (
        select from declaration as later
        where later.appointment_id = declaration.appointment_id
            and later.declaration_id > declaration.declaration_id
    )
"""
_SHOWN = f"""
    select declaration_id, appointment_id, departement, rpps, starts_at, ends_at, status, state,
        attempts, written_at, answered_at, answer_status, answer,
        case when state = 'pending' then due_at end as due_at, {_IS_OUTDATED} as is_outdated
    from declaration
"""  # noqa: S608 - constants
# What was refused and has been told anew since needs nobody's work.
LISTED = f"""
    {_SHOWN}
    where declaration_id > $1 and ($2::text is null or state = $2)
        and ($3::text is null or appointment_id = $3)
        and not (state = 'refused' and $2 is not null and {_IS_OUTDATED})
    order by declaration_id limit $4
"""
SHOWN = f"{_SHOWN} where declaration_id = $1"
LOCK_APPOINTMENT = """
    select from appointment
    where referral_id = (select appointment_id from declaration where declaration_id = $1)
    for update
"""
RESEND = """
    update declaration
    set state = 'pending', attempts = 0, due_at = clock_timestamp(), lease = null
    where declaration_id = $1 and state = 'refused'
"""
UNDECLARED_AFTER = """
    select appointment.referral_id as appointment_id, appointment.departement, appointment.rpps,
        appointment.starts_at, appointment.status, appointment.booking_id
    from appointment
    left join lateral (
        select rpps, starts_at, status from declaration
        where declaration.appointment_id = appointment.referral_id
        order by declaration_id desc limit 1
    ) as last on true
    where referral_id > $1 and appointment.departement = any ($2)
        and appointment.starts_at is not null and appointment.status is not null
        and (last.rpps, last.starts_at, last.status)
            is distinct from (appointment.rpps, appointment.starts_at, appointment.status)
    order by referral_id limit $3
"""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration that is this process's to send, until its lease ends.

    `may_be_there`: an earlier attempt or declaration may have reached the platform.
    """

    declaration_id: int
    declared: Declared
    may_be_there: bool
    attempts: int
    identifiers: tuple[RegulatorIdentifier, ...]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt: `status` is None when nobody answered, `words` then say how."""

    status: int | None
    words: str | None
    may_be_there: bool


_IDENTIFIERS = msgspec.json.Decoder(tuple[RegulatorIdentifier, ...])


async def lock_known(connection: Connection, referral_ids: Sequence[str]) -> Mapping[str, Known]:
    """The appointments as they stand, locked; made if absent, so that nobody else writes them."""
    ordered = sorted(set(referral_ids))
    await connection.execute(MAKE, ordered)
    rows = await connection.fetch(LOCK, ordered)
    return {row["referral_id"]: msgspec.convert(dict(row), Known) for row in rows}


async def write(
    connection: Connection, told: Sequence[ToDeclare], *, may_be_there: bool = False
) -> None:
    """Write what is to be declared, in this order. `may_be_there`: the platform may have heard of
    these appointments without our knowing.
    """
    made: dict[str, datetime | None] = {}
    is_later = []
    for one in told:
        is_later.append(one.appointment_id in made)
        made[one.appointment_id] = made.get(one.appointment_id) or one.made_at
    await connection.execute(
        WRITE,
        [one.appointment_id for one in told],
        [one.departement for one in told],
        [one.rpps for one in told],
        [one.starts_at for one in told],
        [one.status for one in told],
        [one.booking_id for one in told],
        [made[one.appointment_id] for one in told],
        may_be_there,
        is_later,
    )


async def undeclared_after(
    connection: Connection, after: str, departements: Sequence[str], limit: int
) -> list[ToDeclare]:
    """The next appointments that stand otherwise than they were last declared, in order."""
    rows = await connection.fetch(UNDECLARED_AFTER, after, departements, limit)
    return [msgspec.convert(dict(row), ToDeclare) for row in rows]


async def take(
    pool: Pool, departements: Sequence[str], limit: int, *, lease: UUID, lease_seconds: float
) -> list[Taken]:
    """The next due declarations of these départements, at most one an appointment: this process's
    until the lease ends.
    """
    rows = await pool.fetch(TAKE, departements, limit, lease_seconds, lease)
    return [
        Taken(
            declaration_id=row["declaration_id"],
            declared=msgspec.convert(dict(row), Declared),
            may_be_there=row["may_be_there"],
            attempts=row["attempts"],
            identifiers=_IDENTIFIERS.decode(row["identifiers"]),
        )
        for row in rows
    ]


async def settle(
    pool: Pool, declaration_id: int, lease: UUID, answered: Answered, *, is_delivered: bool
) -> None:
    """Mark what was delivered or refused, if the lease still holds."""
    await pool.execute(
        SETTLE,
        declaration_id,
        lease,
        "delivered" if is_delivered else "refused",
        answered.may_be_there,
        answered.status,
        answered.words,
    )


async def postpone(
    pool: Pool,
    declaration_id: int,
    lease: UUID,
    answered: Answered,
    *,
    seconds: float,
    seconds_min: float,
) -> None:
    """Let it fall due again in between half of `seconds` and all, `seconds_min` at least."""
    await pool.execute(
        POSTPONE,
        declaration_id,
        lease,
        answered.may_be_there,
        answered.status,
        answered.words,
        seconds,
        seconds_min,
    )


async def listed(
    pool: Pool, state: str | None, appointment_id: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Declarations in the order in which they were written; of the refused ones, when these are
    asked for, the last of their appointment.
    """
    rows = await pool.fetch(LISTED, after, state, appointment_id, limit)
    return [dict(row) for row in rows]


async def shown(connection: Connection, declaration_id: int) -> dict[str, Any] | None:
    """A declaration; None if there is none."""
    row = await connection.fetchrow(SHOWN, declaration_id)
    return None if row is None else dict(row)


async def lock_shown(connection: Connection, declaration_id: int) -> dict[str, Any] | None:
    """A declaration whose appointment gets no other until the end of the transaction."""
    await connection.execute(LOCK_APPOINTMENT, declaration_id)
    return await shown(connection, declaration_id)


async def resend(connection: Connection, declaration_id: int) -> None:
    """Let a refused declaration leave again, at once."""
    await connection.execute(RESEND, declaration_id)
