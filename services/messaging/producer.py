"""The producer of the relay: idempotent, acknowledged by all, nothing lingers."""

from typing import Any

from aiokafka import AIOKafkaProducer

from services.messaging.settings import Settings

BATCH_BYTES_MAX = 262_144


async def open_producer(settings: Settings) -> AIOKafkaProducer:
    """The relay's producer: idempotent, acknowledged by all, nothing lingers."""
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        client_id=f"cpts-{settings.service}",
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=0,
        max_batch_size=BATCH_BYTES_MAX,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer
