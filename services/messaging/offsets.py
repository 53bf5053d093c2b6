"""The consumed offsets, kept in the service's own database, and the fence that they make."""

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec

from services.messaging.database import Connection
from services.messaging.log import Bounds, LogTopic

LOAD = """
    select topic, partition, topic_id, next_offset from stored_offset where topic = any($1)
"""
COUNT_PARTITIONS = "select count(*) from stored_offset where topic = $1"
ADD_MISSING = """
    insert into stored_offset (topic, partition, topic_id, next_offset)
    select $1, partition, $2, 0 from unnest($3::integer[]) as new (partition)
    on conflict do nothing
"""
LOCK = """
    select partition, next_offset from stored_offset
    where topic = $1 and partition = any ($2) order by partition for update
"""
FENCE = """
    update stored_offset
    set next_offset = move.next_offset
    from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])
        as move (topic, partition, from_offset, next_offset)
    where stored_offset.topic = move.topic
        and stored_offset.partition = move.partition
        and stored_offset.next_offset = move.from_offset
"""
ADOPT = """
    insert into stored_offset (topic, partition, topic_id, next_offset)
    select $1, partition, $2, next_offset
    from unnest($3::integer[], $4::bigint[]) as new (partition, next_offset)
    on conflict (topic, partition)
    do update set topic_id = excluded.topic_id, next_offset = excluded.next_offset
"""


class Move(msgspec.Struct, frozen=True):
    """A partition's step: from the offset we stand at to the one after the last record read."""

    topic: str
    partition: int
    from_offset: int
    next_offset: int


class StoredOffset(msgspec.Struct, frozen=True):
    """Where a partition stands, and in which topic."""

    topic_id: UUID
    next_offset: int


class Fenced(Exception):  # noqa: N818
    """The stored offsets of this batch were moved by somebody else."""


class LogMismatch(Exception):  # noqa: N818
    """The log is not the one that the stored offsets speak of. `command` sets it right."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


async def load_offsets(
    connection: Connection, topics: Iterable[str]
) -> dict[tuple[str, int], StoredOffset]:
    """The stored offsets of these topics, by topic and partition."""
    rows = await connection.fetch(LOAD, list(topics))
    return {
        (row["topic"], row["partition"]): StoredOffset(row["topic_id"], row["next_offset"])
        for row in rows
    }


async def lock_offsets(
    connection: Connection, topic: str, partitions: Iterable[int]
) -> dict[int, int]:
    """Where these partitions of a topic stand, by partition; nobody moves them meanwhile."""
    rows = await connection.fetch(LOCK, topic, list(partitions))
    return {row["partition"]: row["next_offset"] for row in rows}


async def add_missing_offsets(
    connection: Connection, topic: LogTopic, partitions: Collection[int]
) -> None:
    """Give partitions without a stored row theirs, at offset 0."""
    await connection.execute(ADD_MISSING, topic.name, topic.id, list(partitions))


async def adopt_offsets(connection: Connection, topic: LogTopic, starts: dict[int, int]) -> None:
    """Take the topic as it is now, and stand at these offsets, whatever was stored."""
    await connection.execute(ADOPT, topic.name, topic.id, list(starts), list(starts.values()))


async def fence(connection: Connection, moves: Collection[Move]) -> None:
    """Move every partition of a batch one step. Raises `Fenced` when one did not stand there."""
    ordered = sorted(moves, key=lambda move: (move.topic, move.partition))
    status = await connection.execute(
        FENCE,
        [move.topic for move in ordered],
        [move.partition for move in ordered],
        [move.from_offset for move in ordered],
        [move.next_offset for move in ordered],
    )
    if status != f"UPDATE {len(ordered)}":
        raise Fenced


def how_to_reread(service: str, topic: LogTopic) -> str:
    """The command that takes a topic as it is now and reads it from its start."""
    return f"python -m services.{service} reread --topic {topic.name}"


async def check_partitions(connection: Connection, own: LogTopic) -> None:
    """Raise `LogMismatch` when the service's own topic has another number of partitions than it
    had: départements would lie elsewhere, and their aggregates in two partitions.
    """
    known = await connection.fetchval(COUNT_PARTITIONS, own.name)
    if known not in (0, own.partitions):
        raise LogMismatch(
            f"topic {own.kafka_name} has {own.partitions} partitions and had {known}",
            "nobody may add partitions to a topic in use; see docs/adr/0003",
        )


def check_topic(service: str, topic: LogTopic, stored: StoredOffset) -> None:
    """Raise `LogMismatch` unless the stored offset is one of this very topic."""
    if stored.topic_id != topic.id:
        raise LogMismatch(
            f"topic {topic.kafka_name} was made anew: offsets are stored for {stored.topic_id}, "
            f"the cluster has {topic.id}",
            how_to_reread(service, topic),
        )


def check_bounds(
    service: str, topic: LogTopic, partition: int, stored: StoredOffset, bounds: Bounds
) -> None:
    """Raise `LogMismatch` unless the stored offset can be read in the topic's log."""
    if not bounds.start <= stored.next_offset <= bounds.end:
        raise LogMismatch(
            f"partition {partition} of {topic.kafka_name} holds {bounds.start} to {bounds.end}, "
            f"the stored offset is {stored.next_offset}",
            how_to_reread(service, topic),
        )
