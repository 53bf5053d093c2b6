"""R1's baseline: `faststream-outbox`, with the same rows, the same producer and the same loop.

    python -m tests.benchmarks.outbox_relay fill|relay URL KAFKA NAMESPACE EVENTS [RATE SEED]

`fill` leaves the events in its outbox. `relay` relays what is there; with a rate, it publishes the
events too, each in a transaction of its own when it is due. Beside each row goes one in a table of
its own, as an announcement of ours goes into the history: the time of its commit is read there.

Many workers send at once and deletions are batched, which it does best with; so it does not keep
the order of an aggregate's events, which our relay does.
"""

import asyncio
import gc
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.departements import partition_of
from services.messaging.codec import encode_body, encode_headers
from services.messaging.producer import open_producer
from services.messaging.settings import Settings
from tests.benchmarks.bare_loop import GC_THRESHOLD
from tests.benchmarks.measuring import PARTITIONS
from tests.benchmarks.pacing import all_when_due

QUEUE = "events"
WORKERS, FETCH, DELETE_AT_ONCE = 16, 500, 100
POOL_SIZE = 10
AT_ONCE = 500
FETCH_AFTER_SECONDS = 0.01

metadata = MetaData()
outbox = make_outbox_table(metadata, table_name="outbox")
said = Table("said", metadata, Column("id", Uuid, primary_key=True), Column("body", Text))


def as_row(event: Any) -> tuple[bytes, dict[str, str]]:
    """What the relay needs of an event: its body, and its headers with the key."""
    row = msgspec.structs.asdict(event) | {"type": event.type}
    headers = {name: value.decode() for name, value in encode_headers("referrals", row)}
    return encode_body(event), headers | {"key": event.departement}


async def whole(message: Any) -> Any:
    """A decoder that leaves a message as it is."""
    return message


async def main(settings: Settings, what: str, events: list[Any], *pace: int) -> None:
    """Fill the outbox, or relay until killed."""
    engine = create_async_engine(
        settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=POOL_SIZE + WORKERS + 1,
    )
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    producer = await open_producer(settings)
    topic = settings.topic("referrals")
    broker = OutboxBroker(engine, outbox_table=outbox, apply_types=False, log_level=logging.DEBUG)

    @broker.subscriber(
        QUEUE,
        max_workers=WORKERS,
        fetch_batch_size=FETCH,
        min_fetch_interval=FETCH_AFTER_SECONDS,
        terminal_flush_batch_size=DELETE_AT_ONCE,
        decoder=whole,
    )
    async def relay(message: Any) -> None:
        headers = dict(message.headers)
        key = headers.pop("key")
        sent = await producer.send(
            topic,
            value=message.body,
            key=key.encode(),
            partition=partition_of(key, PARTITIONS),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
        await sent

    async def publish(chosen: list[Any]) -> None:
        rows = [{"id": one.id, "body": encode_body(one).decode()} for one in chosen]
        async with engine.begin() as connection:
            await connection.execute(insert(said), rows)
            for one in chosen:
                body, headers = as_row(one)
                await broker.publish(body, queue=QUEUE, headers=headers, session=connection)

    if what == "fill":
        for first in range(0, len(events), AT_ONCE):
            await publish(events[first : first + AT_ONCE])
        async with engine.connect() as connection:
            committing = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await committing.execute(text("vacuum analyze"))
        await producer.stop()
        return
    await broker.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    if pace:
        rate, seed = pace
        await all_when_due(len(events), rate, seed, lambda n, _due_at: publish([events[n]]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    what, url, kafka, namespace, path, *pace = sys.argv[1:]
    settings = Settings(service="referrals", database_url=url, kafka=kafka, namespace=namespace)
    events = pickle.loads(Path(path).read_bytes())
    uvloop.run(main(settings, what, events, *(int(one) for one in pace)))
