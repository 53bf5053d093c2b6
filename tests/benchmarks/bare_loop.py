"""P1's baseline, the bare loop: `getmany`, msgspec, the service's own SQL, nothing else.

The statements were written down while the service's handlers took the same records: each batch is
one transaction of the same statements with the same arguments. The client's settings, the batch
size, the event loop and the collector's threshold are the service's. One process:

    python -m tests.benchmarks.bare_loop KAFKA TOPIC PARTITIONS EVENTS DATABASE_URL TRANSACTIONS
"""

import gc
import pickle
import sys
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import topic_of

BATCH_RECORDS = 1000
GC_THRESHOLD = 50_000
POLL_MS = 1000


async def replay(connection: Any, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
    """One transaction, statement by statement."""
    for query, arguments in statements:
        if arguments:
            await connection.fetch(query, *arguments)
        else:
            await connection.execute(query)


async def main(
    kafka: str, topic: str, partitions: int, events: str, url: str, transactions: Any
) -> None:
    """Take the topic's records to the end of what was written down."""
    decode = msgspec.json.Decoder(topic_of(events).event).decode
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    assigned = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(assigned)
    await consumer.seek_to_beginning(*assigned)
    connection = await asyncpg.connect(url)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    polled = 0
    for count, statements in transactions:
        while polled < count:
            taken = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
            said = [decode(record.value) for records in taken.values() for record in records]
            polled += len(said)
        polled -= count
        await replay(connection, statements)
    await connection.close()
    await consumer.stop()


if __name__ == "__main__":
    kafka, topic, partitions, events, url, path = sys.argv[1:]
    taken = pickle.loads(Path(path).read_bytes())
    uvloop.run(main(kafka, topic, int(partitions), events, url, taken))
