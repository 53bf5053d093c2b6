"""The sanitary crises that the ARS recognised: kept from events."""

from collections.abc import Collection, Sequence
from typing import Any

from contracts.events.payments import CrisisRecorded
from contracts.recorded import Recorded
from services.messaging.database import Connection

KEEP = """
    insert into crisis as kept (cpts_id, crisis_id, starts_on, sequence, recognised_on,
                                is_withdrawn)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (cpts_id, crisis_id) do update
    set sequence = excluded.sequence, recognised_on = excluded.recognised_on,
        is_withdrawn = excluded.is_withdrawn
    where kept.sequence < excluded.sequence
"""
OF_MANY = """
    select cpts_id, starts_on as contract_year_starts_on, crisis_id, recognised_on, is_withdrawn
    from crisis where cpts_id = any ($1) order by cpts_id, recognised_on, crisis_id
"""


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep the highest sequence of each crisis; its contract year never changes."""
    rows = [
        (
            one.event.cpts_id,
            one.event.crisis_id,
            one.event.contract_year_starts_on,
            one.sequence,
            one.event.recognised_on,
            one.event.is_withdrawn,
        )
        for one in recorded
        if isinstance(one.event, CrisisRecorded)
    ]
    if rows:
        await connection.executemany(KEEP, rows)


async def of_many(connection: Connection, cpts_ids: Collection[str]) -> list[CrisisRecorded]:
    """The crises of these CPTS as they were last recorded, those withdrawn included."""
    rows = await connection.fetch(OF_MANY, list(cpts_ids))
    return [CrisisRecorded(**row) for row in rows]
