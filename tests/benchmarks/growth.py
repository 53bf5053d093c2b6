"""P8: what an event costs, and the memory of who takes it, when all there is is ten times as much.

Indicators takes a backlog of lives of demands: with ten times the CPTS; with the CPTS in ten times
the départements, each with a partition of its own; and with ten times the days behind it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from contracts.recorded import Recorded
from contracts.topics import PARTITIONS_IN_PRODUCTION
from deploy.local.stack import Stack
from services.indicators.app import SERVICE as INDICATORS
from tests.benchmarks import log
from tests.benchmarks.backlog import DONE, Backlog, prepare
from tests.benchmarks.cast import Cpts, cast
from tests.benchmarks.ground import opened
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted
from tests.benchmarks.tales import lives

TIMES = 10
DEPARTEMENTS, CPTS_OF_EACH = 10, 10
# So many events are taken before any is timed: what is done once is no cost of an event.
WARM_UP_SHARE = 5
A_DAY = timedelta(days=1)
FLAT = Wanted(at_most=1.1)
KINDS = ("cpts", "departements", "days")
COST = {kind: Figure(id=f"P8-{kind}", unit="us/event", wanted=FLAT) for kind in KINDS}
MEMORY = {kind: Figure(id=f"P8-{kind}-memory", unit="MiB", wanted=FLAT) for kind in KINDS}
FIGURES = tuple(figure for kind in KINDS for figure in (COST[kind], MEMORY[kind]))


class Taken:
    """What was measured after so many events: microseconds an event, and MiB."""

    def __init__(self, cost_us: float, memory_mib: float) -> None:
        self.cost_us, self.memory_mib = cost_us, memory_mib


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P8, run by run."""
    count = sizes.events // 8
    today = datetime.now(UTC).date()
    plain = cast(today, CPTS_OF_EACH, DEPARTEMENTS)
    many = cast(today, CPTS_OF_EACH * TIMES, DEPARTEMENTS)
    spread = cast(today, CPTS_OF_EACH // TIMES, DEPARTEMENTS * TIMES)
    days = _days(plain, count)
    for _ in range(runs):
        (few,) = await _taken(stack, folder, plain, days[:count], [count])
        (of_many,) = await _taken(stack, folder, many, _days(many, count)[:count], [count])
        (of_spread,) = await _taken(stack, folder, spread, _days(spread, count)[:count], [count])
        young, old = await _taken(stack, folder, plain, days, [count, count * TIMES])
        pairs = {"cpts": (of_many, few), "departements": (of_spread, few), "days": (old, young)}
        yield {
            COST[kind].id: Sample(ours=big.cost_us, baseline=small.cost_us)
            for kind, (big, small) in pairs.items()
        } | {
            MEMORY[kind].id: Sample(ours=big.memory_mib, baseline=small.memory_mib)
            for kind, (big, small) in pairs.items()
        }


def _days(everybody: Sequence[Cpts], count: int) -> list[Recorded[Any]]:
    """Ten days of demands, `count` events a day."""
    # About four events a demand.
    return lives(everybody, count * TIMES, step=A_DAY / (count / 4))


async def _taken(
    stack: Stack,
    folder: Path,
    everybody: Sequence[Cpts],
    events: list[Recorded[Any]],
    ends: Sequence[int],
) -> list[Taken]:
    """What the events before each of these ends cost, those of the last day before it alone."""
    backlog = Backlog(INDICATORS, "referrals", events)
    day = ends[0]
    async with opened(stack, folder, PARTITIONS_IN_PRODUCTION) as ground:
        ground.create_databases()
        topics = await ground.make_topics()
        topic = topics[backlog.topic.name]
        await log.fill(ground.settings(backlog.topic.producer), topic, events)
        await prepare(ground, backlog, topic, everybody)
        served = ground.start_service(INDICATORS.name)
        connection = await asyncpg.connect(ground.urls[INDICATORS.name])
        try:

            async def done() -> int:
                return int(await connection.fetchval(DONE, topic.name))

            found = []
            for end in ends:
                begin = end - day + day // WARM_UP_SHARE
                watched = served.process, INDICATORS.name
                (since,) = await log.seconds_at([begin], done, *watched)
                first = await done()
                (until,) = await log.seconds_at([end], done, *watched)
                last = await done()
                cost_us = 1e6 * (until - since) / max(1, last - first)
                found.append(Taken(cost_us, served.process.memory_mib))
        finally:
            await connection.close()
    return found
