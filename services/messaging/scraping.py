"""`/metrics`: what was counted, and what is read of the database and the log when asked for.

A reading is made at most every few seconds, beside the scrape, which waits for it no longer than
`WAIT_SECONDS`; one that fails or is late is left out, and counted. Whatever is away, the scrape
answers and the chain goes on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003

from aiokafka import TopicPartition
from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from contracts.departements import departements_by_code, partition_of
from services.messaging.clock import Clock
from services.messaging.database import Pool
from services.messaging.log import LogTopic
from services.messaging.meters import Meters, departement_of
from services.messaging.offsets import StoredOffset, load_offsets
from services.messaging.replaying import open_reader

if TYPE_CHECKING:
    from services.messaging.running import Running

log = logging.getLogger(__name__)

SERIES_MAX = 20_000
WAIT_SECONDS = 2.0
READ_EVERY_SECONDS = 5.0
READ_SECONDS_MAX = 4.0
CHECK_EVERY_SECONDS = 60.0
FETCH_BYTES = 65_536
OUTBOX = """
    select departement, count(*) as events,
           extract(epoch from clock_timestamp() - min(pg_xact_commit_timestamp(xmin))) as seconds
    from outbox where sent_at is null group by departement
"""
DEAD_LETTERS = """
    select topic, key, count(*) as letters from dead_letter
    where replayed_at is null group by topic, key
