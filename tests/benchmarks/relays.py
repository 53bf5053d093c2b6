"""R1: our relay beside `faststream-outbox`, on the same rows."""

import asyncio
import pickle
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.recorded import Recorded
from deploy.local.stack import Stack
from services.messaging.log import LogTopic
from services.messaging.migrations import migrate
from services.referrals.app import SERVICE as REFERRALS
from tests.benchmarks import log
from tests.benchmarks.cast import cast
from tests.benchmarks.ground import BenchFailed, Ground, Process, ask, opened, until
from tests.benchmarks.measuring import PARTITIONS, Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.tales import lives

RATE = 200
OURS, BASELINE = "tests.benchmarks.our_relay", "tests.benchmarks.outbox_relay"
FIGURES = (
    Figure(id="R1-rate", unit="rows/s", wanted=Wanted(at_least=1)),
    Figure(id="R1-p50", unit="ms", wanted=Wanted(at_most=1)),
    Figure(id="R1-p99", unit="ms", wanted=Wanted(at_most=1)),
)
# When each event was committed: in our history, and in the table that the baseline keeps beside
# its outbox.
COMMITTED = {
    OURS: "select id, pg_xact_commit_timestamp(xmin) as at from history",
    BASELINE: "select id, pg_xact_commit_timestamp(xmin) as at from said",
}
LEFT = {
    OURS: "select count(*) from outbox where sent_at is null",
    BASELINE: "select count(*) from outbox",
}


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of R1, run by run."""
    everybody = cast(datetime.now(UTC).date())
    warm = int(RATE * sizes.warm_up_seconds)
    live = lives(everybody, warm + int(RATE * sizes.seconds))
    backlog = lives(everybody, sizes.rows)
    async with opened(stack, folder) as ground:
        ground.create_databases()
        for run in range(runs):
            rates, latencies = {}, {}
            for module in (OURS, BASELINE):
                rates[module] = await _rate(ground, module, backlog)
                latencies[module] = (await _latencies(ground, module, live, run))[warm:]
            yield {
                "R1-rate": Sample(ours=rates[OURS], baseline=rates[BASELINE]),
                **{
                    f"R1-p{percent}": Sample(
                        ours=percentile(latencies[OURS], percent),
                        baseline=percentile(latencies[BASELINE], percent),
                    )
                    for percent in (50, 99)
                },
            }


async def _prepared(ground: Ground, module: str) -> tuple[str, LogTopic]:
    """A database of its own, and a topic that holds nothing."""
    url = ground.copy_database("referrals")
    if module == OURS:
        await migrate(ground.settings("referrals", url), REFERRALS.schema)
    return url, (await ground.make_new_topics())["referrals"]


def _start(
    ground: Ground,
    module: str,
    what: str,
    url: str,
    events: Sequence[Recorded[Any]],
    *more: object,
) -> Process:
    path = ground.folder / "events"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(list(events)))
    return ground.start(module, what, url, ground.stack.kafka, ground.namespace, path, *more)


async def _rate(ground: Ground, module: str, events: Sequence[Recorded[Any]]) -> float:
    """Rows a second of a backlog, as the topic grows."""
    url, topic = await _prepared(ground, module)
    filling = _start(ground, module, "fill", url, events)
    await until("the outbox is filled", lambda: _has_ended(filling))
    (left,) = await ask(url, LEFT[module])
    if left[0] != len(events):
        filling.check()
    async with log.Ends(ground.stack.kafka, topic) as ends:
        process = _start(ground, module, "relay", url, events)
        rate = await log.rate_to(len(events), ends.count, process, process.name)
    process.stop()
    ground.drop_database(url)
    return rate


async def _has_ended(process: Process) -> bool:
    return process.has_ended


async def _latencies(
    ground: Ground, module: str, events: Sequence[Recorded[Any]], seed: int
) -> list[float]:
    """Milliseconds of each row from its commit to a reader of the topic, in their order."""
    url, topic = await _prepared(ground, module)
    arrived: dict[str, float] = {}
    reading = asyncio.create_task(_read(ground, topic, len(events), arrived))
    process = _start(ground, module, "relay", url, events, RATE, seed)

    async def have_arrived() -> bool:
        process.check()
        return reading.done()

    try:
        await until("every row is on the log", have_arrived)
        await reading
    finally:
        reading.cancel()
    process.stop()
    rows = await ask(url, COMMITTED[module])
    ground.drop_database(url)
    committed = {str(row["id"]): row["at"].timestamp() for row in rows}
    if committed.keys() != arrived.keys():
        raise BenchFailed(f"{module}: {len(committed)} rows, {len(arrived)} on the log")
    return [1000 * (arrived[str(one.id)] - committed[str(one.id)]) for one in events]


async def _read(ground: Ground, topic: LogTopic, count: int, arrived: dict[str, float]) -> None:
    """Note when each record is there to be read, by the id in its headers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.stack.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.kafka_name, n) for n in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        while len(arrived) < count:
            taken = await consumer.getmany(timeout_ms=1000)
            now = time.time()
            for records in taken.values():
                for record in records:
                    arrived.setdefault(dict(record.headers)["ce_id"].decode(), now)
    finally:
        await consumer.stop()
