"""The guards that keep the figures right, each of which can be taken away.

Taken away, a guard is what a service without it would have written: not a crash, but the plain,
shorter thing. The fault that it guards against must then be seen by the test of that fault.
"""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg

from services.messaging import batch, outbox
from services.messaging.consumer import Consumer
from services.messaging.database import connect
from services.messaging.relay import MARK_AFTER_SECONDS, Relay
from services.messaging.unit import Unit

MOVE_ANYHOW = """
    update stored_offset set next_offset = move.next_offset
    from unnest($1::text[], $2::integer[], $3::bigint[]) as move (topic, partition, next_offset)
    where stored_offset.topic = move.topic and stored_offset.partition = move.partition
"""
MARK_FIRST = "update outbox set sent_at = clock_timestamp() where position = any ($1)"
DISTINCT_ON = re.compile(r"select distinct on \([^)]*\)")


@contextmanager
def without(*guards: str) -> Iterator[None]:
    """These guards are away, in this block. KeyError for an unknown one."""
    with ExitStack() as stack:
        for guard in guards:
            stack.enter_context(TAKE_AWAY[guard]())
        yield


@contextmanager
def _no_fence() -> Iterator[None]:
    """The offsets move wherever they stood."""

    async def move(connection: Any, moves: Collection[Any]) -> None:
        await connection.execute(
            MOVE_ANYHOW,
            [one.topic for one in moves],
            [one.partition for one in moves],
            [one.next_offset for one in moves],
        )

    with patch.object(batch, "fence", move):
        yield


@contextmanager
def _no_distinct() -> Iterator[None]:
    """What handlers keep, they keep as often as the batch holds it."""

    def keeping(step: Any) -> Any:
        async def run(connection: Any, query: str, *arguments: Any, **more: Any) -> Any:
            if "insert into" in query:
                query = DISTINCT_ON.sub("select", query)
            return await step(connection, query, *arguments, **more)

        return run

    kept = asyncpg.Connection
    with (
        patch.object(kept, "execute", keeping(kept.execute)),
        patch.object(kept, "fetch", keeping(kept.fetch)),
    ):
        yield


@contextmanager
def _no_seek() -> Iterator[None]:
    """After an error the consumer goes on where the client stands."""
    step = Consumer.seek_to_stored

    async def stay(consumer: Any, client: Any) -> None:
        known = consumer._hearing.positions.keys()
        if {(one.topic, one.partition) for one in client.assignment()} <= known:
            consumer._must_seek = False
            consumer._health.is_well("consumer")
        else:
            await step(consumer, client)

    with patch.object(Consumer, "seek_to_stored", stay):
        yield


@contextmanager
def _mark_before_send() -> Iterator[None]:
    """Rows are marked as sent first, and sent when they were to be marked."""
    step = Relay.send
    marked: list[tuple[Any, Sequence[Any]]] = []

    async def mark(relay: Any, producer: Any, rows: Sequence[Any]) -> None:
        if not rows:
            return
        connection = await connect(relay._settings)
        await connection.execute(MARK_FIRST, [row["position"] for row in rows])
        await connection.close()
        marked.append((producer, rows))
        relay._mark_at = time.monotonic() + MARK_AFTER_SECONDS

    async def send(relay: Any, connection: Any) -> None:
        waiting, marked[:] = list(marked), []
        relay._mark_at = None
        for producer, rows in waiting:
            await step(relay, producer, rows)
        relay._sent.clear()
        relay._mark_at = None

    with patch.object(Relay, "send", mark), patch.object(Relay, "_mark", send):
        yield


@contextmanager
def _no_lease() -> Iterator[None]:
    """Every relay believes that it holds the lease, and nothing contradicts it."""

    async def take_lease(connection: Any, holder: Any, seconds: int) -> outbox.Lease:
        return outbox.Lease.RENEWED

    start, end = outbox.MARK.index("select from relay_lease"), outbox.MARK.index("), marked")
    held = f"{outbox.MARK[:start]}select where $1::uuid is not null {outbox.MARK[end:]}"
    with patch.object(outbox, "take_lease", take_lease), patch.object(outbox, "MARK", held):
        yield


@contextmanager
def _no_join_lock() -> Iterator[None]:
    """Where two streams meet, nobody waits for the other."""

    async def lock_joins(unit: Any, kind: str, keys: Any) -> None:
        return

    with patch.object(Unit, "lock_joins", lock_joins):
        yield


TAKE_AWAY = {
    "fence": _no_fence,
    "distinct": _no_distinct,
    "seek": _no_seek,
    "mark": _mark_before_send,
    "lease": _no_lease,
    "join-lock": _no_join_lock,
}
