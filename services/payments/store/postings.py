"""How postings enter the ledger, each in its journal; and the last event of an aggregate."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from contracts.recorded import Recorded
from services.messaging.database import Connection

LEDGER_LOCK = 1
"""The first key of advisory locks on a CPTS's ledger: shared by who enters lines, whole for who
numbers them. What prices, whose lines are never numbered, takes none."""

ENTERING = """
    select pg_advisory_xact_lock_shared($1, hashtext(cpts_id)) from unnest($2::text[]) as cpts_id
"""
ADD = """
    insert into ledger_entry (posting_id, ordinal, account, cpts_id, starts_on, amount_cents,
                              occurred_at, journal, cause, booked_on)
    select $1, ordinal, account, $2, starts_on, amount_cents, $3, $4, $5, booked_on
    from unnest($6::text[], $7::date[], $8::bigint[], $9::date[]) with ordinality
        as new (account, starts_on, amount_cents, booked_on, ordinal)
    on conflict do nothing
"""
POST = """
    insert into ledger_entry (posting_id, ordinal, account, cpts_id, starts_on, amount_cents,
                              occurred_at, cause, journal)
    select *, $9 from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::date[],
                             $6::bigint[], $7::timestamptz[], $8::text[])
"""
Line = tuple[str, date | None, int, date]
"""An account, the contract year it belongs to if any, signed cents, and the day it counts on."""


Entry = tuple[UUID, int, str, str, date, int, datetime, str]
"""Posting, ordinal, account, CPTS, contract year, cents, instant, cause."""


async def post(connection: Connection, journal: str, entries: Sequence[Entry]) -> None:
    """Add lines to the ledger; those of one posting sum to zero."""
    if entries:
        await _entering(connection, {cpts_id for _, _, _, cpts_id, *_ in entries})
        columns = [list(column) for column in zip(*entries, strict=True)]
        await connection.execute(POST, *columns, journal)


async def add(
    connection: Connection, one: Recorded[Any], *, journal: str, lines: Iterable[Line]
) -> None:
    """Posts what one event says, under its id, so that it is posted once; lines without cents are
    left out.
    """
    kept = [line for line in lines if line[2]]
    if not kept:
        return
    await _entering(connection, {one.event.cpts_id})
    await connection.execute(
        ADD,
        one.id,
        one.event.cpts_id,
        one.occurred_at,
        journal,
        one.cause,
        [account for account, _, _, _ in kept],
        [starts_on for _, starts_on, _, _ in kept],
        [amount_cents for _, _, amount_cents, _ in kept],
        [booked_on for _, _, _, booked_on in kept],
    )


async def _entering(connection: Connection, cpts_ids: Collection[str]) -> None:
    await connection.execute(ENTERING, LEDGER_LOCK, sorted(cpts_ids))


async def last_sequence(connection: Connection, subject: str) -> int:
    """The sequence of an aggregate's last event, 0 before the first."""
    return (await last_sequences(connection, [subject])).get(subject, 0)


async def last_sequences(connection: Connection, subjects: Collection[str]) -> dict[str, int]:
    """The sequence of the last event of each aggregate that has one."""
    rows = await connection.fetch(
        "select subject, max(sequence) as last from history where subject = any ($1) group by 1",
        list(subjects),
    )
    return {row["subject"]: row["last"] for row in rows}
