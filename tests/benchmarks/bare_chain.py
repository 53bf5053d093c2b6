"""P3's and P4's baseline, the bare two-hop chain: commit, send, consume, commit, send, consume,
commit, nothing else.

Three processes. The first inserts a row when it is due (an open loop, Poisson) and sends it once it
is committed; the second consumes, inserts a batch and sends it; the third consumes and inserts.
The clients' settings, the partitions, the number of connections, the event loop and the collector's
threshold are the services'.

    python -m tests.benchmarks.bare_chain begin KAFKA PARTITIONS DATABASE_URL SAID RATE COUNT SEED
    python -m tests.benchmarks.bare_chain pass-on KAFKA PARTITIONS DATABASE_URL HEARD SAID
"""

import gc
import sys
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.messaging.producer import open_producer
from services.messaging.settings import Settings
from tests.benchmarks.pacing import all_when_due

POOL_SIZE = 10
BATCH_RECORDS = 1000
GC_THRESHOLD = 50_000
POLL_MS = 1000
BODY = "b" * 300  # as long as an acceptance on the wire
MAKE = "create table hop (id bigint primary key, due_at timestamptz not null, body text not null)"
INSERT = "insert into hop values ($1, $2, $3)"
INSERT_BATCH = "insert into hop select * from unnest($1::bigint[], $2::timestamptz[], $3::text[])"


class Said(msgspec.Struct):
    """What goes from one process to the next."""

    id: int
    due_at: datetime
    body: str


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Said).decode


async def producing(kafka: str) -> Any:
    """The services' producer."""
    return await open_producer(Settings(service="bench", database_url="", kafka=kafka))


def settle_memory() -> None:
    """What the services do once they are up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


async def begin(
    kafka: str, partitions: int, url: str, said: str, rate: float, count: int, seed: int
) -> None:
    """The first process."""
    producer = await producing(kafka)
    pool = await asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE)
    await pool.execute(MAKE)
    settle_memory()

    async def commit_and_send(number: int, at: float) -> None:
        due_at = datetime.fromtimestamp(at, UTC)
        await pool.execute(INSERT, number, due_at, BODY)
        body = encode(Said(number, due_at, BODY))
        await producer.send(said, body, partition=number % partitions)

    await all_when_due(count, rate, seed, commit_and_send)
    await producer.stop()
    await pool.close()


async def pass_on(kafka: str, partitions: int, url: str, heard: str, said: str) -> None:
    """The second process, and the third, which says nothing (`-`)."""
    producer = None if said == "-" else await producing(kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    assigned = [TopicPartition(heard, number) for number in range(partitions)]
    consumer.assign(assigned)
    await consumer.seek_to_beginning(*assigned)
    connection = await asyncpg.connect(url)
    await connection.execute(MAKE)
    settle_memory()
    while True:
        taken = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
        records = [record for records in taken.values() for record in records]
        if not records:
            continue
        batch = [decode(record.value) for record in records]
        columns = [[getattr(one, name) for one in batch] for name in Said.__struct_fields__]
        await connection.execute(INSERT_BATCH, *columns)
        if producer is not None:
            for one, record in zip(batch, records, strict=True):
                await producer.send(said, encode(one), partition=record.partition)


if __name__ == "__main__":
    kafka, partitions, url, *topics = sys.argv[2:]
    if sys.argv[1] == "begin":
        said, rate, count, seed = topics
        uvloop.run(begin(kafka, int(partitions), url, said, float(rate), int(count), int(seed)))
    else:
        uvloop.run(pass_on(kafka, int(partitions), url, *topics))
