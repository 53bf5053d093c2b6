"""The log as the benches fill it and watch it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.departements import partition_of
from contracts.recorded import Recorded
from services.messaging.codec import encode_body, encode_headers
from services.messaging.log import LogTopic
from services.messaging.producer import open_producer
from services.messaging.settings import Settings
from tests.benchmarks.ground import LIMIT_SECONDS, BenchFailed, Process

LOOK_EVERY_SECONDS = 0.01


class Filling:
    """Events on their way to a topic, as its producer's relay would send them, in few requests."""

    def __init__(self, producer: AIOKafkaProducer, topic: LogTopic) -> None:
        self._producer, self._topic = producer, topic
        self._batches: dict[int, Any] = {}
        self.count = 0

    async def add(self, event: Recorded[Any]) -> None:
        """Put an event on its partition, after those before it."""
        partition, record = _placed(self._topic, event)
        batch = self._batches.get(partition)
        if batch is None:
            batch = self._batches[partition] = self._producer.create_batch()
        if batch.append(**record) is None:
            await self._send(partition)
            batch = self._batches[partition] = self._producer.create_batch()
            batch.append(**record)
        self.count += 1

    async def end(self) -> None:
        """Send what is left."""
        for partition in self._batches:
            await self._send(partition)

    async def _send(self, partition: int) -> None:
        sent = await self._producer.send_batch(
            self._batches[partition], self._topic.kafka_name, partition=partition
        )
        await sent


def _placed(topic: LogTopic, event: Recorded[Any]) -> tuple[int, dict[str, Any]]:
    """An event's partition, and its record."""
    row = msgspec.structs.asdict(event) | {"type": event.type}
    return partition_of(event.departement, topic.partitions), {
        "key": event.departement.encode(),
        "value": encode_body(event),
        "timestamp": None,
        "headers": encode_headers(topic.name, row),
    }


def batches_of(
    producer: AIOKafkaProducer, topic: LogTopic, events: Sequence[Recorded[Any]]
) -> list[tuple[int, Any]]:
    """Events of one département as the log takes them, by batches with their partition: all but
    the sending.
    """
    batches: list[tuple[int, Any]] = []
    for event in events:
        partition, record = _placed(topic, event)
        if not batches or batches[-1][1].append(**record) is None:
            batches.append((partition, producer.create_batch()))
            batches[-1][1].append(**record)
    for _, batch in batches:
        batch.close()
    return batches


async def send(
    producer: AIOKafkaProducer, topic: LogTopic, batches: Sequence[tuple[int, Any]]
) -> None:
    """Send batches one after the other."""
    for partition, batch in batches:
        await (await producer.send_batch(batch, topic.kafka_name, partition=partition))


async def fill(settings: Settings, topic: LogTopic, events: Sequence[Recorded[Any]]) -> None:
    """Put these events on a topic."""
    producer = await open_producer(settings)
    try:
        filling = Filling(producer, topic)
        for event in events:
            await filling.add(event)
        await filling.end()
    finally:
        await producer.stop()


async def seconds_at(
    wanted: Sequence[int], progress: Callable[[], Awaitable[int]], process: Process, what: str
) -> list[float]:
    """When progress came to each of these numbers, in seconds of one clock.

    Raises `BenchFailed` when the process ends, or too much time passes.
    """
    begun, found = time.monotonic(), []
    for one in wanted:
        while (done := await progress()) < one:
            if time.monotonic() - begun > LIMIT_SECONDS:
                raise BenchFailed(f"{what}: {done} of {one} after {LIMIT_SECONDS} s")
            process.check()
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        found.append(time.monotonic())
    return found


async def rate_to(
    total: int, progress: Callable[[], Awaitable[int]], process: Process, what: str
) -> float:
    """How many a second, by looking from outside: from the first progress to `total`.

    Raises `BenchFailed` when the process ends, or too much time passes.
    """
    begun = time.monotonic()
    first: tuple[float, int] | None = None
    while True:
        now, done = time.monotonic(), await progress()
        if first is None and done:
            first = now, done
        if done >= total:
            assert first is not None
            return (done - first[1]) / (now - first[0]) if done > first[1] else done / (now - begun)
        if now - begun > LIMIT_SECONDS:
            raise BenchFailed(f"{what}: {done} of {total} after {LIMIT_SECONDS} s")
        process.check()
        await asyncio.sleep(LOOK_EVERY_SECONDS)


class Ends:
    """How many records a topic holds."""

    def __init__(self, kafka: str, topic: LogTopic) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
        self._partitions = [TopicPartition(topic.kafka_name, n) for n in range(topic.partitions)]

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def count(self) -> int:
        """The records of all partitions."""
        return sum((await self._consumer.end_offsets(self._partitions)).values())