"""
# The process's counters that are told: by their name there, the metric and what it counts.
COUNTED = {
    "rolled_back": ("cpts_batches_rolled_back", "Batches that were rolled back."),
    "taken_apart": ("cpts_batches_taken_apart", "Batches that failed and went one by one."),
    "gaps": ("cpts_log_gaps", "Offsets that the log did not hold, passed over."),
    "replayed": ("cpts_dead_letters_replayed", "Dead letters that were handled after all."),
    "relay_failures": ("cpts_relay_failures", "Times that the relay had to wait and begin again."),
    "leases_lost": ("cpts_relay_leases_lost", "Times that another process took over the relay."),
    "timer_rows": ("cpts_timer_rows", "Rows that fell due and were fired."),
    "timer_failures": ("cpts_timer_failures", "Times that a timer failed."),
}

Read = Callable[[], Awaitable[list[Metric]]]


class Reading:
    """Something that is read now and then: the last of it, and whether it could be read."""

    def __init__(self, name: str, every_seconds: float, read: Read) -> None:
        self.name, self.failures, self.read_at = name, 0, 0.0
        self.last: list[Metric] = []
        self._every, self._read = every_seconds, read
        self._next_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def refresh(self) -> asyncio.Task[None] | None:
        """The task that reads it, if it is due or under way."""
        if self._task is not None and not self._task.done():
            return self._task
        if time.monotonic() < self._next_at:
            return None
        self._task = asyncio.create_task(self._do())
        return self._task

    async def _do(self) -> None:
        self._next_at = time.monotonic() + self._every
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                self.last = await self._read()
            self.read_at = time.time()
        except Exception as error:  # noqa: BLE001 - whatever it is, the scrape goes on
            log.warning("metrics: %s cannot be read: %r", self.name, error)
            self.failures += 1
            self.last = []

    async def stop(self) -> None:
        """End a reading that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Taken:
    """The families of one scrape, made as they are written."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


class Scraper:
    """What answers `/metrics`. Questions go over `pool`, which only reads."""

    def __init__(self, run: "Running", pool: Pool, clock: Clock) -> None:
        self._run, self._pool, self._clock = run, pool, clock
        self._stack = AsyncExitStack()
        self._reader: Any = None  # an AIOKafkaConsumer, once there is something to ask
        self._highest: dict[tuple[str, int, UUID], int] = {}
        self._went_back: bool | None = None  # until the stored offsets were read
        self._holds: Mapping[str, bool] = {}
        self._process = ProcessCollector(registry=None)
        self._readings = [
            Reading("database", READ_EVERY_SECONDS, self._read_database),
            Reading("log", READ_EVERY_SECONDS, self._read_log),
            Reading("invariants", CHECK_EVERY_SECONDS, self._read_invariants),
        ]

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """The metrics and their media type: OpenMetrics, with exemplars, when it is asked for."""
        tasks = [task for one in self._readings if (task := one.refresh()) is not None]
        if tasks and self._run.hearing is not None:
            await asyncio.wait(tasks, timeout=WAIT_SECONDS)
        encode, media_type = choose_encoder(accept)
        taken = Taken(self._families())
        return await asyncio.to_thread(encode, taken), media_type

    async def close(self) -> None:
        """End what is being read."""
        for one in self._readings:
            await one.stop()
        await self._close_reader()

    async def _close_reader(self) -> None:
        self._reader = None
        # aiokafka 0.14 raises CancelledError from a reader stopped before it has read.
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await self._stack.aclose()

    def _families(self) -> Iterator[Metric]:
        """What there is to tell. Taken at once; the families are made where they are written."""
        meters = self._run.desk.meters
        counted = counted_families(meters)
        read = [metric for one in self._readings for metric in one.last]
        pools = {"work": self._run.pool, "questions": self._pool}
        holds = dict(self._holds)
        if self._went_back is not None:
            holds["offsets_never_go_back"] = not self._went_back
        state = [self._ready(), pool_family(pools), invariant_family(holds)]
        if self._run.share is not None:
            state.append(read_family(self._heard(), self._run.share.reads))
        state += self._told_of_readings()

        def families() -> Iterator[Metric]:
            yield from counted
            yield from meters.registry.collect()
            yield from read
            yield from state
            yield from self._process.collect()

        return families()

    def _ready(self) -> Metric:
        return GaugeMetricFamily(
            "cpts_ready", "1 when the service can do its work.", float(self._run.health.is_ready)
        )

    def _told_of_readings(self) -> Iterator[Metric]:
        failed = CounterMetricFamily(
            "cpts_reading_failures", "Readings for this page that failed.", labels=["reading"]
        )
        at = GaugeMetricFamily(
            "cpts_reading_timestamp_seconds", "When it was last read.", labels=["reading"]
        )
        for one in self._readings:
            failed.add_metric([one.name], one.failures)
            if one.read_at:
                at.add_metric([one.name], one.read_at)
        yield failed
        yield at

    async def _read_database(self) -> list[Metric]:
        """Outbox, dead letters, and what the service itself tells of its tables."""
        async with self._pool.acquire(timeout=WAIT_SECONDS) as connection:
            outbox = await connection.fetch(OUTBOX)
            letters = await connection.fetch(DEAD_LETTERS)
            gauges = [
                (gauge, await connection.fetch(gauge.query, self._clock.now()))
                for gauge in self._run.service.gauges
            ]
        depth = by_departement("cpts_outbox_events", "Events that have not left for the log.")
        age = by_departement("cpts_outbox_age_seconds", "How long the oldest of them has waited.")
        for row in outbox:
            depth.add_metric([row["departement"]], row["events"])
            age.add_metric([row["departement"]], max(0.0, float(row["seconds"] or 0)))
        found = [depth, age, letters_family(letters)]
        for gauge, rows in gauges:
            family = by_departement(gauge.name, gauge.help)
            for departement, value in rows:
                family.add_metric([departement], value)
            found.append(family)
        return found

    async def _read_invariants(self) -> list[Metric]:
        """What must always hold, as the service's own queries tell."""
        check = self._run.service.invariants
        self._holds = {}
        if check is not None:
            async with self._pool.acquire(timeout=WAIT_SECONDS) as connection:
                self._holds = dict(await check(connection))
        return []

    def _heard(self) -> list[LogTopic]:
        return [self._run.topics[hears.topic.name] for hears in self._run.service.hears]

    async def _read_log(self) -> list[Metric]:
        """How far the service is behind each partition that it hears, in events and in seconds."""
        topics = self._heard()
        names = [*(topic.name for topic in topics), self._run.own_topic.name]
        async with self._pool.acquire(timeout=WAIT_SECONDS) as connection:
            stored = await load_offsets(connection, names)
        self._look_back(stored)
        stands = {
            # What nobody has ever read has no offset: all of it is to be taken.
            TopicPartition(topic.kafka_name, number): one.next_offset if one else 0
            for topic in topics
            for number in range(topic.partitions)
            for one in [stored.get((topic.name, number))]
        }
        try:
            ends, oldest = await self._ask_log(stands)
        except BaseException:
            await self._close_reader()  # whatever it is, the next one begins anew
            raise
        return lag_families(topics, stands, ends, oldest)

    def _look_back(self, stored: Mapping[tuple[str, int], StoredOffset]) -> None:
        """Remember how far each partition came; whether one went back is not forgotten."""
        for (name, number), one in stored.items():
            key = name, number, one.topic_id
            highest = self._highest.get(key, 0)
            self._went_back = bool(self._went_back) or one.next_offset < highest
            self._highest[key] = max(highest, one.next_offset)

    async def _ask_log(
        self, stands: Mapping[TopicPartition, int]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, float]]:
        """Where each log ends, and when the first record that is not taken was sent."""
        if not stands:
            return {}, {}
        if self._reader is None:
            opened = open_reader(self._run.settings, fetch_bytes=FETCH_BYTES)
            self._reader = await self._stack.enter_async_context(opened)
        reader = self._reader
        ends = await reader.end_offsets(list(stands))
        behind = [one for one in stands if stands[one] < ends[one]]
        oldest: dict[TopicPartition, float] = {}
        if behind:
            reader.assign(behind)
            for one in behind:
                reader.seek(one, stands[one])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    for one in behind:
                        oldest[one] = (await reader.getone(one)).timestamp / 1000
            reader.unsubscribe()
        return ends, oldest


