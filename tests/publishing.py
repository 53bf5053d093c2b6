"""Puts events of another service on Kafka, as that service's relay would."""

from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from contracts.departements import partition_of
from contracts.recorded import Recorded
from contracts.topics import Topic
from services.messaging.codec import encode_body, encode_headers


async def publish(
    kafka: str, namespace: str, topic: Topic, events: Sequence[Recorded[Any]], *, partitions: int
) -> None:
    """Sends these events of `topic` in order, each to its département's partition."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True) as producer:
        for event in events:
            row = msgspec.structs.asdict(event) | {"type": event.type}
            await producer.send_and_wait(
                f"{namespace}{topic.name}",
                encode_body(event),
                key=event.departement.encode(),
                partition=partition_of(event.departement, partitions),
                headers=encode_headers(topic.producer, row),
            )
