"""Faults of the log itself while a season is played: copies, poison, another log than before."""

import asyncio
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from itertools import cycle
from random import Random
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord
from msgspec.structs import replace

from contracts.events.indicators import FigureChanged
from contracts.events.membership import MemberRecorded
from contracts.events.referrals import ReferralAccepted
from contracts.recorded import type_name
from deploy.local.services import ROOT, SERVICES
from services.gateway.app import SERVICE as GATEWAY
from services.indicators.app import SERVICE as INDICATORS
from services.payments.app import SERVICE as PAYMENTS
from services.referrals.app import SERVICE as REFERRALS
from tests.faults.judgement import id_of, judge, read_log
from tests.faults.play import Wrong, playing
from tests.faults.process import LIMITS, PARTITIONS, Process, until
from tests.faults.scenarios import start_all, total
from tests.faults.season import Season
from tests.faults.tracing import Trace
from tests.faults.world import World

NAMING = re.compile(rb'"(cpts|referral)_id":"')
NUL = rb"\\u0000"  # valid JSON, and no text of PostgreSQL's


async def say(world: World, records: Iterable[Any]) -> int:
    """Write records into their partitions, in this order; answers how many."""
    count = 0
    async with AIOKafkaProducer(bootstrap_servers=world.kafka, acks="all") as producer:
        for one in records:
            await producer.send(
                one.topic,
                value=one.value,
                key=one.key,
                partition=one.partition,
                headers=list(one.headers),
            )
            count += 1
        await producer.flush()
    return count


async def said_first(world: World, topic: str) -> list[Any]:
    """What a topic holds, without the copies."""
    first = {id_of(one): one for one in reversed(await read_log(world, topic))}
    return list(first.values())[::-1]


