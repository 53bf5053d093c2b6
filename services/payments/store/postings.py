"""How postings enter the ledger, each in its journal."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.messaging.database import Connection

POST = """
    insert into ledger_entry (posting_id, ordinal, account, cpts_id, starts_on, amount_cents,
                              occurred_at, cause, journal)
    select *, $9 from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::date[],
                             $6::bigint[], $7::timestamptz[], $8::text[])
"""
Entry = tuple[UUID, int, str, str, date, int, datetime, str]
"""Posting, ordinal, account, CPTS, contract year, cents, instant, cause."""


async def post(connection: Connection, journal: str, entries: Sequence[Entry]) -> None:
    """Add lines to the ledger; those of one posting sum to zero."""
    if entries:
        columns = [list(column) for column in zip(*entries, strict=True)]
        await connection.execute(POST, *columns, journal)
