"""The sums that are due: kept from events, and read by what explains or pays them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.payments import DueSet
from contracts.recorded import Recorded
from services.messaging.database import Connection

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
OF_YEAR = """
    select * from due where cpts_id = $1 and ($2::date is null or starts_on = $2)
    order by due_on, starts_on, due_id
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


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep the sums that these events set; the highest sequence of each stands."""
    await connection.executemany(
        KEEP,
        [
            (
                one.event.cpts_id,
                one.event.contract_year_starts_on,
                one.event.due_id,
                one.sequence,
                one.id,
                one.event.kind,
                one.event.mission,
                one.event.amount_cents,
                one.event.due_on,
                one.event.is_held,
                list(one.event.rate_ids),
                one.event.explanation,
            )
            for one in recorded
            if isinstance(one.event, DueSet)
        ],
    )


async def of_cpts(connection: Connection, cpts_id: str, starts_on: date | None = None) -> list[Due]:
    """The sums of a CPTS, or of one of its contract years, by the day on which they are due."""
    rows = await connection.fetch(OF_YEAR, cpts_id, starts_on)
    return [
        Due(rate_ids=tuple(row["rate_ids"]), **{name: row[name] for name in _PLAIN}) for row in rows
    ]
