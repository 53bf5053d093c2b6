"""The consumer: polls batches from where the database says we stand, and takes each to its fate.

FastStream 0.7.8 owns the client and the loop. Its acknowledgement policies all lose a failed batch
or retry without pause, so the policy is MANUAL, nothing is acknowledged, and every failure ends
here: the next poll then starts with a seek to the stored offsets.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    UnknownTopicOrPartitionError,
)
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from services.messaging.batch import (
    Hearing,
    Positions,
    TooManyBreaches,
    gaps_of,
    stretches_of,
    take_batch,
)
from services.messaging.codec import Codec
from services.messaging.database import is_not_now
from services.messaging.health import Health, supervised
from services.messaging.log import LogTopic, describe_topics, read_bounds
from services.messaging.offsets import (
    Fenced,
    LogMismatch,
    add_missing_offsets,
    check_bounds,
    check_topic,
    load_offsets,
)
from services.messaging.polling import Turns, parse_batch
from services.messaging.settings import Settings
from services.messaging.sharing import Share
from services.messaging.telemetry import batch_span
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)

HEARTBEAT_MS = 500
SESSION_MS = 6_000  # the least that brokers allow by default: how long a dead member is waited for
METADATA_AGE_MS = 10_000  # a topic or partition that comes is noticed after so long
COMMIT_EVERY_SECONDS = 1.0
# While the client holds records of one partition it asks for none at all for so long, and then for
# those of the others alone, until some come: who catches up keeps the others waiting, then itself.
HELD_SECONDS = 0.02
FETCH_WAIT_MS = 100
LOOK_AT_IDS_EVERY_SECONDS = 5.0


def group_of(settings: Settings) -> str:
    """The consumer group of a service's processes."""
    return f"{settings.namespace}{settings.service}"


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """One process's consumer of all the topics its service hears; `share` tells which partitions
    of them it has, beside those of the service's other processes.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        hearing: Hearing,
        topics: Mapping[str, LogTopic],
        codec: Codec,
        admin: AIOKafkaAdminClient,
        health: Health,
    ) -> None:
        self._settings, self._hearing, self._health = settings, hearing, health
        self._topics = {topic.kafka_name: topic for topic in topics.values()}
        self._codec, self._admin = codec, admin
        self.share = Share(
            settings.service,
            settings.member or f"{settings.service}-{uuid4().hex[:8]}",
            settings.departements,
            (topics[one.topic.name].kafka_name for one in hearing.hears if one.is_read_in_full),
        )
        self._backoff = Backoff(settings.limits.wait_seconds_max)
        self._turns = Turns(settings.limits.batch_records, settings.limits.partition_records)
        self._must_seek = True
        self._trouble: Exception | None = None
        self._is_troubled = False  # until a batch is taken, or there is nothing to take
        self._gap: Positions | None = None
        self._is_assigned = asyncio.Event()
        self._is_stopped = False
        self._tasks: list[asyncio.Task[None]] = []
        self._broker = KafkaBroker(
            settings.kafka,
            client_id=f"cpts-{settings.service}",
            metadata_max_age_ms=METADATA_AGE_MS,
            apply_types=False,
            consumer_only=True,
            logger=None,
            allow_auto_create_topics=False,
        )
        self._subscriber = self._broker.subscriber(
            *self._topics,
            batch=True,
            group_id=group_of(settings),
            group_instance_id=settings.member,
            partition_assignment_strategy=[self.share],
            max_records=settings.limits.batch_records,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="none",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            session_timeout_ms=SESSION_MS,
            listener=self,
            parser=parse_batch,
            codec=codec,
            no_reply=True,
        )
        # An empty poll sleeps once more in FastStream's own loop.
        self._subscriber.get_msg = self.poll  # type: ignore[method-assign]
        self._subscriber(self.take)

    async def start(self) -> None:
        """Join the group and consume."""
        self._health.starts("consumer")
        await self._broker.start()
        fetcher = self._subscriber.consumer._fetcher  # type: ignore[union-attr]  # noqa: SLF001
        fetcher._prefetch_backoff = HELD_SECONDS  # noqa: SLF001 - the client has no setting for it
        self._tasks = [
            supervised(self._watch_ids(), "consumer: topic ids", self._health),
            supervised(self._follow_with_commits(), "consumer: commits", self._health),
        ]

    async def stop(self) -> None:
        """Stop between two batches."""
        for task in self._tasks:
            task.cancel()
        await self._broker.stop()

    # A rebalance: nothing is taken from its start until we stand at the stored offsets again.

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Partitions go: what is polled from now on does not count."""
        self._is_assigned.clear()
        self._must_seek = True
        self.share.reads = frozenset()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Partitions come."""
        self._must_seek = True
        self.share.reads = frozenset(assigned)
        self._is_assigned.set()

    async def poll(self, consumer: AIOKafkaConsumer) -> tuple[Any, ...]:
        """The next records: at most `batch_records`, and of one partition more than its share only
        when the others have none (`polling`).
        """
        while True:
            if self._is_stopped:
                await asyncio.Event().wait()
            if self._trouble is not None:
                await self._wait_out(self._trouble)
            try:
                await self._is_assigned.wait()
                if self.share.is_outdated:
                    self._join_again(consumer)
                    continue
                if self._must_seek:
                    await self.seek_to_stored(consumer)
                records = await self._turns.take(consumer)
            except ConsumerStoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - FastStream's loop would sleep, or die
                await self._wait_out(error)
                continue
            if records and not self._must_seek:
                return tuple(records)
            if not self._must_seek:
                self._is_well()

    async def take(self, items: Any) -> None:
        """Take a batch to its fate; never raises."""
        if self._must_seek or not items or not self._are_next(items):
            return
        began = time.monotonic()
        try:
            with batch_span(items, self._hearing.names) as traced:
                await take_batch(self._hearing, traced)
        except Fenced:
            self._hearing.desk.counters["fenced"] += 1
            self._hearing.desk.meters.fences(items)
            log.warning("fenced: somebody else moved these offsets")
            self._must_seek = True
        except TooManyBreaches as error:
            self._is_stopped = True
            log.error("%s: the consumer stops", error)  # noqa: TRY400 - no trace needed
            self._health.is_ill(
                "consumer", f"stopped: {error}", "mend the cause, then restart the service"
            )
        except Exception as error:  # noqa: BLE001 - every failure ends here
            self._hearing.desk.counters["redelivered"] += len(items)
            self._must_seek = True
            self._trouble = error  # waited out by the next poll: here a stop would wait for us
        else:
            self._turns.took(time.monotonic() - began, len(items))
            self._is_well()

    def _join_again(self, consumer: AIOKafkaConsumer) -> None:
        """Ask for another share: under our name, Kafka remembered what our last life wanted."""
        self.share.ask_again()
        self._is_assigned.clear()
        consumer.subscribe(list(self._topics), listener=self)

    def _are_next(self, items: Any) -> bool:
        """Whether a batch begins where we stand, or the log has twice held nothing in between.

        The first time, what lies in between may have been polled and lost on its way here.
        """
        stands = dict(self._hearing.positions)
        if not gaps_of(self._hearing, stretches_of(items)) or self._gap == stands:
            self._gap = None
            return True
        self._gap, self._must_seek = stands, True
        return False

    def _is_well(self) -> None:
        """A batch was taken, or there is none: no trouble is left."""
        self._is_troubled = False
        self._backoff.succeeded()
        self._health.is_well("consumer")

    async def _wait_out(self, error: Exception) -> None:
        """Not now: say so, wait, and begin again from the stored offsets."""
        self._must_seek = True
        self._trouble = None
        if isinstance(error, IllegalStateError | NoOffsetForPartitionError):
            return  # a rebalance under our feet: partitions went, or came and we stand nowhere yet
        self._is_troubled = True
        if isinstance(error, LogMismatch):
            log.error("%s; run: %s", error, error.command)
            self._health.is_ill("consumer", str(error), error.command)
        else:
            (log.warning if is_not_now(error) else log.exception)("the consumer waits: %r", error)
            self._health.is_failing("consumer", error)
        await self._backoff.wait()

    async def seek_to_stored(self, consumer: AIOKafkaConsumer) -> None:
        """Stand where the database says, for every partition assigned. Raises `LogMismatch`."""
        self._must_seek = False
        assigned = consumer.assignment()
        current = await describe_topics(
            self._admin, self._settings, [topic.name for topic in self._topics.values()]
        )
        bounds = await read_bounds(consumer, assigned)
        async with self._hearing.desk.pool.acquire() as connection:
            for topic in current.values():
                numbers = [one.partition for one in assigned if one.topic == topic.kafka_name]
                await add_missing_offsets(connection, topic, numbers)
            stored = await load_offsets(connection, current)
        for (name, _), offset in stored.items():
            # Of every partition: a topic made anew may have none of them assigned to us.
            check_topic(self._settings.service, current[name], offset)
        positions = {}
        for one in assigned:
            topic = current[self._topics[one.topic].name]
            offset = stored[topic.name, one.partition]
            check_bounds(self._settings.service, topic, one.partition, offset, bounds[one])
            positions[one.topic, one.partition] = offset.next_offset
        for one in assigned:
            consumer.seek(one, positions[one.topic, one.partition])
        self._hearing.positions = positions
        self._topics = {topic.kafka_name: topic for topic in current.values()}
        if not (self._must_seek or self._is_troubled):
            self._health.is_well("consumer")

    async def _watch_ids(self) -> None:
        """Notice a topic made anew under the same name: its offsets could fit by chance."""
        while True:
            await asyncio.sleep(LOOK_AT_IDS_EVERY_SECONDS)
            names = [topic.name for topic in self._topics.values()]
            try:
                current = await describe_topics(self._admin, self._settings, names)
                if any(self._topics[one.kafka_name].id != one.id for one in current.values()):
                    self._must_seek = True
            except UnknownTopicOrPartitionError:
                self._must_seek = True
            except (KafkaError, OSError):
                continue

    async def _follow_with_commits(self) -> None:
        """Let Kafka's own committed offsets follow ours, for whoever watches the lag there."""
        committed: dict[TopicPartition, int] = {}
        while True:
            await asyncio.sleep(COMMIT_EVERY_SECONDS)
            consumer = self._subscriber.consumer
            if consumer is None or self._must_seek:
                continue
            offsets = {
                TopicPartition(topic, partition): offset
                for (topic, partition), offset in self._hearing.positions.items()
            }
            if offsets and offsets != committed:
                with contextlib.suppress(KafkaError, IllegalStateError, ValueError):
                    await consumer.commit(offsets)
                    committed = offsets
