"""How records are taken: fairly among partitions, and without FastStream reading their headers."""

import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

POLL_MS = 1000


async def take_fairly(
    consumer: AIOKafkaConsumer, records_max: int, partition_records_max: int
) -> list[Any]:
    """At least one record unless a second passes without; `getmany` alone would drain the first
    partition before it looks at the next.
    """
    first = await consumer.getmany(timeout_ms=POLL_MS, max_records=partition_records_max)
    taken: dict[TopicPartition, list[Any]] = dict(first)
    left = records_max - sum(map(len, taken.values()))
    # An error in a later call is raised again by the next poll; what was taken is not lost.
    with contextlib.suppress(KafkaError, IllegalStateError):
        while taken and left > 0:
            others = consumer.assignment() - taken.keys()
            if not others:
                break
            more = await consumer.getmany(
                *others, timeout_ms=0, max_records=min(left, partition_records_max)
            )
            if not more:
                break
            taken.update(more)
            left -= sum(map(len, more.values()))
        if taken and left > 0:
            rest = await consumer.getmany(timeout_ms=0, max_records=left)
            for partition, records in rest.items():
                taken.setdefault(partition, []).extend(records)
    return [record for records in taken.values() for record in records]


async def parse_batch(records: tuple[Any, ...]) -> KafkaMessage:
    """FastStream's message of a batch. Its own parser raises on a header that is not UTF-8."""
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)
