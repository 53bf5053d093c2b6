"""The service's handlers on a real database, and what came of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.events.indicators import FigureChanged
from contracts.recorded import Recorded
from services.indicators.app import RULE, SERVICE
from services.indicators.store import answers
from services.messaging.unit import Desk, open_unit
from tests.indicators.story import Key

HANDLERS = {hears.topic.name: hears.handler for hears in SERVICE.hears}


async def hear(desk: Desk, topic: str, batch: Sequence[Recorded[Any]]) -> None:
    """One batch in one transaction."""
    async with open_unit(desk) as unit:
        await HANDLERS[topic](unit, batch)


async def figures(desk: Desk) -> dict[Key, set[str]]:
    """The facts that each figure counts; its value is checked to be their number."""
    async with desk.pool.acquire() as connection:
        found = {}
        for row in await connection.fetch("select * from figure"):
            key = (row["cpts_id"], row["indicator"], row["starts_on"])
            facts = await answers.counted_facts(connection, *key, after="", limit=1000)
            found[key] = {fact["fact_id"] for fact in facts}
            assert row["value"] == len(facts)
        return found


async def invariants(desk: Desk) -> set[bool]:
    """The values of the live invariants."""
    async with desk.pool.acquire() as connection:
        return set((await answers.invariants(connection, RULE)).values())


async def announced(desk: Desk) -> list[FigureChanged]:
    """What the service has said, in order."""
    rows = await desk.pool.fetch("select body from outbox order by position")
    return [msgspec.json.decode(row["body"], type=FigureChanged) for row in rows]
