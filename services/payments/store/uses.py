"""What CPTS pay their members and use their funds for: kept from events, summed for ceilings."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import FundsUsed, IndemnityRecorded
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.indemnities import posted_by, use_postings
from services.payments.store import postings

JOURNAL = "uses"
Row = dict[str, Any]

KEEP_INDEMNITY = """
    insert into indemnity (cpts_id, indemnity_id, rpps, kind, function, minutes, amount_cents,
                           paid_on, is_withdrawn, is_paid_by_batch, sequence)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (cpts_id, indemnity_id) do update
    set rpps = excluded.rpps, kind = excluded.kind, function = excluded.function,
        minutes = excluded.minutes, amount_cents = excluded.amount_cents,
        paid_on = excluded.paid_on, is_withdrawn = excluded.is_withdrawn,
        is_paid_by_batch = excluded.is_paid_by_batch, sequence = excluded.sequence
"""
KEEP_USE = """
    insert into fund_use (cpts_id, use_id, category, amount_cents, used_on, is_withdrawn, sequence)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (cpts_id, use_id) do update
    set category = excluded.category, amount_cents = excluded.amount_cents,
        used_on = excluded.used_on, is_withdrawn = excluded.is_withdrawn,
        sequence = excluded.sequence
"""


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keeps each entry as its last event says, and posts what that changes.

    An aggregate's events are applied in their order, once each.
    """
    for one in recorded:
        event, before = one.event, None
        if isinstance(event, IndemnityRecorded):
            present = await find_indemnity(connection, event.cpts_id, event.indemnity_id)
            before = posted_by(present) if present else None
            statement = KEEP_INDEMNITY
        elif isinstance(event, FundsUsed):
            use = await find_use(connection, event.cpts_id, event.use_id)
            before = posted_by(use) if use else None
            statement = KEEP_USE
        else:
            continue
        await connection.execute(statement, *msgspec.structs.astuple(event), one.sequence)
        changes = use_postings(event.cpts_id, before, posted_by(event))
        lines = [(account, None, amount_cents, day) for account, amount_cents, day in changes]
        await postings.add(connection, one, journal=JOURNAL, lines=lines)


async def find_indemnity(
    connection: Connection, cpts_id: str, indemnity_id: str
) -> IndemnityRecorded | None:
    """An entry as it stands, or None."""
    row = await connection.fetchrow(
        """
        select cpts_id, indemnity_id, rpps, kind, function, minutes, amount_cents, paid_on,
               is_withdrawn, is_paid_by_batch
        from indemnity where cpts_id = $1 and indemnity_id = $2
        """,
        cpts_id,
        indemnity_id,
    )
    return IndemnityRecorded(**row) if row else None


async def find_use(connection: Connection, cpts_id: str, use_id: str) -> FundsUsed | None:
    """A use as it stands, or None."""
    row = await connection.fetchrow(
        """
        select cpts_id, use_id, category, amount_cents, used_on, is_withdrawn
        from fund_use where cpts_id = $1 and use_id = $2
        """,
        cpts_id,
        use_id,
    )
    return FundsUsed(**row) if row else None


async def paid_cents(
    connection: Connection, rpps: str, year: int, *, but: tuple[str, str] | None = None
) -> int:
    """What a professional receives in a civil year, over all CPTS, one entry left out."""
    value = await connection.fetchval(
        """
        select coalesce(sum(amount_cents), 0)::bigint from indemnity
        where rpps = $1 and paid_on between $2 and $3 and not is_withdrawn
          and (cpts_id, indemnity_id) is distinct from ($4::text, $5::text)
        """,
        rpps,
        date(year, 1, 1),
        date(year, 12, 31),
        *(but or (None, None)),
    )
    return int(value or 0)


async def indemnities(connection: Connection, cpts_id: str, *, after: str, limit: int) -> list[Row]:
    """The entries of a CPTS by id, withdrawn ones included."""
    rows = await connection.fetch(
        """
        select indemnity_id, rpps, kind, function, minutes, amount_cents, paid_on, is_withdrawn,
               is_paid_by_batch
        from indemnity where cpts_id = $1 and indemnity_id > $2 order by indemnity_id limit $3
        """,
        cpts_id,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def uses(connection: Connection, cpts_id: str, *, after: str, limit: int) -> list[Row]:
    """The declared uses of a CPTS by id, withdrawn ones included."""
    rows = await connection.fetch(
        """
        select use_id, category, amount_cents, used_on, is_withdrawn
        from fund_use where cpts_id = $1 and use_id > $2 order by use_id limit $3
        """,
        cpts_id,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def used_by_category(connection: Connection, cpts_id: str, year: int) -> dict[str, int]:
    """The cents of each category that a CPTS used in a civil year, as the ledger has them."""
    rows = await connection.fetch(
        """
        select split_part(account, ':', -1) as category, sum(amount_cents)::bigint as cents
        from ledger_entry
        where cpts_id = $1 and journal = $2 and account like 'use:%'
          and booked_on between $3 and $4
        group by category having sum(amount_cents) <> 0 order by category
        """,
        cpts_id,
        JOURNAL,
        date(year, 1, 1),
        date(year, 12, 31),
    )
    return {row["category"]: row["cents"] for row in rows}
