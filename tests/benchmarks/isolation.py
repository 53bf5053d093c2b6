"""P9: what a storm, or the replay of a day, in one département costs the others.

One process a service. The others' acceptances come at the same rate all the time: alone, then
beside a storm of acceptances in one département, then beside its days that are read from the log,
one after the other. Each phase has a p99 of the others; the first one's is the baseline.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from contracts.departements import partition_of
from deploy.local.stack import Stack
from services.messaging.log import LogTopic
from services.messaging.producer import open_producer
from services.referrals.domain.referral import referral_id
from tests.benchmarks import chain, demands, http_load, log
from tests.benchmarks.cast import Cpts, cast
from tests.benchmarks.ground import Ground, opened, until
from tests.benchmarks.measuring import PARTITIONS, Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.tales import SOURCE, lives

# 70 million events a year are of 20 million demands; the national peak is 22 events a second.
EVENTS_A_DEMAND = 3.5
OTHERS_RATE = 22  # acceptances, three and a half times the national peak, for enough of them
STORM_RATE = int(10 * 22 / EVENTS_A_DEMAND)
# One département in twenty-five is the largest.
DAY_EVENTS = 70_000_000 // 365 // 25
PHASE = 2  # times as long as other benches, as fewer come
FIRST_OF_THE_LOG = 10_000_000
STANDS = "select next_offset from stored_offset where topic = $1 and partition = $2"
STORM_FIGURE = Figure(id="P9-storm", unit="ms", wanted=Wanted(at_most=1.2))
REPLAY_FIGURE = Figure(id="P9-replay", unit="ms", wanted=Wanted(at_most=1.2))


def stage() -> tuple[list[Cpts], list[Cpts]]:
    """The CPTS of one département, and those of others, each département with its partition."""
    taken: dict[int, str] = {}
    everybody = [
        one
        for one in cast(datetime.now(UTC).date())
        if one.departement
        == taken.setdefault(partition_of(one.departement, PARTITIONS), one.departement)
    ]
    stormy = everybody[0].departement
    return (
        [one for one in everybody if one.departement == stormy],
        [one for one in everybody if one.departement != stormy],
    )


class Phases:
    """Acceptances by phase, each of one demand; what was asked of whom, and when it was due."""

    def __init__(self, port: int, requests: Sequence[bytes], seed: int) -> None:
        self.port, self._requests, self._seed = port, requests, seed
        self._next = 0
        self.due: dict[str, float] = {}

    async def ask(self, count: int, rate: float) -> dict[str, float]:
        """Give the next so many orders at this rate; when each was due, by its demand."""
        first, self._next = self._next, self._next + count
        answered = await http_load.at_rate(
            self.port, self._requests[first : self._next], rate, self._seed + first
        )
        due = {referral_id(SOURCE, str(first + n)): one.due_at for n, one in enumerate(answered)}
        self.due |= due
        return due


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P9, run by run."""
    for run in range(runs):
        async with opened(stack, folder) as ground:
            yield await _measured(ground, sizes, run)


async def _measured(ground: Ground, sizes: Sizes, run: int) -> dict[str, Sample]:
    stormy, others = stage()
    warm, count = int(OTHERS_RATE * sizes.warm_up_seconds), int(OTHERS_RATE * PHASE * sizes.seconds)
    storm = int(STORM_RATE * PHASE * sizes.seconds)
    # In the order in which they are asked for: warm, calm, beside the storm, storm, beside replays.
    who = [others[n % len(others)] for n in range(warm + 2 * count)]
    who += [stormy[n % len(stormy)] for n in range(storm)]
    who += [others[n % len(others)] for n in range(count)]
    served, topics = await chain.start_chain(ground, [*stormy, *others], who, ground.start_service)
    phases = Phases(served["referrals"].port, demands.acceptances(who, len(who)), run)
    await phases.ask(warm, OTHERS_RATE)
    calm = await phases.ask(count, OTHERS_RATE)
    beside_storm, _ = await asyncio.gather(
        phases.ask(count, OTHERS_RATE), phases.ask(storm, STORM_RATE)
    )
    await until("the storm is over", lambda: chain.is_settled(ground, topics))
    beside_replay, days = await _beside_replay(ground, phases, count, stormy, topics["referrals"])
    estimated = await chain.estimated(ground, len(phases.due))

    def p99(due: dict[str, float]) -> float:
        return percentile([1000 * (estimated[key] - at) for key, at in due.items()], 99)

    baseline = p99(calm)
    return {
        STORM_FIGURE.id: Sample(ours=p99(beside_storm), baseline=baseline),
        REPLAY_FIGURE.id: Sample(
            ours=p99(beside_replay), baseline=baseline, note=_note(len(beside_replay), days)
        ),
    }


def _note(samples: int, days: Sequence[float]) -> str:
    return f"{samples} acceptances beside {len(days)} days, read in {max(days):.1f} s at most"


async def _beside_replay(
    ground: Ground, phases: Phases, count: int, stormy: Sequence[Cpts], topic: LogTopic
) -> tuple[dict[str, float], list[float]]:
    """When the others' acceptances were due that came while a day was read; how long each took."""
    number = partition_of(stormy[0].departement, topic.partitions)
    producer = await open_producer(ground.settings("referrals"))
    connection = await asyncpg.connect(ground.urls["indicators"])
    days: list[tuple[float, float]] = []
    try:
        asked = asyncio.create_task(phases.ask(count, OTHERS_RATE))
        await asyncio.sleep(1)
        while not asked.done():
            first = FIRST_OF_THE_LOG * (len(days) + 1)
            batches = log.batches_of(producer, topic, lives(stormy, DAY_EVENTS, first))
            stands = await connection.fetchval(STANDS, topic.name, number)
            begun = time.time()
            await log.send(producer, topic, batches)
            end = stands + DAY_EVENTS

            async def is_read(end: int = end) -> bool:
                return bool(await connection.fetchval(STANDS, topic.name, number) >= end)

            await until("a day is read", is_read)
            days.append((begun, time.time()))
        due = await asked
    finally:
        await connection.close()
        await producer.stop()
    inside = {key: at for key, at in due.items() if any(begun <= at <= end for begun, end in days)}
    return inside, [end - begun for begun, end in days]
