"""Records that are written into the log from outside: copies of good ones, and spoiled ones."""

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from tests.faults.world import World

NAMING = re.compile(rb'"(cpts|referral)_id":"')
NUL = rb"\\u0000"  # valid JSON, and no text of PostgreSQL's


async def say(world: World, records: Iterable[Any]) -> int:
    """Write records into their partitions, in this order; answers how many."""
    count = 0
    async with AIOKafkaProducer(bootstrap_servers=world.kafka, acks="all") as producer:
        for one in records:
            await producer.send(
                one.topic,
                value=one.value,
                key=one.key,
                partition=one.partition,
                headers=list(one.headers),
            )
            count += 1
        await producer.flush()
    return count


def poisoned(record: ConsumerRecord) -> list[ConsumerRecord]:
    """What nobody can handle, made of a good record: six that cannot be read, and one that can but
    holds what no table keeps.
    """
    headers = dict(record.headers)

    def bad(**changes: Any) -> ConsumerRecord:
        values = {field.name: getattr(record, field.name) for field in fields(record)}
        return ConsumerRecord(**values | changes)

    def with_headers(**changes: bytes | None) -> list[tuple[str, bytes]]:
        return [(name, value) for name, value in (headers | changes).items() if value is not None]

    named = b'"cpts_id":"'
    return [
        bad(value=b"{"),
        bad(value=None),
        bad(value=record.value.replace(named, b'"cpts_id":["')),
        bad(key=b"no departement"),
        bad(headers=with_headers(ce_subject=b"\xff\xfe")),
        bad(headers=with_headers(ce_sequence=None)),
        bad(value=NAMING.sub(rb"\g<0>" + NUL, record.value)),
    ]
