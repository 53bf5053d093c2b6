"""What the commands ask of Kafka: its topics, their bounds, and to delete some."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code

TopicBounds = dict[str, dict[int, tuple[int, int]]]
Answer = TypeVar("Answer")


def _wait_for(ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """The answer of a coroutine, also where an event loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(lambda: asyncio.run(ask())).result()


@asynccontextmanager
async def _open_admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def names(kafka: str) -> list[str]:
    """The names of all topics, internal ones aside. Raises `KafkaError` when Kafka is away."""

    async def ask() -> list[str]:
        async with _open_admin(kafka) as admin:
            return [name for name in await admin.list_topics() if not name.startswith("__")]

    return _wait_for(ask)


def log_bounds(kafka: str, prefix: str = "") -> TopicBounds:
    """The first offset and the end of every partition of the topics whose name begins so."""

    async def ask() -> TopicBounds:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
        async with _open_admin(kafka) as admin:
            await consumer.start()
            try:
                known = [
                    name
                    for name in await admin.list_topics()
                    if name.startswith(prefix) and not name.startswith("__")
                ]
                described = await admin.describe_topics(known) if known else []
                partitions = sorted(
                    TopicPartition(topic["topic"], partition["partition"])
                    for topic in described
                    for partition in topic["partitions"]
                )
                first = await consumer.beginning_offsets(partitions) if partitions else {}
                end = await consumer.end_offsets(partitions) if partitions else {}
            finally:
                await consumer.stop()
        bounds: TopicBounds = {partition.topic: {} for partition in partitions}
        for partition in partitions:
            bounds[partition.topic][partition.partition] = (first[partition], end[partition])
        return bounds

    return _wait_for(ask)


def delete_topics(kafka: str, is_to_go: Callable[[str], bool]) -> None:
    """Delete the topics of which `is_to_go` says so. Raises `KafkaError` when one stays."""

    async def ask() -> None:
        async with _open_admin(kafka) as admin:
            going = [name for name in await admin.list_topics() if is_to_go(name)]
            if not going:
                return
            deleted = await admin.delete_topics(going)
            for name, code in deleted.topic_error_codes:
                # Another process may have deleted it meanwhile.
                if code not in (0, UnknownTopicOrPartitionError.errno):
                    raise for_code(code)(name)

    _wait_for(ask)
