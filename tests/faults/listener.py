"""Hears the whole log while it is written: what was seen, in which order, and how often."""

import asyncio
import contextlib
from collections import Counter, deque
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from deploy.local.services import CHAIN
from tests.faults.history import History
from tests.faults.process import PARTITIONS
from tests.faults.world import World

POLL_MS = 200
GOODBYE_SECONDS = 3
WRONG_MAX = 50
LAST = 200


class Listener:
    """Outside every group, from the first record on.

    `events` are those seen once or more, `copies` the records that say one again; `wrong` tells of
    what an aggregate said out of its order. The last ones are kept, by topic and by type.
    """

    def __init__(self, world: World, history: History) -> None:
        self._world, self._history = world, history
        self._sequences: dict[tuple[str, str], int] = {}
        self._ids: set[bytes] = set()
        self.events = self.copies = 0
        self.copies_of: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.last: dict[str, deque[ConsumerRecord]] = {topic: deque(maxlen=LAST) for topic in CHAIN}
        self.last_of: dict[str, ConsumerRecord] = {}  # by type
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=world.kafka, auto_offset_reset="none", enable_auto_commit=False
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        names = [f"{self._world.namespace}{topic}" for topic in CHAIN]
        parts = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        self._consumer.assign(parts)
        for one in parts:
            self._consumer.seek(one, 0)
        self._task = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._task is not None:
            self._task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._consumer.stop(), GOODBYE_SECONDS)

    def check(self) -> None:
        """Raise what ended the hearing, if something did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _hear(self) -> None:
        while True:
            polled = await self._consumer.getmany(timeout_ms=POLL_MS)
            for part, records in polled.items():
                topic = part.topic.removeprefix(self._world.namespace)
                for one in records:
                    self._note(topic, one)

    def _note(self, topic: str, record: ConsumerRecord) -> None:
        headers: dict[str, Any] = dict(record.headers)
        id_ = headers["ce_id"]
        if id_ in self._ids:
            self.copies += 1
            self.copies_of[topic] += 1
            return
        self._ids.add(id_)
        self._history.note(
            "seen",
            topic,
            record.partition,
            record.offset,
            headers["ce_subject"].decode(errors="replace"),
            int(headers["ce_sequence"]),
            headers["ce_type"].decode(),
        )
        self.events += 1
        self.last[topic].append(record)
        self.last_of[headers["ce_type"].decode()] = record
        subject, sequence = headers["ce_subject"].decode(), int(headers["ce_sequence"])
        before = self._sequences.get((topic, subject), 0)
        if sequence != before + 1 and len(self.wrong) < WRONG_MAX:
            self.wrong.append(
                f"log of {topic}: {subject} said {sequence} after {before}"
                f" at {record.partition}/{record.offset}"
            )
        self._sequences[topic, subject] = sequence
