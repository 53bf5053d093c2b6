"""What must hold when a fault is over: nothing lost, nothing twice, every figure and cent as the
oracle foresees them from the orders.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.demo.compare import compare
from deploy.local.demo.oracle import foresee
from deploy.local.demo.oracle_figures import outlook
from deploy.local.services import SERVICES
from tests.faults.play import Play, Wrong
from tests.faults.process import PARTITIONS
from tests.faults.world import World

SHOWN_MAX = 8
DEAD_LETTERS = "lettres mortes"


async def judge(
    play: Play,
    *,
    services: tuple[str, ...] = SERVICES,
    dead_letters: Mapping[str, int] | None = None,
) -> int:
    """Raise `Wrong` unless all is as foreseen; answers how many records the log holds twice.

    `dead_letters` is how many each service must have; none, if it is not said.

    Twice in the log is not wrong: whoever crashes between sending and marking sends again, and
    whoever hears it again does nothing. Missing there, or in another order, is.
    """
    oracle = foresee(play.season.orders, play.season.ends_at)
    differences = await compare(
        play.world.urls,
        play.season.orders,
        play.driver.progress.outcomes,
        oracle,
        outlook(oracle),
    )
    found = [str(one) for one in differences if one.what != DEAD_LETTERS]
    put_aside = {name: count for name in SERVICES if (count := await _letters(play.world, name))}
    if put_aside != dict(dead_letters or {}):
        found.append(f"dead letters: {put_aside}, not {dict(dead_letters or {})}")
    repeated = 0
    for service in services:
        again, wrong = await judge_log(play.world, service)
        repeated += again
        found += wrong
    if found:
        raise Wrong(f"{len(found)} differences: " + "; ".join(found[:SHOWN_MAX]))
    return repeated


async def _letters(world: World, service: str) -> int:
    """How many records a service has put aside, but for those of its own topic: it reads that only
    when it starts, and then from where it last knew that it had sent.
    """
    query = "select count(*) from dead_letter where topic <> $1"
    return int(await world.ask(service, query, service))


async def read_log(world: World, topic: str) -> list[Any]:
    """All that a topic holds now, partition by partition."""
    name = f"{world.namespace}{topic}"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.kafka, auto_offset_reset="none", enable_auto_commit=False
    )
    await consumer.start()
    try:
        parts = [TopicPartition(name, number) for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(parts)
        consumer.assign(parts)
        for one in parts:
            consumer.seek(one, 0)
        found: list[Any] = []
        while any([await consumer.position(one) < ends[one] for one in parts]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return sorted(found, key=lambda one: (one.partition, one.offset))
    finally:
        await consumer.stop()


def id_of(record: Any) -> str:
    """The id of the event that a record carries."""
    return str(dict(record.headers)["ce_id"].decode())


async def judge_log(world: World, service: str) -> tuple[int, list[str]]:
    """How many records the log holds twice, and what is wrong: lost, unknown, out of order."""
    records = await read_log(world, service)
    connection = await world.database(service)
    try:
        kept = {str(row["id"]) for row in await connection.fetch("select id from history")}
        unsent = await connection.fetchval("select count(*) from outbox where sent_at is null")
        gone_back = await connection.fetchval("select to_regclass('offset_gone_back') is not null")
        if gone_back:
            gone_back = await connection.fetchval("select count(*) from offset_gone_back")
    finally:
        await connection.close()
    ids = Counter(id_of(one) for one in records)
    wrong = []
    if kept != ids.keys():
        lost, unknown = len(kept - ids.keys()), len(ids.keys() - kept)
        wrong.append(f"log of {service}: {lost} lost, {unknown} of no history")
    if unsent:
        wrong.append(f"outbox of {service}: {unsent} unsent")
    if gone_back:
        wrong.append(f"offsets of {service}: gone back {gone_back} times")
    sequences: defaultdict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for one in records:
        headers = dict(one.headers)
        if id_of(one) not in seen:
            seen.add(id_of(one))
            sequences[headers["ce_subject"].decode()].append(int(headers["ce_sequence"]))
    torn = [subject for subject, told in sequences.items() if told != list(range(1, len(told) + 1))]
    if torn:
        wrong.append(f"log of {service}: out of order for {torn[:SHOWN_MAX]}")
    return sum(ids.values()) - len(ids), wrong
