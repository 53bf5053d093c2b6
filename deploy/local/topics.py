"""What the commands ask of Kafka: topics, their bounds, when an event came, and to delete some."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    UnknownTopicOrPartitionError,
    for_code,
)

from contracts.departements import partition_of

TopicBounds = dict[str, dict[int, tuple[int, int]]]
Answer = TypeVar("Answer")
# Clocks of a broker and of a database may differ a little.
CLOCKS_DIFFER = timedelta(seconds=2)
SENT_WITHIN = timedelta(minutes=10)
POLL_MS = 500


class Named(msgspec.Struct, frozen=True):
    """What a process of a service says of itself when it joins its consumer group, as far as it is
    of use here.
    """

    name: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was committed at `after` and left for a topic."""

    id: UUID
    topic: str
    departement: str
    after: datetime


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


def readers(kafka: str, groups: Sequence[str]) -> dict[str, dict[tuple[str, int], str]]:
    """Who reads each partition of each topic, by consumer group: the names that its processes gave
    themselves. A group without processes has nothing here.
    """

    async def ask() -> dict[str, dict[tuple[str, int], str]]:
        found: dict[str, dict[tuple[str, int], str]] = {}
        async with _open_admin(kafka) as admin:
            for group in groups:
                found[group] = {}
                with suppress(GroupCoordinatorNotAvailableError):  # nobody has ever read
                    (response,) = await admin.describe_consumer_groups([group])
                    for _error, _name, _state, _type, _protocol, members, *_ in response.groups:
                        found[group] |= _read_by(members)
        return found

    return _wait_for(ask)


def _read_by(members: Sequence[tuple[str, str, str, bytes, bytes]]) -> dict[tuple[str, int], str]:
    read = {}
    for _id, _client, _host, metadata, assignment in members:
        if metadata and assignment:  # else the group is just being shared out
            wish = ConsumerProtocolMemberMetadata.decode(metadata).user_data
            name = msgspec.json.decode(wish, type=Named).name
            for one in ConsumerProtocolMemberAssignment.decode(assignment).partitions():
                read[one.topic, one.partition] = name
    return read


def instants_in_log(kafka: str, events: Sequence[Said]) -> dict[UUID, datetime]:
    """When Kafka took each event, by its id; those that the log does not hold are left out."""

    async def ask() -> dict[UUID, datetime]:
        async with _open_admin(kafka) as admin:
            described = await admin.describe_topics(sorted({said.topic for said in events}))
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
        await consumer.start()
        try:
            found = {
                said.id: await _instant_in_log(consumer, said, partitions[said.topic])
                for said in events
            }
        finally:
            await consumer.stop()
        return {id_: at for id_, at in found.items() if at is not None}

    return _wait_for(ask)


async def _instant_in_log(
    consumer: AIOKafkaConsumer, said: Said, partitions: int
) -> datetime | None:
    """Look for an event from shortly before it was committed on."""
    one = TopicPartition(said.topic, partition_of(said.departement, partitions))
    since = int((said.after - CLOCKS_DIFFER).timestamp() * 1000)
    start = (await consumer.offsets_for_times({one: since}))[one]
    end = (await consumer.end_offsets([one]))[one]
    if start is None:
        return None
    consumer.assign([one])
    consumer.seek(one, start.offset)
    id_ = str(said.id).encode()
    latest = (said.after + SENT_WITHIN).timestamp() * 1000
    while await consumer.position(one) < end:
        for record in (await consumer.getmany(timeout_ms=POLL_MS)).get(one, ()):
            if dict(record.headers).get("ce_id") == id_:
                return datetime.fromtimestamp(record.timestamp / 1000, UTC)
            if record.timestamp > latest:
                return None
    return None


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