async def the_log_repeats_itself(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """What the log held at several moments is in it again, out of order, each event twice.

    Indicators and payments stand still while it is said again, so that what they have not heard yet
    and its copies come in one batch.
    """
    limits = replace(LIMITS, batch_records=1000, partition_records=1000)
    start_all(world, without=without, limits=limits)
    random = Random(trace.seed)
    again = 0
    async with playing(world, season) as play:
        for share in (0.5, 0.85):
            await play.passed(share - 0.15)
            still = [world.processes[service] for service in ("indicators", "payments")]
            for process in still:
                process.send(signal.SIGSTOP)
            await play.passed(share)
            for service in SERVICES:
                records = await said_first(world, service)
                random.shuffle(records)
                again += await say(world, (one for one in records for _ in range(2)))
            for process in still:
                process.send(signal.SIGCONT)
        await play.over()
        trace.struck(repeated_in_log=await judge(play), said_again=again)
        if apart := await total(world, "taken_apart"):
            raise Wrong(f"{apart} batches with copies in them had to be taken apart")


def poisoned(record: ConsumerRecord) -> list[ConsumerRecord]:
    """What nobody can handle, made of a good record: six that cannot be read, and one that can but
    holds what no table keeps.
    """
    headers = dict(record.headers)

    def bad(**changes: Any) -> ConsumerRecord:
        values = {field.name: getattr(record, field.name) for field in fields(record)}
        return ConsumerRecord(**values | changes)

    def with_headers(**changes: bytes | None) -> list[tuple[str, bytes]]:
        return [(name, value) for name, value in (headers | changes).items() if value is not None]

    named = b'"cpts_id":"'
    return [
        bad(value=b"{"),
        bad(value=None),
        bad(value=record.value.replace(named, b'"cpts_id":["')),
        bad(key=b"no departement"),
        bad(headers=with_headers(ce_subject=b"\xff\xfe")),
        bad(headers=with_headers(ce_sequence=None)),
        bad(value=NAMING.sub(rb"\g<0>" + NUL, record.value)),
    ]


# An event that some consumers of a topic keep.
KEPT: dict[str, type[msgspec.Struct]] = {
    "membership": MemberRecorded,
    "referrals": ReferralAccepted,
    "indicators": FigureChanged,
}
DECLARED = (REFERRALS, INDICATORS, PAYMENTS, GATEWAY)


async def poison_between_good_ones(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """Records that nobody can handle lie in one batch with good ones."""
    start_all(world, without=without)
    expected: Counter[str] = Counter()
    async with playing(world, season) as play:
        for share in (0.5, 0.8):
            await play.passed(share)
            for topic, kept in KEPT.items():
                records = await said_first(world, topic)
                good = next(one for one in records if type_of(one) == type_name(kept))
                beside = [one for one in records if one.partition == good.partition]
                bad = poisoned(good)
                await say(world, (one for pair in zip(bad, cycle(beside)) for one in pair))
                for service in DECLARED:
                    if any(kept in hears.understands for hears in service.hears):
                        expected[service.name] += len(bad)
        await play.over()
        trace.struck(dead_letters=expected.total(), taken_apart=await total(world, "taken_apart"))
        trace.note(repeated_in_log=await judge(play, dead_letters=expected))


def type_of(record: Any) -> str:
    """The type of the event that a record carries."""
    return str(dict(record.headers)["ce_type"].decode())


async def another_log_than_before(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """The topic of figures is made anew under payments' feet; then what it held is in it again.

    Payments says so and does nothing until it is told to read the topic from its start. What is
    then told again changes nothing.
    """
    start_all(world, without=without)
    payments, indicators = world.processes["payments"], world.processes["indicators"]
    async with playing(world, season) as play:
        await play.passed(0.6)
        play.hold()
        await play.chain.all_heard()
        records = await read_log(world, "indicators")
        await indicators.killed()
        await make_anew(world, "indicators")
        trouble = await until("payments says so", lambda: trouble_of(payments, "was made anew"))
        await say(world, records)
        for service in ("indicators", "payments"):
            await told(world, service, "reread", "--topic", "indicators")
        indicators.start((), without)
        await indicators.ready()
        await payments.ready()
        play.go_on()
        await play.over()
        trace.note(trouble=trouble)
        trace.struck(heard_again=len(records))
        await judge(play)


async def an_offset_past_the_end(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """A stored offset lies where the log does not reach: indicators says so, and hears nothing of
    any partition until it is told to read the topic from its start.
    """
    start_all(world, without=without)
    indicators = world.processes["indicators"]
    async with playing(world, season) as play:
        await play.passed(0.5)
        await indicators.killed()
        await world.ask(
            "indicators",
            "update stored_offset set next_offset = 99999 where topic = 'referrals'"
            " and partition = 0 returning 1",
        )
        indicators.start((), without)
        said = await until("it says so", lambda: trouble_of(indicators, "the stored offset is"))
        await told(world, "indicators", "reread", "--topic", "referrals")
        await indicators.ready()
        await play.over()
        trace.note(trouble=said)
        trace.struck(heard=await total(world, "done", "indicators"))
        await judge(play)


async def trouble_of(process: Process, why: str) -> str | None:
    """The command that a process gives for this reason of not being ready; None without it."""
    try:
        troubles = (await process.health()).get("troubles", [])
    except httpx.TransportError:
        return None
    return next((one["command"] for one in troubles if why in one["reason"]), None)


async def make_anew(world: World, topic: str) -> None:
    """Delete a topic and make another one of the same name."""
    name = f"{world.namespace}{topic}"
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka)
    await admin.start()
    try:
        await admin.delete_topics([name])

        async def is_made() -> bool:
            made = await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
            return not any(code for _, code, *_ in made.topic_errors)

        await until(f"{name} is made anew", is_made)
    finally:
        await admin.close()


async def told(world: World, service: str, *command: str) -> None:
    """Give a service's own command, as its trouble says it."""
    process = world.processes[service]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", f"services.{service}", *command],
        cwd=ROOT,
        env=process.environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
