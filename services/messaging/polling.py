"""How records are taken: fairly among partitions, and without FastStream reading their headers.

A partition that has more than its share waiting is behind: it catches up. Beside others that go on
speaking, it does so in small steps and rests after each as long as it took, so that they wait for
little of its work. When nobody else speaks, it has the whole batch.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

POLL_MS = 1000
SPOKE_SECONDS = 1.0  # whoever spoke so recently is not to wait for one that catches up
STEP_SECONDS = 0.01  # of one that catches up beside others
STEP_RECORDS_MIN = 10
REST = 1.0  # after a step: so many times as long as it took
NEW_WEIGHT = 0.2


class Turns:
    """Whose turn it is. `clock` gives seconds that only rise."""

    def __init__(
        self,
        records_max: int,
        partition_records_max: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records_max, self._partition_records_max = records_max, partition_records_max
        self._clock = clock
        self._spoke_at: dict[TopicPartition, float] = {}  # of those that are not behind
        self._behind: set[TopicPartition] = set()  # in the last batch
        self._rests_until: dict[TopicPartition, float] = {}
        self._record_seconds = STEP_SECONDS / partition_records_max

    @property
    def share(self) -> int:
        """The records that one partition may have in a batch that it is not alone in."""
        if not self._somebody_speaks():
            return self._partition_records_max
        step = int(STEP_SECONDS / self._record_seconds)
        return min(self._partition_records_max, max(STEP_RECORDS_MIN, step))

    def _somebody_speaks(self) -> bool:
        since = self._clock() - SPOKE_SECONDS
        return any(at > since for at in self._spoke_at.values())

    async def take(self, consumer: AIOKafkaConsumer) -> list[Any]:
        """The next records, at least one unless a second passes without."""
        now, timeout_ms = self._clock(), POLL_MS
        self._rests_until = {one: at for one, at in self._rests_until.items() if at > now}
        awake: Collection[TopicPartition] = ()
        if self._rests_until:
            rest_ms = int(1000 * (min(self._rests_until.values()) - now)) + 1
            awake, timeout_ms = consumer.assignment() - self._rests_until.keys(), rest_ms
            if not awake:
                await asyncio.sleep(rest_ms / 1000)
                return []
        share = self.share
        taken = await take_fairly(
            consumer, self._records_max, share, awake=awake, timeout_ms=timeout_ms
        )
        now = self._clock()
        before = self._behind
        self._behind = {one for one, records in taken.items() if len(records) >= share}
        for one in taken.keys() - self._behind - before:  # the end of a backlog is no speech
            self._spoke_at[one] = now
        for one in self._behind:
            self._spoke_at.pop(one, None)
        if self._behind and not self._somebody_speaks():
            await fill_up(consumer, self._records_max, taken)
        return [record for records in taken.values() for record in records]

    def took(self, seconds: float, records: int) -> None:
        """A batch was taken; who is behind rests, if somebody else speaks."""
        if not self._behind:
            return
        self._record_seconds += NEW_WEIGHT * (seconds / records - self._record_seconds)
        if self._somebody_speaks():
            until = self._clock() + REST * seconds
            self._rests_until |= dict.fromkeys(self._behind, until)


async def take_fairly(
    consumer: AIOKafkaConsumer,
    records_max: int,
    partition_records_max: int,
    *,
    awake: Collection[TopicPartition] = (),
    timeout_ms: int = POLL_MS,
) -> dict[TopicPartition, list[Any]]:
    """Records of every partition that has some, so many of each; of those `awake`, if any are
    named. `getmany` alone would drain the first partition before it looks at the next.
    """
    taken: dict[TopicPartition, list[Any]] = dict(
        await consumer.getmany(*awake, timeout_ms=timeout_ms, max_records=partition_records_max)
    )
    left = records_max - sum(map(len, taken.values()))
    # An error in a later call is raised again by the next poll; what was taken is not lost.
    with contextlib.suppress(KafkaError, IllegalStateError):
        while taken and left > 0:
            others = (awake or consumer.assignment()) - taken.keys()
            if not others:
                break
            more = await consumer.getmany(
                *others, timeout_ms=0, max_records=min(left, partition_records_max)
            )
            if not more:
                break
            taken.update(more)
            left -= sum(map(len, more.values()))
    return taken


async def fill_up(
    consumer: AIOKafkaConsumer, records_max: int, taken: dict[TopicPartition, list[Any]]
) -> None:
    """Add what there is, whoever said it, until the batch is full."""
    left = records_max - sum(map(len, taken.values()))
    with contextlib.suppress(KafkaError, IllegalStateError):
        if left > 0:
            rest = await consumer.getmany(timeout_ms=0, max_records=left)
            for partition, records in rest.items():
                taken.setdefault(partition, []).extend(records)


async def parse_batch(records: tuple[Any, ...]) -> KafkaMessage:
    """FastStream's message of a batch. Its own parser raises on a header that is not UTF-8."""
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)