def by_departement(name: str, help_: str) -> GaugeMetricFamily:
    """A number by département."""
    return GaugeMetricFamily(name, help_, labels=["departement"])


def counted_families(meters: Meters) -> Iterator[Metric]:
    """What was counted until now; made when it is written."""
    told = ["departement", "type", "fate"]
    events = (
        ("cpts_events_in", "Events heard, by what became of them.", meters.events_in.copy()),
        ("cpts_events_out", "Own events, by how far they came.", meters.events_out.copy()),
    )
    fenced, counters = meters.fenced.copy(), meters.counters.copy()

    def families() -> Iterator[Metric]:
        for name, help_, counts in events:
            family = CounterMetricFamily(name, help_, labels=told)
            for labels, count in counts.items():
                family.add_metric(labels, count)
            yield family
        fences = CounterMetricFamily(
            "cpts_fence_refusals", "Batches that somebody else had taken.", labels=["departement"]
        )
        for departement, count in fenced.items():
            fences.add_metric([departement], count)
        yield fences
        for key, (name, help_) in COUNTED.items():
            yield CounterMetricFamily(name, help_, counters[key])

    return families()


def letters_family(rows: Iterable[Any]) -> Metric:
    """The dead letters that nobody has replayed."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["topic"], departement_of(row["key"])
        counts[key] = counts.get(key, 0) + row["letters"]
    family = GaugeMetricFamily(
        "cpts_dead_letters", "Dead letters not replayed.", labels=["topic", "departement"]
    )
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def invariant_family(holds: Mapping[str, bool]) -> Metric:
    """1 for what holds, 0 for what does not."""
    family = GaugeMetricFamily(
        "cpts_invariant", "1 while it holds, as it always must.", labels=["invariant"]
    )
    for invariant, is_true in holds.items():
        family.add_metric([invariant], float(is_true))
    return family


def pool_family(pools: Mapping[str, Pool]) -> Metric:
    """The connections of each pool."""
    family = GaugeMetricFamily(
        "cpts_pool_connections", "Connections to the database.", labels=["pool", "state"]
    )
    for name, pool in pools.items():
        idle = pool.get_idle_size()
        family.add_metric([name, "idle"], idle)
        family.add_metric([name, "busy"], pool.get_size() - idle)
    return family


def read_family(topics: Iterable[LogTopic], reads: Collection[TopicPartition]) -> Metric:
    """1 for each département whose partition this process reads, 0 for the others."""
    family = GaugeMetricFamily(
        "cpts_departement_read", "1 while this process reads it.", labels=["topic", "departement"]
    )
    for topic in topics:
        for departement in departements_by_code():
            one = TopicPartition(topic.kafka_name, partition_of(departement, topic.partitions))
            family.add_metric([topic.name, departement], float(one in reads))
    return family


def lag_families(
    topics: Iterable[LogTopic],
    stands: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    oldest: Mapping[TopicPartition, float],
) -> list[Metric]:
    """How far behind each département is: its partition, which it may share elsewhere."""
    labels, now = ["topic", "departement"], time.time()
    events = GaugeMetricFamily("cpts_lag_events", "Events in the log, not taken.", labels=labels)
    age = GaugeMetricFamily("cpts_lag_seconds", "Age of the oldest one not taken.", labels=labels)
    for topic in topics:
        for departement in departements_by_code():
            one = TopicPartition(topic.kafka_name, partition_of(departement, topic.partitions))
            if one not in ends:
                continue
            lag = max(0, ends[one] - stands[one])
            events.add_metric([topic.name, departement], lag)
            if lag == 0 or one in oldest:
                seconds = max(0.0, now - oldest[one]) if lag else 0.0
                age.add_metric([topic.name, departement], seconds)
    return [events, age]
