"""How far the chain has come: what was announced and not yet heard, seen from outside.

It reads the outboxes and the stored offsets with the administrator's right to look, and the log's
ends; it never writes.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import topic_of
from deploy.local.demo.hub import PARIS
from deploy.local.demo.oracle_deadlines import rules
from deploy.local.demo.platform import Platform
from deploy.local.services import SERVICES

LOOK_EVERY_SECONDS = 0.03
CONNECTIONS_MAX = 3
GOODBYE_SECONDS = 3
SUM_WAITS = "select exists (select from due_next where next_on <= $1)"
LIFE_WAITS = f"""
    select exists (
        select from projet_de_sante join cpts using (cpts_id)
        where merged_on is null and outcome = 'pending' and silence_ends_on < $1)
    or exists (
        select from mission_deadline join cpts using (cpts_id)
        where merged_on is null and met_on is null and not is_missed_said
          and (due_on < $1 or (due_on <= $1 + {rules()["near_days"]} and not is_near_said)))
"""  # noqa: S608 - a number of a data file
ORDER_OF_HEARING = ("membership", "gateway", "referrals", "gateway", "indicators", "payments")


class NotHeardError(Exception):
    """The services did not hear everything in time; the message says who is behind."""


def admin_url_of(stack: Platform, service: str) -> str:
    """The administrator's connection string on the database of a service."""
    path = urlsplit(stack.database_urls[service]).path
    return urlunsplit(urlsplit(stack.admin_url)._replace(path=path))


class Chain:
    """Open connections to look at every service's database and at the log."""

    def __init__(self, stack: Platform) -> None:
        self._stack = stack
        self._consumer: AIOKafkaConsumer | None = None
        self.databases: dict[str, asyncpg.Pool[asyncpg.Record]] = {}

    async def __aenter__(self) -> Self:
        for service in SERVICES:
            self.databases[service] = await asyncpg.create_pool(
                admin_url_of(self._stack, service), min_size=1, max_size=CONNECTIONS_MAX
            )
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._stack.kafka)
        await self._consumer.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        for database in self.databases.values():
            database.terminate()
        if self._consumer is not None:
            # A broker that has died does not answer the goodbye.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._consumer.stop(), GOODBYE_SECONDS)

    async def heard(self, producers: Iterable[str], *, within_seconds: float = 60) -> None:
        """Wait until all that these services said until now was sent and heard by all who listen.

        Raises `NotHeardError` after `within_seconds`.
        """
        limit = time.monotonic() + within_seconds
        for producer in producers:
            last = await self._last_position(producer)
            await self._until(lambda: self._unsent(producer, last), limit)  # noqa: B023
            ends = await self._ends(producer)
            await self._until(lambda: self._unheard(producer, ends), limit)  # noqa: B023

    async def _until(self, behind: Callable[[], Awaitable[str | None]], limit: float) -> None:
        while (who := await behind()) is not None:
            if time.monotonic() > limit:
                raise NotHeardError(who)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def all_heard(self, *, within_seconds: float = 120) -> None:
        """Wait until nothing is under way from membership to payments. Raises `NotHeardError`."""
        await self.heard(ORDER_OF_HEARING, within_seconds=within_seconds)

    async def all_due_said(self, instant: datetime, *, within_seconds: float = 60) -> None:
        """Wait until each sum, silence and deadline that is over by the day of an instant was said;
        the clock shows that day. Raises `NotHeardError`.
        """
        limit = time.monotonic() + within_seconds
        await self._until(lambda: self.unsaid(instant), limit)

    async def unsaid(self, instant: datetime) -> str | None:
        """Which service has still to say what is due on the day of an instant; None when none."""
        day = instant.astimezone(PARIS).date()
        for service, waits in (("payments", SUM_WAITS), ("membership", LIFE_WAITS)):
            if await self.databases[service].fetchval(waits, day):
                return f"{service} has not said all that is due"
        return None

    async def events(self) -> int:
        """How many events all services have said."""
        counts = [
            await database.fetchval("select count(*) from history")
            for database in self.databases.values()
        ]
        return sum(counts)

    async def _last_position(self, producer: str) -> int:
        last = await self.databases[producer].fetchval(
            "select coalesce(max(position), 0) from outbox"
        )
        assert isinstance(last, int)
        return last

    async def _unsent(self, producer: str, last: int) -> str | None:
        """What of the producer's outbox up to `last` has not left; None when all has."""
        unsent = await self.databases[producer].fetchval(
            "select count(*) from outbox where sent_at is null and position <= $1", last
        )
        return f"{producer} has not sent {unsent} events" if unsent else None

    async def _unheard(self, producer: str, ends: Mapping[int, int]) -> str | None:
        """Who has not heard the producer's log up to `ends`; None when everybody has."""
        for consumer in topic_of(producer).consumers:
            stored = await self._stored(consumer, producer)
            missing = sum(max(0, end - stored.get(number, 0)) for number, end in ends.items())
            if missing:
                return f"{consumer} has not heard {missing} events of {producer}"
        return None

    async def _ends(self, producer: str) -> Mapping[int, int]:
        assert self._consumer is not None
        name = f"{self._stack.namespace}{producer}"
        numbers = self._consumer.partitions_for_topic(name)
        if numbers is None:
            await self._consumer._client.force_metadata_update()  # noqa: SLF001
            numbers = self._consumer.partitions_for_topic(name) or set()
        ends = await self._consumer.end_offsets([TopicPartition(name, n) for n in numbers])
        return {partition.partition: end for partition, end in ends.items()}

    async def _stored(self, consumer: str, topic: str) -> Mapping[int, int]:
        rows = await self.databases[consumer].fetch(
            "select partition, next_offset from stored_offset where topic = $1", topic
        )
        return {row["partition"]: row["next_offset"] for row in rows}
