"""The sums that are due: kept from events, and read by what explains or pays them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import DueSet
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.dues import DueSum, postings
from services.payments.store.postings import post

KEEP = """
    insert into due as kept (cpts_id, starts_on, due_id, sequence, event_id, kind, mission,
                             amount_cents, due_on, is_held, rate_ids, explanation)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (cpts_id, starts_on, due_id) do update
    set sequence = excluded.sequence, event_id = excluded.event_id, kind = excluded.kind,
        mission = excluded.mission, amount_cents = excluded.amount_cents,
        due_on = excluded.due_on, is_held = excluded.is_held, rate_ids = excluded.rate_ids,
        explanation = excluded.explanation
    where kept.sequence < excluded.sequence
"""
OF_MANY = "select * from due where cpts_id = any ($1)"
OF_YEAR = """
    select * from due where cpts_id = $1 and ($2::date is null or starts_on = $2)
    order by due_on, starts_on, due_id
"""
# The key is what `cursor` writes.
OF_CPTS_PAGE = """
    select * from due
    where cpts_id = $1 and ($2::date is null or starts_on = $2)
      and due_on::text || '/' || starts_on || '/' || due_id > $3
    order by due_on::text || '/' || starts_on || '/' || due_id limit $4
"""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A sum as it stands; `sequence` is that of the account's event that set it."""

    cpts_id: str
    starts_on: date
    due_id: str
    sequence: int
    kind: str
    mission: str | None
    amount_cents: int
    due_on: date
    is_held: bool
    rate_ids: tuple[str, ...]
    explanation: str


_PLAIN = [name for name in Due.__struct_fields__ if name != "rate_ids"]
_SUM = [name for name in DueSum.__struct_fields__ if name != "rate_ids"]


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep the sums that these events set, in order, and post what each changes."""
    said = [one for one in recorded if isinstance(one.event, DueSet)]
    if not said:
        return
    last = await _last_said(connection, {one.event.cpts_id for one in said})
    entries = []
    for one in said:
        event: DueSet = one.event
        key = (event.cpts_id, event.contract_year_starts_on, event.due_id)
        lines = postings(last.get(key), event)
        last[key] = event
        entries += [
            (one.id, ordinal, account, *key[:2], cents, one.occurred_at, one.cause)
            for ordinal, (account, cents) in enumerate(lines, start=1)
        ]
    await connection.executemany(KEEP, [_row(one) for one in said])
    await post(connection, "dues", entries)


def _row(one: Recorded[DueSet]) -> tuple[Any, ...]:
    event = one.event
    return (
        event.cpts_id,
        event.contract_year_starts_on,
        event.due_id,
        one.sequence,
        one.id,
        event.kind,
        event.mission,
        event.amount_cents,
        event.due_on,
        event.is_held,
        list(event.rate_ids),
        event.explanation,
    )


async def _last_said(
    connection: Connection, cpts_ids: Collection[str]
) -> dict[tuple[str, date, str], DueSet]:
    rows = await connection.fetch(OF_MANY, list(cpts_ids))
    return {
        (row["cpts_id"], row["starts_on"], row["due_id"]): DueSet(
            cpts_id=row["cpts_id"],
            contract_year_starts_on=row["starts_on"],
            due_id=row["due_id"],
            kind=row["kind"],
            amount_cents=row["amount_cents"],
            due_on=row["due_on"],
            is_held=row["is_held"],
        )
        for row in rows
    }


async def sums_of(connection: Connection, cpts_ids: Collection[str]) -> dict[str, list[DueSum]]:
    """The sums of these CPTS as they were last said, those of 0 included."""
    found: dict[str, list[DueSum]] = {cpts_id: [] for cpts_id in cpts_ids}
    for row in await connection.fetch(OF_MANY, list(cpts_ids)):
        values = {name: row[name] for name in _SUM}
        found[row["cpts_id"]].append(DueSum(rate_ids=tuple(row["rate_ids"]), **values))
    return found


async def of_cpts(connection: Connection, cpts_id: str, starts_on: date | None = None) -> list[Due]:
    """The sums of a CPTS, or of one of its contract years, by the day on which they are due."""
    return [_due(row) for row in await connection.fetch(OF_YEAR, cpts_id, starts_on)]


async def page_of_cpts(
    connection: Connection, cpts_id: str, starts_on: date | None, *, after: str, limit: int
) -> list[Due]:
    """The same sums, so many of them that come after the cursor of one."""
    rows = await connection.fetch(OF_CPTS_PAGE, cpts_id, starts_on, after, limit)
    return [_due(row) for row in rows]


def cursor(due: Due) -> str:
    """Where a sum stands among those of its CPTS."""
    return f"{due.due_on}/{due.starts_on}/{due.due_id}"


async def totals(
    connection: Connection, cpts_id: str, starts_on: date | None = None
) -> dict[str, int]:
    """What is owed to a CPTS, or of one of its contract years, and what is held back, in cents."""
    row = await connection.fetchrow(
        """
        select coalesce(sum(amount_cents) filter (where not is_held), 0)::bigint as owed_cents,
               coalesce(sum(amount_cents) filter (where is_held), 0)::bigint as held_cents
        from due where cpts_id = $1 and ($2::date is null or starts_on = $2)
        """,
        cpts_id,
        starts_on,
    )
    return dict(row) if row else {}


def _due(row: Any) -> Due:
    return Due(rate_ids=tuple(row["rate_ids"]), **{name: row[name] for name in _PLAIN})
