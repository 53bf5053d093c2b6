"""The history: every event of the service's own topic, once, as it was applied."""

from typing import Any

import msgspec

from services.messaging.database import Connection, Pool

HISTORY = """
    select sequence, type, occurred_at, recorded_at, event::text as event
    from history where subject = $1 and sequence > $2 order by sequence limit $3
"""


async def history_of(
    connection: Connection | Pool, subject: str, *, after: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    """What happened to an aggregate after a sequence, in order; each with its event decoded."""
    rows = await connection.fetch(HISTORY, subject, after, limit)
    return [{**row, "event": msgspec.json.decode(row["event"])} for row in rows]
