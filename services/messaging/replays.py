"""The audit of replays: who had a dead letter handled again, when, and what came of it."""

from typing import Any

from services.messaging.database import Connection

REPLAYED = "replayed"
ADD = "insert into dead_letter_replay (letter_id, asked_by, outcome) values ($1, $2, $3)"
LIST = """
    select replay.id, letter_id, topic, type, asked_by, outcome, asked_at
    from dead_letter_replay as replay left join dead_letter on dead_letter.id = letter_id
    where replay.id < $1
    order by replay.id desc
    limit $2
"""


async def add_replay(
    connection: Connection, letter_id: int, asked_by: str | None, outcome: str
) -> None:
    """Keep that a replay was asked for; `outcome` is `REPLAYED`, or the reason of the refusal."""
    await connection.execute(ADD, letter_id, asked_by, outcome)


async def list_replays(connection: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """The replays that were asked for, newest first, those before `after`.

    `asked_by` is the id that its organisation gives to who asked, None when it was not said.
    """
    return [dict(row) for row in await connection.fetch(LIST, after, limit)]
