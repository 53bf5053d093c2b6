"""Kafka, PostgreSQL, the disk and the network between them and the services."""

import asyncio
import os
import signal
from collections import Counter
from random import Random

from deploy.local import processes
from deploy.local.services import CHAIN
from deploy.local.stack import Stack
from tests.faults.field import Evidence, Field, comes_true, pause
from tests.faults.kinds.dying import gained
from tests.faults.proxy import Link

UNSENT = "select count(*) from outbox where sent_at is null"


def crash(stack: Stack, component: str, by: signal.Signals) -> None:
    """End a component as an accident does."""
    process = stack.process(component)
    assert process is not None, f"{component} does not run"
    processes.stop(process, by=by)


async def postgresql_stops_hard(field: Field, _on: str, random: Random) -> Evidence:
    """PostgreSQL ends at once in the middle of everything, and recovers."""
    stack, before = field.world.stack, await field.counters()
    retries = field.driver.progress.retries
    await pause(random, 0, 0.5)
    await asyncio.to_thread(crash, stack, "postgres", signal.SIGQUIT)
    await pause(random, 0, 1)
    await asyncio.to_thread(stack._start_postgres)
    evidence = await gained(field, before)
    evidence["orders_sent_again"] = field.driver.progress.retries - retries
    return +evidence


async def kafka_is_killed(field: Field, _on: str, random: Random) -> Evidence:
    """Kafka dies; what is said meanwhile waits in the outboxes, and leaves when it is back."""
    stack, before = field.world.stack, await field.counters()
    await pause(random, 0, 0.5)
    await asyncio.to_thread(crash, stack, "kafka", signal.SIGKILL)

    async def waits() -> int:
        return sum([await field.ask(service, UNSENT) for service in CHAIN])

    try:
        waiting = await comes_true(waits, 3)
        await pause(random, 0, 1)
    finally:
        await asyncio.to_thread(stack._start_kafka)
    return +Counter({"events_kept_back": waiting}) + await gained(field, before)


# -- the network


def _link(field: Field, on: str, random: Random) -> tuple[str, Link]:
    """One of the links of a service: to its database, to the log, or from who orders."""
    process = field.world.processes[on]
    links = {"postgres": process.to_postgres, "kafka": process.to_kafka}
    if on in ("membership", "referrals", "payments"):
        links["callers"] = field.world.fronts[on]
    name = random.choice(list(links))
    return name, links[name]


async def link_cut(field: Field, on: str, random: Random) -> Evidence:
    """All connections of a link are cut, again and again, and none comes about for a while."""
    name, link = _link(field, on, random)
    refused, cut = link.counts["refused"], 0
    try:
        for _ in range(random.randint(1, 3)):
            cut += link.cut()
            await pause(random, 0.1, 1)
            link.mend()
            await pause(random, 0.05, 0.4)
    finally:
        link.mend()
    found = {f"cut_{name}": cut, "refused": link.counts["refused"] - refused}
    return +Counter(found) if cut else Counter()


async def link_held(field: Field, on: str, random: Random) -> Evidence:
    """Nothing goes through a link for a while, and neither end is told."""
    name, link = _link(field, on, random)
    before, retries = await field.counters(on), field.driver.progress.retries
    held = link.hold()
    try:
        await pause(random, 1, 5)
    finally:
        link.mend()
    evidence = Counter({f"held_{name}": held}) + await _told_of(field, before, on)
    evidence["orders_sent_again"] = field.driver.progress.retries - retries
    return +evidence if held else Counter()


async def _told_of(field: Field, before: Counter[str], on: str) -> Evidence:
    """The counters that moved, asked once: a link that was held need not have hurt."""
    now = await field.counters(on)
    names = ("rolled_back", "redelivered", "leases_lost", "relay_failures")
    return Counter({name: now[name] - before[name] for name in names if now[name] > before[name]})


async def link_slow(field: Field, on: str, random: Random) -> Evidence:
    """What goes through a link takes its time."""
    name, link = _link(field, on, random)
    delayed = link.counts["delayed"]
    link.slow(random.uniform(0.02, 0.3))
    try:
        await pause(random, 1, 3)
    finally:
        link.mend()
    return +Counter({f"delayed_{name}": link.counts["delayed"] - delayed})


# -- the disk


async def disk_full(field: Field, _on: str, random: Random) -> Evidence:
    """The disk that holds the databases is full: tables cannot grow, until there is room again."""
    disk = field.world.disk
    if disk is None:
        return Counter()
    before, retries = await field.counters(), field.driver.progress.retries
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    with ballast.open("wb") as file:
        try:
            # A little is left at first: the last blocks go to whoever asks.
            os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - 65_536))
            await pause(random, 1.5, 3.5)
        finally:
            ballast.unlink()
    evidence = await gained(field, before)
    evidence["orders_sent_again"] = field.driver.progress.retries - retries
    return +evidence
