"""From the outbox to the log: one sender per service, in order within each partition.

Rows just committed are handed over in memory and leave at once; the table is for recovery and for
the rows of other processes. From memory, a row may leave only when nothing that its aggregate said
before is still in the table alone. The insert tells: it sees whether other processes have unsent
rows. Then, and whenever the outcome of a commit is unknown, the table is read until it is drained.

Only the holder of the lease sends. Marking checks the lease in the same statement, by the
database's time: a process that was stopped for a while cannot mark what another one took over.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.messaging import outbox
from services.messaging.codec import encode_headers
from services.messaging.database import Connection, connect
from services.messaging.health import Health, supervised
from services.messaging.log import LogTopic
from services.messaging.meters import Leaving
from services.messaging.outbox import Row
from services.messaging.producer import open_producer
from services.messaging.retention import forget_what_is_past
from services.messaging.settings import Settings
from services.messaging.telemetry import Sending
from services.messaging.waiting import Backoff

log = logging.getLogger(__name__)

CHANNEL = "outbox"
ROWS_ADDED, LEASE_LEFT = "rows_added", "lease_left"
NOTIFY = "select pg_notify($1, $2)"
MARK_AFTER_SECONDS = 0.1
MARK_ROWS_MAX = 2000
LOOK_EVERY_SECONDS = 1.0
NOTIFY_EVERY_SECONDS = 0.005
MEMORY_ROWS_MAX = 50_000
ANSWER_SECONDS = 3.0
STOP_SECONDS = 5.0
PRUNE_EVERY_SECONDS = 60.0
PRUNE_MORE_AFTER_SECONDS = 0.5


class SendFailed(KafkaError):  # type: ignore[misc]  # noqa: N818
    """The log refused a row."""


def _firsts(rows: Sequence[Row]) -> dict[str, int]:
    """The first position of each aggregate in one transaction's rows; the others follow it before
    any of another transaction, as the aggregate's row is locked.
    """
    firsts: dict[str, int] = {}
    for row in rows:
        firsts.setdefault(row["subject"], row["position"])
    return firsts


class Relay:
    """One process's relay: it sends while it holds the lease, else it wakes the holder."""

    def __init__(
        self, settings: Settings, *, topic: LogTopic, writer: UUID, health: Health
    ) -> None:
        self._settings, self._topic, self._writer = settings, topic, writer
        self._health, self._counters = health, health.counters
        self._waiting: dict[int, Row] = {}  # handed over in memory, by position
        # By aggregate: each transaction's first position.
        self._committing: dict[str, list[int]] = {}
        self._sent: dict[int, tuple[int, int]] = {}  # position: partition, offset; not yet marked
        self._must_read_table = True
        self._holds_lease = False
        self._has_news = False
        self._ask_lease_at = self._looked_at = self._prune_at = 0.0
        self._mark_at: float | None = None
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._is_halted = False
        self._task: asyncio.Task[None] | None = None

    def expect(self, rows: Sequence[Row]) -> None:
        """Rows that are about to be committed; `hand_over` or `forget` follows."""
        for subject, first in _firsts(rows).items():
            self._committing.setdefault(subject, []).append(first)

    def forget(self, rows: Sequence[Row]) -> None:
        """Rows that were expected: whether they were committed is for the table to say."""
        self._come(rows)
        self.resync()

    def _come(self, rows: Sequence[Row]) -> bool:
        """Expect these rows no more; answers whether their aggregates' earlier ones are still to
        come. So it is when a commit is done and its answer late: who waited for it is here first.
        """
        are_early = False
        for subject, first in _firsts(rows).items():
            expected = self._committing.get(subject, [])
            if first in expected:
                expected.remove(first)
            if not expected:
                self._committing.pop(subject, None)
            are_early |= any(other < first for other in expected)
        return are_early

    def hand_over(self, rows: Sequence[Row], *, has_others: bool) -> None:
        """Rows that have just been committed, in their order."""
        are_early = self._come(rows)
        if not self._holds_lease:
            self._has_news = True
            self._wake.set()
        elif has_others or are_early or len(self._waiting) > MEMORY_ROWS_MAX:
            self.resync()
        else:
            if not self._must_read_table:
                self._waiting.update((row["position"], row) for row in rows)
            self._wake.set()

    def resync(self) -> None:
        """Read the table until it is drained, before anything leaves from memory again."""
        self._must_read_table = True
        self._waiting.clear()
        self._has_news = True
        self._wake.set()

    async def run(self) -> None:
        """Relay until asked to stop; troubles are waited out."""
        backoff = Backoff(self._settings.limits.wait_seconds_max)
        while not self._is_stopping:
            try:
                await self._run_connected(backoff)
            except Exception as error:  # noqa: BLE001 - whatever it is, the rows are in the table
                log.warning("the relay waits: %r", error)
                self._counters["relay_failures"] += 1
                self._health.is_failing("relay", error)
                await backoff.wait()

    def halt(self) -> None:
        """Send nothing any more: the topic is not the one it was. The rows stay in the table."""
        self._is_halted = True

    def start(self) -> None:
        """Begin to relay."""
        self._task = supervised(self.run(), "relay", self._health)

    async def stop(self) -> None:
        """End after marking what was sent; cut off when the broker or the database is away."""
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._task, 2 * STOP_SECONDS)

    async def _run_connected(self, backoff: Backoff) -> None:
        limit = self._settings.limits.statement_seconds_max
        connection = await connect(self._settings, statement_seconds_max=limit)
        producer: AIOKafkaProducer | None = None
        self._forget()
        try:
            await connection.add_listener(CHANNEL, lambda *said: self._on_notify(said[-1]))
            producer = await open_producer(self._settings)
            while not self._is_stopping:
                try:
                    await self._step(connection, producer)
                except SendFailed:
                    await self._mark(connection)
                    raise
                backoff.succeeded()
                self._health.is_well("relay")
            await self._mark(connection)
            if self._holds_lease:
                await outbox.leave_lease(connection, self._writer)
                await connection.execute(NOTIFY, CHANNEL, LEASE_LEFT)
        finally:
            self._forget()
            if producer is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(producer.stop(), STOP_SECONDS)
            with contextlib.suppress(Exception):
                await connection.close(timeout=STOP_SECONDS)

    def _forget(self) -> None:
        """Trust nothing in memory: the table says what is to be sent."""
        self._holds_lease = False
        self._sent.clear()
        self._mark_at = None
        self._ask_lease_at = 0.0
        self.resync()

    def _on_notify(self, payload: object) -> None:
        if payload == LEASE_LEFT:
            self._ask_lease_at = 0.0
        elif self._holds_lease:
            self._must_read_table = True
        else:
            return
        self._wake.set()

    async def _step(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        """One turn: keep the lease, send what there is, mark what was sent, wait to be woken."""
        self._wake.clear()
        await self._keep_lease(connection)
        if self._is_halted:
            await self._wait(self._ask_lease_at)
            return
        if not self._holds_lease:
            await self._wake_holder(connection)
            await self._wait(self._ask_lease_at)
            return
        is_due = time.monotonic() - self._looked_at > LOOK_EVERY_SECONDS
        if self._must_read_table or is_due:
            await self._send_from_table(connection, producer)
        if self._waiting and not self._must_read_table:
            await self._send_in_parts(connection, producer, self._take_waiting())
        if self._mark_at is not None and (
            time.monotonic() >= self._mark_at or len(self._sent) > MARK_ROWS_MAX
        ):
            await self._mark(connection)
        await self._prune(connection)
        if not (self._waiting or self._must_read_table or self._is_stopping):
            await self._wait(min(self._ask_lease_at, self._mark_at or self._ask_lease_at))

    async def _keep_lease(self, connection: Connection) -> None:
        """Take the lease, or renew it when a third of its time has gone."""
        if time.monotonic() < self._ask_lease_at:
            return
        seconds = self._settings.limits.lease_seconds
        self._ask_lease_at = time.monotonic() + seconds / 3
        lease = await outbox.take_lease(connection, self._writer, seconds)
        if self._holds_lease and lease is not outbox.Lease.RENEWED:
            self._lose_lease()
        if lease is not outbox.Lease.ANOTHERS and not self._holds_lease:
            log.info("this process relays")
            self._forget()
            self._holds_lease = True

    def _lose_lease(self) -> None:
        log.warning("another process relays now, or may have in between")
        self._counters["leases_lost"] += 1
        self._forget()

    async def _wake_holder(self, connection: Connection) -> None:
        """Without the lease: tell its holder of our rows, at most once per few milliseconds."""
        if self._has_news:
            self._has_news = False
            await connection.execute(NOTIFY, CHANNEL, ROWS_ADDED)
            await asyncio.sleep(NOTIFY_EVERY_SECONDS)

    async def _send_from_table(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        """One round of the table: sends what memory does not hold, and what goes before it."""
        self._must_read_table = False  # from here on, what is handed over is kept
        self._looked_at = time.monotonic()
        per_partition = self._settings.limits.relay_rows_per_partition
        rows = await outbox.take_rows(
            connection, self._topic.partitions, self._sent.keys(), per_partition
        )
        if all(row["position"] in self._waiting for row in rows):
            return
        for row in rows:
            self._waiting.pop(row["position"], None)
        counts = Counter(row["partition"] for row in rows)
        if max(counts.values()) >= per_partition:
            # More may lie behind these rows: what memory holds must not overtake it.
            self.resync()
        await self._send_in_parts(connection, producer, rows)

    async def _send_in_parts(
        self, connection: Connection, producer: AIOKafkaProducer, rows: Sequence[Row]
    ) -> None:
        """Send many rows, keeping the lease and marking in between; stops when the lease is lost.

        A round that outlasted the lease would be marked by nobody and sent again, for ever.
        """
        for start in range(0, len(rows), MARK_ROWS_MAX):
            if start:
                await self._mark(connection)
                await self._keep_lease(connection)
                if not self._holds_lease:
                    return  # the rest is in the table, and another's to send
            await self.send(producer, rows[start : start + MARK_ROWS_MAX])

    def _take_waiting(self) -> list[Row]:
        """The oldest rows in memory, at most so many of each partition."""
        per_partition = self._settings.limits.relay_rows_per_partition
        counts: Counter[int] = Counter()
        taken: list[Row] = []
        for row in self._waiting.values():
            if counts[row["partition"]] < per_partition:
                counts[row["partition"]] += 1
                taken.append(row)
        for row in taken:
            del self._waiting[row["position"]]
        return [row for row in taken if row["position"] not in self._sent]

    async def send(self, producer: AIOKafkaProducer, rows: Sequence[Row]) -> None:
        """Send rows in their order and note where they went.

        Raises `SendFailed` when the log refuses one: what follows it in its partition counts as
        unsent and is sent again after it.
        """
        futures: list[asyncio.Future[Any]] = []
        sending = Sending(self._topic.name)
        refused: BaseException | None = None
        for row in rows:
            told = sending.begin(row)
            try:
                future = await producer.send(
                    self._topic.kafka_name,
                    value=row["body"],
                    key=row["departement"].encode(),
                    partition=row["partition"],
                    headers=encode_headers(self._settings.service, told),
                )
            except Exception as error:  # noqa: BLE001 - raised again below, in our words
                sending.end(row["position"], None, error)
                refused = error
                break
            futures.append(future)
        await self._await_answers(futures)
        failures = self._note_answers(rows, futures, sending)
        if refused is not None or failures:
            first = refused or next(iter(failures.values()))
            raise SendFailed(f"{first!r} (partitions {sorted(failures)})")

    async def _await_answers(self, futures: Sequence[asyncio.Future[Any]]) -> None:
        """Wait for the broker; say so while it does not answer (the producer tries for ever)."""
        pending: set[asyncio.Future[Any]] = set(futures)
        while pending:
            _, pending = await asyncio.wait(pending, timeout=ANSWER_SECONDS)
            if pending:
                self._health.is_ill("relay", f"the broker has not taken {len(pending)} events")

    def _note_answers(
        self, rows: Sequence[Row], futures: Sequence[asyncio.Future[Any]], sending: Sending
    ) -> dict[int, BaseException]:
        """Note where rows went; answers the first failure of each partition."""
        failures: dict[int, BaseException] = {}
        for row, future in zip(rows, futures, strict=False):
            error = future.exception()
            sending.end(row["position"], None if error else future.result().offset, error)
            self._health.meters.leaves(row, Leaving.FAILED if error else Leaving.SENT)
            if error:
                failures.setdefault(row["partition"], error)
            elif row["partition"] not in failures:
                self._sent[row["position"]] = (row["partition"], future.result().offset)
                self._counters["relayed"] += 1
        if self._mark_at is None and self._sent:
            self._mark_at = time.monotonic() + MARK_AFTER_SECONDS
        return failures

    async def _mark(self, connection: Connection) -> None:
        """Mark what was sent; when the lease was lost meanwhile nothing is marked."""
        if not self._sent:
            return
        relayed: dict[int, int] = {}
        for partition, offset in self._sent.values():
            relayed[partition] = max(relayed.get(partition, 0), offset + 1)
        is_held = await outbox.mark_rows(
            connection,
            holder=self._writer,
            positions=self._sent.keys(),
            topic=self._topic.name,
            topic_id=self._topic.id,
            relayed=relayed,
        )
        self._sent.clear()
        self._mark_at = None
        if not is_held:
            self._lose_lease()

    async def _prune(self, connection: Connection) -> None:
        """Now and then, drop what is past its time."""
        if time.monotonic() < self._prune_at:
            return
        has_more = await forget_what_is_past(connection, self._settings.keeping)
        # A part at a time: what is to be sent, and the lease, do not wait for all of it.
        pause_seconds = PRUNE_MORE_AFTER_SECONDS if has_more else PRUNE_EVERY_SECONDS
        self._prune_at = time.monotonic() + pause_seconds

    async def _wait(self, until: float | None) -> None:
        """Wait to be woken, or for the next look at the table."""
        latest = time.monotonic() + LOOK_EVERY_SECONDS
        timeout = max(0.0, min(until or latest, latest) - time.monotonic())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
