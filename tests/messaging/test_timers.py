"""What falls due: many rows at once, and one that cannot be fired delays no other."""

from datetime import UTC, datetime

import pytest

from services.messaging.clock import DrivenClock
from services.messaging.timers import Due, Timer, fire_due
from tests.messaging.toy import POISON

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def fire(unit, due: Due) -> int:
    """Due are the things with a number; fired, they have none."""
    rows = await unit.connection.fetch(
        "select subject, number from thing where number > 0 order by subject"
        " limit $1 offset $2 for update skip locked",
        due.limit,
        due.skip,
    )
    if any(row["number"] == POISON for row in rows):
        raise ValueError("I stumble")
    subjects = [row["subject"] for row in rows]
    await unit.connection.execute("update thing set number = 0 where subject = any ($1)", subjects)
    return len(rows)


async def due_left(speaker) -> list[int]:
    rows = await speaker.pool.fetch("select number from thing where number > 0 order by subject")
    return [row["number"] for row in rows]


async def prepare(speaker, numbers: list[int]) -> None:
    await speaker.pool.executemany(
        "insert into thing values ($1, 1, $2)", [(f"{n:03}", one) for n, one in enumerate(numbers)]
    )


async def test_all_that_is_due_is_fired_many_rows_a_transaction(speaker) -> None:
    await prepare(speaker, [1] * 450)
    timer = Timer(name="things", fire=fire)
    assert await fire_due(speaker.desk, timer, DrivenClock(NOW)) == 450
    assert await due_left(speaker) == []


async def test_rows_that_cannot_be_fired_stay_due_and_the_others_are(speaker) -> None:
    await prepare(speaker, [POISON, 1, 1, POISON, *[1] * 300])
    timer = Timer(name="things", fire=fire)
    for _ in range(2):
        with pytest.raises(ValueError, match="I stumble"):
            await fire_due(speaker.desk, timer, DrivenClock(NOW))
        assert await due_left(speaker) == [POISON, POISON]
