"""Processes that die or stand still, at a named point or at any moment."""

import asyncio
import signal
from collections import Counter
from functools import partial
from random import Random

from tests.faults import stops
from tests.faults.field import Evidence, Field, comes_true, pause
from tests.faults.launcher import Stop, Stopped
from tests.faults.process import Process, until

STATUS = "select pg_xact_status($1::text::xid8)"
IS_GONE = "select not exists (select from pg_stat_activity where pid = $1)"
LEASE_IS_OUT = "select coalesce(bool_or(expires_at < clock_timestamp()), true) from relay_lease"
HITS_MAX = 3
DIES_WITHIN_SECONDS = 10.0
SPEAKING = (stops.ANNOUNCE, stops.BEFORE_COMMIT, stops.AFTER_COMMIT, stops.SENT)
POINTS = {
    "membership": SPEAKING,
    "referrals": (stops.FENCE, *SPEAKING),
    "indicators": (stops.BEFORE_FENCE, stops.FENCE, *SPEAKING),
    "payments": (stops.BEFORE_FENCE, stops.FENCE, *SPEAKING),
    "gateway": (stops.BEFORE_FENCE, stops.FENCE, stops.BEFORE_COMMIT, stops.AFTER_COMMIT),
}


def _drawn(service: str, random: Random, by: signal.Signals) -> Stop:
    point = random.choice(POINTS[service])
    return Stop(point=point, hit=random.randint(1, HITS_MAX), signal=by.name)


async def killed_at_a_point(field: Field, on: str, random: Random) -> Evidence:
    """SIGKILL between two steps of messaging; a new process takes over."""
    process = field.world.processes[on]
    told = await field.stop_at(process, _drawn(on, random, signal.SIGKILL))
    if told is None:
        return Counter()
    await until(f"{on} has died", partial(_has_ended, process), DIES_WITHIN_SECONDS)
    evidence = Counter({"died": 1}) + await _came_of(field, on, told)
    field.start(process)
    return evidence


async def frozen_at_a_point(field: Field, on: str, random: Random) -> Evidence:
    """SIGSTOP there, until the database has given up on the process; then it goes on."""
    process = field.world.processes[on]
    before = await field.counters(on)
    told = await field.stop_at(process, _drawn(on, random, signal.SIGSTOP))
    if told is None:
        return Counter()
    try:
        if told.backend is not None and told.stop.point in (*stops.OPEN_POINTS, stops.BEFORE_FENCE):
            await until("its session is gone", lambda: field.ask(on, IS_GONE, told.backend))
        else:
            await until("its lease is out", lambda: field.ask(on, LEASE_IS_OUT))
        evidence = await _came_of(field, on, told)
    finally:
        process.send(signal.SIGCONT)
    return evidence + await gained(field, before, on)


async def killed(field: Field, on: str, random: Random) -> Evidence:
    """SIGKILL at any moment."""
    process = field.world.processes[on]
    await pause(random, 0, 1)
    await process.killed()
    field.start(process)
    return Counter({"died": 1})


async def frozen(field: Field, on: str, random: Random) -> Evidence:
    """SIGSTOP at any moment, for longer than its lease."""
    process = field.world.processes[on]
    before = await field.counters(on)
    await pause(random, 0, 0.5)
    process.send(signal.SIGSTOP)
    try:
        await pause(random, 2.2, 4)
    finally:
        process.send(signal.SIGCONT)
    return await gained(field, before, on)


async def stopped_softly(field: Field, on: str, random: Random) -> Evidence:
    """SIGTERM under load, as a deployment does; the next one starts when it has ended."""
    process = field.world.processes[on]
    await pause(random, 0, 0.5)
    process.send(signal.SIGTERM)
    await until(f"{on} has ended", partial(_has_ended, process), 30)
    field.start(process)
    return Counter({"ended": 1})


async def _has_ended(process: Process) -> bool:
    return process.has_ended


async def _came_of(field: Field, service: str, told: Stopped) -> Evidence:
    """What the database says of the transaction in which a process stopped."""
    if told.xid is None:
        return Counter()

    async def is_known() -> str | None:
        status = await field.ask(service, STATUS, told.xid)
        return None if status == "in progress" else str(status)

    return Counter({await until(f"{told} is known", is_known): 1})


MOVED = ("rolled_back", "redelivered", "leases_lost", "relay_failures", "fenced", "timer_failures")


async def gained(
    field: Field, before: Counter[str], *services: str, names: tuple[str, ...] = MOVED
) -> Evidence:
    """What has been added to counters since, waited for: the first of them tells."""

    async def more() -> Evidence:
        now = await field.counters(*services)
        return Counter(
            {name: now[name] - before[name] for name in names if now[name] > before[name]}
        )

    await asyncio.sleep(0.05)
    found: Evidence = await comes_true(more, 5)
    return found
