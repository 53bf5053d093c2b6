"""What the bridge carried, by identifier and code: the latest, no body and no text of a person."""

import enum
from typing import Any

from services.gateway.domain.hub_envelopes import Heard, Refused
from services.messaging.database import Connection, Pool

ROWS_MAX = 10_000
KEEP = """
    insert into hub_message as known (
        queue, distribution_id, heard_at, outcome, answer_id, referenced_id, hub_code, hub_status,
        deliveries
    )
    values ($1, $2, now(), $3, $4, $5, $6, $7, 1)
    on conflict (queue, distribution_id) where distribution_id is not null do update
    set heard_at = excluded.heard_at, outcome = excluded.outcome, answer_id = excluded.answer_id,
        referenced_id = excluded.referenced_id, hub_code = excluded.hub_code,
        hub_status = excluded.hub_status, deliveries = known.deliveries + 1
"""
FORGET = "delete from hub_message where position <= (select max(position) from hub_message) - $1"
COUNT = """
    select queue, outcome, hub_code, hub_status, count(*) as messages,
        max(heard_at) as last_heard_at
    from hub_message group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
LIST = """
    select position, queue, distribution_id, heard_at, outcome, answer_id, referenced_id, hub_code,
        hub_status, deliveries
    from hub_message
    where position < $1 and ($2::text is null or outcome = $2)
    order by position desc limit $3
"""


class Outcome(enum.StrEnum):
    """What became of a message: of the Hub's to us, or of an answer of ours."""

    TAKEN = "taken"
    REFUSED = "refused"
    ACKNOWLEDGED = "acknowledged"
    REFUSED_THERE = "refused_there"
    ERROR = "error"
    UNREADABLE = "unreadable"


async def keep_message(
    pool: Pool, *, distribution_id: str | None, answer_id: str | None, refusal: Refused | None
) -> None:
    """Keep what became of a message: `taken` or `refused`; without answer, nobody was told."""
    outcome = Outcome.REFUSED if refusal else Outcome.TAKEN
    await _keep(
        pool,
        *("message", distribution_id, outcome, answer_id, None),
        *((refusal.code, refusal.status) if refusal else (None, None)),
    )


async def keep_heard(pool: Pool, *, queue: str, heard: Heard) -> None:
    """Keep what was told of a message of ours: `acknowledged`, `refused_there`, `error`, or
    `unreadable` when nothing says of which.
    """
    outcome = Outcome.ERROR if queue == "info" else Outcome.ACKNOWLEDGED
    if heard.is_refused:
        outcome = Outcome.REFUSED_THERE
    if heard.referenced_id is None and heard.code is None:
        outcome = Outcome.UNREADABLE
    await _keep(
        pool,
        *(queue, heard.distribution_id, outcome, None, heard.referenced_id),
        *(heard.code, heard.status),
    )


async def _keep(pool: Pool, *values: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(KEEP, *values)
        await connection.execute(FORGET, ROWS_MAX)


async def counts(connection: Connection | Pool) -> list[dict[str, Any]]:
    """How many of those kept had which outcome and code, and when the last one came."""
    return [dict(row) for row in await connection.fetch(COUNT)]


async def listed(
    connection: Connection | Pool, after: int, *, outcome: str | None, limit: int
) -> list[dict[str, Any]]:
    """What was carried, the latest first, before the position `after`."""
    return [dict(row) for row in await connection.fetch(LIST, after, outcome, limit)]
