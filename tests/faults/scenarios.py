"""Faults that strike while a season is played, each with the guards that it is given without.

A scenario plays, strikes, heals and judges: it raises `Wrong` when anything is lost, twice, or not
as foreseen, and leaves in its trace what shows that it struck.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from msgspec.structs import replace

from deploy.local import processes
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from services.messaging.settings import Limits
from tests.faults import stops
from tests.faults.judgement import judge, repeated_in_log
from tests.faults.launcher import Stop, Stopped
from tests.faults.play import RATE, InTurn, Play, Wrong, playing
from tests.faults.process import LIMITS, Process, until
from tests.faults.season import Season
from tests.faults.tracing import Trace
from tests.faults.world import World

Scenario = Callable[..., Awaitable[None]]  # of a world, a season, a trace, `without` guards

STATUS = "select pg_xact_status($1::text::xid8)"
OUTBOX_IS_EMPTY = "select not exists (select from outbox where sent_at is null)"
LEASE_IS_OUT = "select expires_at < clock_timestamp() from relay_lease"


def start_all(
    world: World,
    *,
    without: Iterable[str] = (),
    stopping: Mapping[str, Stop] | None = None,
    other_than: Iterable[str] = (),
    limits: Limits = LIMITS,
) -> None:
    """Start one process of each service, but of those that the scenario starts itself."""
    for service in SERVICES:
        if service not in other_than:
            stop = (stopping or {}).get(service)
            world.process(service).start([stop] if stop else (), without, limits)


async def stopped(process: Process) -> Stopped:
    """The stop that a process was told to come to."""

    async def told() -> Stopped | None:
        return next(iter(process.stopped()), None)

    found: Stopped = await until(f"{process.name} has stopped", told)
    return found


async def stopped_in_play(play: Play, process: Process) -> Stopped | None:
    """The same; None when the process was given nothing to hear until the season was over."""

    async def is_told() -> bool:
        return bool(process.stopped()) or play.task.done()

    await until(f"{process.name} has stopped, or the season is over", is_told)
    return next(iter(process.stopped()), None)


async def rolled_back(world: World, service: str, told: Stopped) -> int:
    """1 once the transaction in which a process stopped is known to be aborted."""

    async def is_aborted() -> bool:
        return bool(await world.ask(service, STATUS, told.xid) == "aborted")

    await until(f"{told} is rolled back", is_aborted)
    return 1


async def total(world: World, counter: str, service: str | None = None) -> int:
    """The sum of a counter over the processes that run, of one service or of all."""
    counters = [
        await process.counters()
        for process in world.processes.values()
        if not process.has_ended and service in {None, process.service}
    ]
    return sum(one[counter] for one in counters)


async def postgresql_stops_hard(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """PostgreSQL ends at once while a batch is in an open transaction, and comes back."""
    stop = Stop(point=stops.ANNOUNCE, hit=6, signal="SIGSTOP")
    start_all(world, without=without, stopping={"indicators": stop})
    victim = world.processes["indicators"]
    async with playing(world, season) as play:
        await stopped(victim)
        crash(world.stack, "postgres", signal.SIGQUIT)
        victim.send(signal.SIGCONT)
        await asyncio.to_thread(world.stack._start_postgres)
        await play.over()
        for counter in ("rolled_back", "redelivered"):
            trace.struck(**{counter: await total(world, counter, "indicators")})
        trace.note(retries=play.driver.progress.retries)
        if gaps := await total(world, "gaps", "indicators"):
            raise Wrong(f"indicators went on {gaps} times further than it stood")
        await judge(play)


async def kafka_is_killed(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """Kafka dies after it took events that the outbox does not know to be sent, and comes back."""
    stop = Stop(point=stops.SENT, hit=6, signal="SIGSTOP")
    start_all(world, without=without, stopping={"referrals": stop})
    victim = world.processes["referrals"]
    async with playing(world, season) as play:
        await stopped(victim)
        crash(world.stack, "kafka", signal.SIGKILL)
        await until("its lease has run out", lambda: world.ask("referrals", LEASE_IS_OUT))
        victim.send(signal.SIGCONT)
        waiting = "select count(*) from outbox where sent_at is null"
        await until("events wait", lambda: world.ask("referrals", waiting))
        await asyncio.to_thread(world.stack._start_kafka)
        await play.over()
        trace.struck(repeated_in_log=await judge(play))


def crash(stack: Stack, component: str, by: signal.Signals) -> None:
    """End a component as an accident does."""
    process = stack.process(component)
    assert process is not None, f"{component} does not run"
    processes.stop(process, by=by)


async def killed_after_sending(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """A relay dies when the log has its events and the outbox does not know it."""
    stop = Stop(point=stops.SENT, hit=6, signal="SIGKILL")
    start_all(world, without=without, stopping={"referrals": stop})
    victim = world.processes["referrals"]
    async with playing(world, season) as play:
        await stopped(victim)
        unmarked = await world.ask("referrals", "select count(*) from outbox where sent_at is null")
        victim.start((), without)
        await play.over()
        trace.note(unmarked=unmarked, repeated_in_log=await judge(play))
        trace.struck(unmarked=unmarked)


async def two_relays(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """Two processes of a service; the one whose relay sends is stopped, and the other goes on."""
    holder, other = (world.process("referrals", f"referrals-{number}") for number in (1, 2))
    holder.start([Stop(point=stops.SENT, hit=12, signal="SIGSTOP")], without)
    start_all(world, without=without, other_than=["referrals"])
    await holder.ready()
    if "lease" not in without:
        await until("the first relay holds the lease", partial(_is_leased, world))
    await other.start((), without).ready()
    turns = InTurn([holder.url, other.url])
    async with playing(world, season, in_turn={"referrals": turns}) as play:
        is_stopped = bool(await stopped_in_play(play, holder))
        if said_twice := await repeated_in_log(world, "referrals"):
            raise Wrong(f"two relays sent {said_twice} events twice")
        assert is_stopped, "the first relay sent too seldom to be stopped"
        turns.only(1)
        before = (await other.counters())["relayed"]

        async def goes_on() -> bool:
            return bool((await other.counters())["relayed"] > before)

        await until("the other relay goes on", goes_on)
        holder.send(signal.SIGCONT)
        await play.over()
        trace.struck(
            relayed_by_the_other=(await other.counters())["relayed"],
            leases_lost=(await holder.counters())["leases_lost"],
        )
        trace.note(repeated_in_log=await judge(play))


async def _is_leased(world: World) -> bool:
    return bool(await world.ask("referrals", "select exists (select from relay_lease)"))


async def a_zombie_wakes(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """A process is stopped before its batch's fence for longer than its session lasts; another one
    hears its partitions meanwhile; then it goes on as if nothing had been.
    """
    limits = replace(LIMITS, idle_in_transaction_ms=60_000)
    zombie = world.process("indicators", "indicators-1")
    hit = 6
    zombie.start([Stop(point=stops.BEFORE_FENCE, hit=hit, signal="SIGSTOP")], without, limits)
    start_all(world, without=without, other_than=["indicators"])
    for process in list(world.processes.values()):
        await process.ready()
    async with playing(world, season) as play:
        await stopped(zombie)
        heir = await world.process("indicators", "indicators-2").start((), without).ready()
        await world.watch_offsets("indicators")
        world.urls["indicators"] = heir.url
        await play.over()
        zombie.send(signal.SIGCONT)

        async def batch_ended() -> bool:
            counters = await zombie.counters()
            return counters["fenced"] > 0 or counters["batches"] >= hit

        await until("the zombie's batch has ended", batch_ended)
        trace.note(fenced=(await zombie.counters())["fenced"])
        await judge(play)
        trace.struck(fenced=(await zombie.counters())["fenced"])


async def a_storm_of_rebalances(
    world: World, season: Season, trace: Trace, without: Iterable[str] = ()
) -> None:
    """Members of a group join, die in open transactions, leave and come back, one after the other,
    while they are given events to hear.
    """
    start_all(world, without=without, other_than=["indicators"])
    steady = await world.process("indicators").start((), without).ready()
    undone = 0
    async with playing(world, season, rate=RATE / 2) as play:
        for turn in range(2):
            stop = Stop(point=stops.FENCE, hit=1, signal="SIGKILL")
            play.hold()  # so that there is still something to hear once they are members
            dying = world.process("indicators", f"indicators-dying-{turn}").start([stop], without)
            leaving = world.process("indicators", f"indicators-leaving-{turn}").start((), without)
            await until("both are up", partial(_are_up, dying, leaving))
            play.go_on()
            if told := await stopped_in_play(play, dying):
                undone += await rolled_back(world, "indicators", told)
            else:
                await dying.killed()
            leaving.send(signal.SIGTERM)
        await play.over()
        assert not steady.has_ended
        trace.struck(rolled_back=undone)
        trace.note(fenced=await total(world, "fenced", "indicators"))
        await judge(play)


async def _are_up(dying: Process, leaving: Process) -> bool:
    return (bool(dying.stopped()) or await dying.is_ready()) and await leaving.is_ready()
