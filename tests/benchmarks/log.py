"""The log as the benches fill it and watch it."""

import asyncio
import time
from collections import defaultdict
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


async def fill(settings: Settings, topic: LogTopic, events: Sequence[Recorded[Any]]) -> None:
    """Put these events on a topic, as its producer's relay would, in few requests."""
    by_partition: defaultdict[int, list[Recorded[Any]]] = defaultdict(list)
    for event in events:
        by_partition[partition_of(event.departement, topic.partitions)].append(event)
    producer = await open_producer(settings)
    try:
        for partition, told in by_partition.items():
            await _fill_partition(producer, topic, partition, told)
    finally:
        await producer.stop()


async def _fill_partition(
    producer: AIOKafkaProducer, topic: LogTopic, partition: int, events: Sequence[Recorded[Any]]
) -> None:
    batch = producer.create_batch()
    for event in events:
        row = msgspec.structs.asdict(event) | {"type": event.type}
        record: dict[str, Any] = {
            "key": event.departement.encode(),
            "value": encode_body(event),
            "timestamp": None,
            "headers": encode_headers(topic.name, row),
        }
        if batch.append(**record) is None:
            await (await producer.send_batch(batch, topic.kafka_name, partition=partition))
            batch = producer.create_batch()
            batch.append(**record)
    await (await producer.send_batch(batch, topic.kafka_name, partition=partition))


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
