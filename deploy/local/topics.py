"""What the commands ask of Kafka: the bounds of its topics, and to delete some."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

TopicBounds = dict[str, dict[int, tuple[int, int]]]
Answer = TypeVar("Answer")


def _wait_for(ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """The answer of a coroutine, also where an event loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(lambda: asyncio.run(ask())).result()


def log_bounds(kafka: str) -> TopicBounds:
    """The first offset and the end of every partition of every topic, internal ones aside."""

    async def ask() -> TopicBounds:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
        await admin.start()
        await consumer.start()
        try:
            names = [name for name in await admin.list_topics() if not name.startswith("__")]
            described = await admin.describe_topics(names) if names else []
            partitions = sorted(
                TopicPartition(topic["topic"], partition["partition"])
                for topic in described
                for partition in topic["partitions"]
            )
            first = await consumer.beginning_offsets(partitions) if partitions else {}
            end = await consumer.end_offsets(partitions) if partitions else {}
        finally:
            await consumer.stop()
            await admin.close()
        bounds: TopicBounds = {partition.topic: {} for partition in partitions}
        for partition in partitions:
            bounds[partition.topic][partition.partition] = (first[partition], end[partition])
        return bounds

    return _wait_for(ask)


def delete_topics(kafka: str, prefix: str) -> None:
    """Delete the topics whose name begins with `prefix`. Raises `ValueError` for an empty one."""
    if not prefix:
        raise ValueError("an empty prefix would delete every topic")

    async def ask() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        try:
            names = [name for name in await admin.list_topics() if name.startswith(prefix)]
            if names:
                await admin.delete_topics(names)
        finally:
            await admin.close()

    _wait_for(ask)
