"""The service's handlers on a real database, and what came of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.events.indicators import FigureChanged
from contracts.recorded import Recorded
from services.indicators.app import RULE, SERVICE
from services.indicators.store import invariants as stored
from services.messaging.unit import Desk, open_unit
from tests.indicators.model import Key

HANDLERS = {hears.topic.name: hears.handler for hears in SERVICE.hears}


async def hear(desk: Desk, topic: str, batch: Sequence[Recorded[Any]]) -> None:
    """One batch in one transaction."""
    async with open_unit(desk) as unit:
        await HANDLERS[topic](unit, batch)


async def figures(desk: Desk) -> dict[Key, set[str]]:
    """The facts that each figure counts; its value is checked to be their number."""
    rows = await desk.pool.fetch(
        """
        select cpts_id, indicator, starts_on, value, (
            select coalesce(array_agg(fact_id) filter (where is_counted), '{}')
            from (select distinct on (fact_id) fact_id, is_counted from figure_fact
                  where figure_fact.cpts_id = figure.cpts_id
                    and figure_fact.indicator = figure.indicator
                    and figure_fact.starts_on = figure.starts_on
                  order by fact_id, revision desc) as latest) as facts
        from figure
        """
    )
    for row in rows:
        assert row["value"] == len(row["facts"])
    return {(row["cpts_id"], row["indicator"], row["starts_on"]): {*row["facts"]} for row in rows}


async def invariants(desk: Desk) -> set[bool]:
    """The values of the live invariants."""
    async with desk.pool.acquire() as connection:
        return set((await stored.invariants(connection, RULE)).values())


async def announced(desk: Desk) -> list[FigureChanged]:
    """What the service has said of figures, in order."""
    rows = await desk.pool.fetch(
        "select body from outbox where type = 'indicators.FigureChanged.v1' order by position"
    )
    return [msgspec.json.decode(row["body"], type=FigureChanged) for row in rows]
