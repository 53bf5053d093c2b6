"""Referrals: their present state, what is due, the worklists."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from asyncpg import Record

from services.messaging.database import Connection
from services.messaging.timers import Due
from services.referrals.domain.referral import Referral, Stage, due_at
from services.referrals.domain.waiting import place_key_of

# Column by column in the order of the struct's fields; the last two are derived.
_TYPES = {
    "referral_id": "text",
    "departement": "text",
    "sequence": "bigint",
    "state": "text",
    "source": "text",
    "source_id": "text",
    "commune": "text",
    "part": "text",
    "need": "text",
    "urgency": "text",
    "received_at": "timestamptz",
    "see_by": "timestamptz",
    "recorded_at": "timestamptz",
    "changed_at": "timestamptz",
    "outcome": "text",
    "cpts_id": "text",
    "offered_at": "timestamptz",
    "answer_by": "timestamptz",
    "accepted_at": "timestamptz",
    "practitioner_rpps": "text",
    "starts_at": "timestamptz",
    "located_commune": "text",
    "located_part": "text",
    "look_again_at": "timestamptz",
    "starts_at_told": "text",
    "practitioner_told": "text",
    "attendance_told": "text",
    "place_key": "text",
    "due_at": "timestamptz",
}
_FIELDS = Referral.__struct_fields__
COLUMNS = ", ".join(_FIELDS)
_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES.values(), start=1))
_CHANGING = ", ".join(
    f"{name} = excluded.{name}"
    for name in _TYPES
    if name not in {"referral_id", "departement", "source", "source_id", "recorded_at"}
)
WRITE = f"""
    insert into referral ({", ".join(_TYPES)})
    select * from unnest({_ARRAYS})
    on conflict (referral_id) do update set {_CHANGING}
    where referral.sequence < excluded.sequence
"""  # noqa: S608 - constants
LOAD = f"select {COLUMNS} from referral where referral_id = any ($1)"  # noqa: S608
LOCK = f"""
    select {COLUMNS},
        exists (
            select from member
            where member.cpts_id = coalesce($2, referral.cpts_id) and member.rpps = $3
                and not member.is_withdrawn and member.from_on <= $4
                and (member.to_on is null or $4 <= member.to_on)
        ) as is_member
    from referral where referral_id = $1 for update of referral
"""  # noqa: S608
LOCK_DUE = f"""
    select {COLUMNS} from referral
    where due_at <= $1 order by due_at limit $2 offset $3 for update skip locked
"""  # noqa: S608
LOCK_HELD = f"""
    select {COLUMNS} from referral
    where state = 'held' and place_key = any ($1) order by referral_id for update
"""  # noqa: S608
PLACES_HELD = """
    select distinct place_key from referral
    where state = 'held' and place_key > $1 order by place_key limit $2
"""
LIST = f"""
    select {COLUMNS} from referral
    where ($1::text is null or state = $1) and ($2::text is null or cpts_id = $2)
        and ($3::text is null or departement = $3)
        and ($4::timestamptz is null or (recorded_at, referral_id) > ($4, $5))
    order by recorded_at, referral_id limit $6
"""  # noqa: S608
LIST_HELD = f"""
    select {COLUMNS} from referral
    where state = 'held' and ($1::timestamptz is null or (see_by, referral_id) > ($1, $2))
    order by see_by, referral_id limit $3
"""  # noqa: S608
LIST_OFFERED = f"""
    select {COLUMNS} from referral
    where state = 'offered' and ($1::text is null or cpts_id = $1)
        and ($2::timestamptz is null or (answer_by, referral_id) > ($2, $3))
    order by answer_by, referral_id limit $4
"""  # noqa: S608

Cursor = tuple[datetime, str] | tuple[None, None]


async def load(connection: Connection, ids: Sequence[str]) -> list[Referral]:
    """The present state of those that exist, without a lock."""
    if not ids:
        return []
    return [read(row) for row in await connection.fetch(LOAD, ids)]


async def lock(
    connection: Connection,
    referral_id: str,
    *,
    cpts_id: str | None = None,
    rpps: str | None = None,
    day: date | None = None,
) -> tuple[Referral | None, bool]:
    """The referral, locked, and whether `rpps` is a member that day of the CPTS.

    Of the CPTS that holds the referral when no `cpts_id` is given. (None, False) if unknown.
    """
    row = await connection.fetchrow(LOCK, referral_id, cpts_id, rpps, day)
    return (None, False) if row is None else (read(row), row["is_member"])


async def lock_due(connection: Connection, due: Due) -> list[Referral]:
    """Referrals whose due time has come, the oldest first; those that others hold are left."""
    return [read(row) for row in await connection.fetch(LOCK_DUE, due.now, due.limit, due.skip)]


async def lock_held(connection: Connection, place_keys: Sequence[str]) -> list[Referral]:
    """The demands that wait in these places, locked."""
    return [read(row) for row in await connection.fetch(LOCK_HELD, place_keys)]


async def places_held(connection: Connection, after: str, limit: int) -> list[str]:
    """The next places, in order of their key, where a demand waits."""
    return [row["place_key"] for row in await connection.fetch(PLACES_HELD, after, limit)]


async def write(connection: Connection, states: Sequence[Referral]) -> None:
    """Keep these states, whole; an older one than what is kept changes nothing."""
    columns: list[list[object]] = [[getattr(one, name) for one in states] for name in _FIELDS]
    await connection.execute(
        WRITE, *columns, [place_key_of(one) for one in states], [due_at(one) for one in states]
    )


async def listed(
    connection: Connection,
    *,
    stage: Stage | None,
    cpts_id: str | None,
    departement: str | None,
    after: Cursor,
    limit: int,
) -> list[Referral]:
    """Referrals by when they were recorded."""
    rows = await connection.fetch(LIST, stage, cpts_id, departement, *after, limit)
    return [read(row) for row in rows]


async def held(connection: Connection, after: Cursor, limit: int) -> list[Referral]:
    """The demands that wait for a CPTS, the most pressing first."""
    return [read(row) for row in await connection.fetch(LIST_HELD, *after, limit)]


async def offered(
    connection: Connection, cpts_id: str | None, after: Cursor, limit: int
) -> list[Referral]:
    """The demands that await an answer, the most pressing first."""
    return [read(row) for row in await connection.fetch(LIST_OFFERED, cpts_id, *after, limit)]


def read(row: Record) -> Referral:
    """The referral in a row that holds `COLUMNS`."""
    return msgspec.convert({name: row[name] for name in _FIELDS}, Referral)
