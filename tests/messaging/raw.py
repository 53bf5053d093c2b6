"""A pen for the log: well-formed events, and anything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.recorded import Cause, Recorded, record
from contracts.topics import Topic
from services.messaging.codec import encode_headers
from services.messaging.log import ensure_topics, open_admin
from services.messaging.outbox import make_rows
from services.messaging.producer import open_producer
from services.messaging.running import Running
from services.messaging.settings import Settings
from services.messaging.unit import open_unit
from tests.messaging.toy import Counted

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
LIMIT_SECONDS = 30


async def until(condition: Callable[[], Awaitable[bool]], limit: float = LIMIT_SECONDS) -> None:
    """Wait until a condition holds; TimeoutError after the limit."""
    async with asyncio.timeout(limit):
        while not await condition():  # noqa: ASYNC110 - the condition is outside this process
            await asyncio.sleep(0.02)


async def say_and_relay(run: Running, events: Sequence[Recorded[Any]]) -> None:
    """Have a running service announce events, and wait until they have left for the log."""
    async with open_unit(run.desk) as unit:
        await unit.announce(events)
    await run.relayed()


def counted(
    subject: str, number: int, sequence: int = 1, departement: str = "93", **cause: Any
) -> Recorded[Counted]:
    """An event of the speaker."""
    made = record(
        [Counted(number=number)],
        subject=subject,
        after_sequence=sequence - 1,
        departement=departement,
        occurred_at=AT,
        cause=Cause(**{"id": f"test:{subject}:{sequence}", "recorded_at": AT, **cause}),
    )
    return made[0]


class Log:
    """One topic, open for writing and reading from outside any service."""

    def __init__(
        self, settings: Settings, topic: Topic, admin: AIOKafkaAdminClient, pen: AIOKafkaProducer
    ) -> None:
        self.settings, self.topic, self.admin, self.pen = settings, topic, admin, pen
        self.name = settings.topic(topic.name)

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, topic: Topic) -> AsyncIterator["Log"]:
        admin = await open_admin(settings)
        await ensure_topics(admin, settings, [topic])
        pen = await open_producer(settings)
        try:
            yield cls(settings, topic, admin, pen)
        finally:
            await pen.stop()
            await admin.close()

    async def say(self, *events: Recorded[Any]) -> None:
        """Write events as their service would."""
        for row in make_rows(events, self.settings.partitions):
            await self.write(
                row["body"],
                encode_headers("speaker", row),
                partition=row["partition"],
                key=row["departement"].encode(),
            )

    async def write(
        self,
        body: bytes,
        headers: Sequence[tuple[str, bytes]],
        partition: int = 0,
        key: bytes = b"93",
    ) -> None:
        """Write any record."""
        await self.pen.send_and_wait(
            self.name, body, key=key, partition=partition, headers=list(headers)
        )

    async def read(self) -> list[Any]:
        """All that the topic holds now, partition by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka,
            auto_offset_reset="none",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            parts = [TopicPartition(self.name, n) for n in range(self.settings.partitions)]
            ends = await consumer.end_offsets(parts)
            consumer.assign(parts)
            for one in parts:
                consumer.seek(one, 0)
            found: list[Any] = []
            while any([await consumer.position(one) < ends[one] for one in parts]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return sorted(found, key=lambda one: (one.partition, one.offset))
        finally:
            await consumer.stop()


def headers_of(event: Recorded[Any], **changes: bytes | None) -> list[tuple[str, bytes]]:
    """An event's headers, some changed, or left out when None."""
    (row,) = make_rows([event], 4)
    kept = {**dict(encode_headers("speaker", row)), **changes}
    return [(name, value) for name, value in kept.items() if value is not None]
