"""The log's topics: made at start, told apart by their ids, bounded by their offsets."""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from contracts.topics import Topic
from services.messaging.settings import Settings
from services.messaging.topic_ids import describe

REPLICATION_FACTOR_MAX = 3
MIN_IN_SYNC_OF_THREE = 2
VISIBLE_AFTER_SECONDS = 0.05


class LogTopic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as the cluster has it: its name in the contracts, its name there, its id."""

    name: str
    kafka_name: str
    id: UUID
    partitions: int


class Bounds(msgspec.Struct, frozen=True):
    """The first offset a partition still holds, and the one that its next record will have."""

    start: int
    end: int


async def open_admin(settings: Settings) -> AIOKafkaAdminClient:
    """A started admin client."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka, client_id=f"cpts-{settings.service}"
    )
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


async def ensure_topics(
    admin: AIOKafkaAdminClient, settings: Settings, topics: Collection[Topic]
) -> dict[str, LogTopic]:
    """The topics by contract name, those that are missing made first (others may race us)."""
    brokers = len((await admin.describe_cluster())["brokers"])
    replicas = min(brokers, REPLICATION_FACTOR_MAX)
    existing = set(await admin.list_topics())
    missing = [topic for topic in topics if settings.topic(topic.name) not in existing]
    if missing:
        configs = {"cleanup.policy": "delete", "compression.type": "producer"}
        if replicas >= REPLICATION_FACTOR_MAX:
            configs["min.insync.replicas"] = str(MIN_IN_SYNC_OF_THREE)
        made = await admin.create_topics(
            [
                NewTopic(
                    settings.topic(topic.name),
                    settings.partitions,
                    replicas,
                    topic_configs={**configs, "retention.ms": str(topic.retention_ms)},
                )
                for topic in missing
            ]
        )
        for name, code, message in made.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(f"{name}: {message}")
    while True:
        try:
            return await describe_topics(admin, settings, [topic.name for topic in topics])
        except UnknownTopicOrPartitionError:
            if not missing:
                raise
            await asyncio.sleep(VISIBLE_AFTER_SECONDS)  # made, and not yet known to every broker


async def describe_topics(
    admin: AIOKafkaAdminClient, settings: Settings, names: Sequence[str]
) -> dict[str, LogTopic]:
    """The topics by contract name, as the cluster has them now. KafkaError when one is missing."""
    by_kafka_name = {settings.topic(name): name for name in names}
    if not by_kafka_name:
        return {}
    found = await describe(admin, list(by_kafka_name))
    return {
        by_kafka_name[kafka_name]: LogTopic(
            name=by_kafka_name[kafka_name], kafka_name=kafka_name, id=id_, partitions=partitions
        )
        for kafka_name, (id_, partitions) in found.items()
    }


async def read_bounds(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, Bounds]:
    """The bounds of each partition's log."""
    wanted = list(partitions)
    if not wanted:
        return {}
    starts = await consumer.beginning_offsets(wanted)
    ends = await consumer.end_offsets(wanted)
    return {one: Bounds(starts[one], ends[one]) for one in wanted}
