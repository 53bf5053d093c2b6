"""The statements that a service executes, written down as it does, to be replayed by a baseline."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.messaging.batch import Hearing, commit_batch
from services.messaging.clock import read_clock
from services.messaging.codec import Codec, Decoder
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from services.messaging.log import LogTopic
from services.messaging.polling import Turns
from services.messaging.running import Running
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from services.messaging.web import make_app, serving
from tests.benchmarks import http_load
from tests.benchmarks.ground import OneConnection, open_desk

Statement = tuple[str, tuple[Any, ...]]
# The statements of one transaction, and how many records or orders it takes.
Transaction = tuple[int, list[Statement]]


class Recorder:
    """Writes down what goes over the one connection of a desk."""

    def __init__(self, desk: Desk) -> None:
        pool: Any = desk.pool
        assert isinstance(pool, OneConnection)
        self._statements: list[Statement] = []
        pool.connection.add_query_logger(self._note)

    def _note(self, query: Any) -> None:
        self._statements.append((query.query, query.args))

    async def taken(self) -> list[Statement]:
        """What was executed since the last call."""
        await asyncio.sleep(0)  # asyncpg tells in the loop's next turn
        taken, self._statements = self._statements, []
        return taken


async def record_batches(
    service: Service, settings: Settings, hears: Hears, topic: LogTopic, total: int
) -> list[Transaction]:
    """The transactions by which the service takes `total` records of a topic at backlog."""
    codec = Codec({topic.kafka_name: Decoder(hears.topic, hears.understands)})
    transactions: list[Transaction] = []
    done = 0
    async with open_desk(service, settings) as desk, _reading(settings, topic) as consumer:
        recorder = Recorder(desk)
        hearing = Hearing(
            desk=desk,
            hears=(hears,),
            names={topic.kafka_name: topic.name},
            breaches_max=0,
            positions={(topic.kafka_name, number): 0 for number in range(topic.partitions)},
        )
        limits = settings.limits
        turns = Turns(limits.batch_records, limits.partition_records)
        while done < total:
            records = await turns.take(consumer)
            if records:
                await commit_batch(hearing, codec.decode_records(records))
                transactions.append((len(records), await recorder.taken()))
                done += len(records)
    return transactions


async def record_orders(
    service: Service, settings: Settings, requests: Sequence[bytes]
) -> list[Transaction]:
    """The transactions by which the service carries out orders over HTTP, one after the other."""
    transactions: list[Transaction] = []
    async with open_desk(service, settings) as desk:
        recorder = Recorder(desk)
        clock = read_clock(is_production=True, environment={})
        run: Any = Running(settings, service, desk, clock)
        run.hearing = "nothing: only its absence would hold orders back"
        app = make_app(run, desk.pool, clock)
        async with serving(app, settings.http_host, settings.http_port) as address:
            (caller,) = await http_load.connected(int(address.rpartition(":")[2]), 1)
            for request in requests:
                await caller.give(request)
                transactions.append((1, await recorder.taken()))
            caller.close()
    return transactions


@asynccontextmanager
async def _reading(settings: Settings, topic: LogTopic) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.kafka_name, n) for n in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


def write(path: Path, transactions: Sequence[Transaction]) -> Path:
    """Keep the transactions in a file for the process that replays them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(list(transactions), protocol=pickle.HIGHEST_PROTOCOL))
    return path
