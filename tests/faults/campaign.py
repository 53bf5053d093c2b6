"""A campaign: slices of many faults, each on a world of its own, under orders that keep coming.

Two verdicts. Safety: what must hold at every moment is looked at after every fault, and in the end
every answer, figure and cent is held against the oracle, and the log against the histories.
Liveness: once healed, everybody is ready and has heard everything within a bounded time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from random import Random

import msgspec

from deploy.local import databases
from deploy.local.demo.chain import NotHeardError
from deploy.local.demo.driver import OrderLostError
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.faults import catalogue
from tests.faults.catalogue import KINDS, Fault, Kind, Step
from tests.faults.checker import HEARERS, check
from tests.faults.disk import Disk
from tests.faults.field import Evidence, Field
from tests.faults.history import History
from tests.faults.judgement import judge
from tests.faults.listener import Listener
from tests.faults.play import PatientChain, Play, Wrong
from tests.faults.process import until
from tests.faults.season import PLAYS_AT, Season, many_places, unending
from tests.faults.stream import Drawn, StreamDriver
from tests.faults.told import SliceTold
from tests.faults.world import World, opened
from tests.faults.zygote import Zygote
from tests.stack_fixtures import fresh_name

PLACES = 16
DEMAND_EVERY = timedelta(seconds=20)
HEALED_WITHIN_SECONDS = 60.0
TRIES = 3  # a fault that does not bite is followed by others, up to so many times the faults

Report = Callable[[str], None]


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Of one slice: the faults that must bite, the events to drive through, orders a second, and
    within how many seconds all must be well again once healed.
    """

    faults: int
    events: int = 0
    rate: float = 150.0
    healed_within_seconds: float = HEALED_WITHIN_SECONDS


class Harm(Exception):  # noqa: N818
    """A verdict is broken; `is_liveness` tells which."""

    def __init__(self, what: str, *, is_liveness: bool) -> None:
        super().__init__(what)
        self.is_liveness = is_liveness


class Ground:
    """What slices stand on: servers that may be killed, a disk that may be full, what forks."""

    def __init__(self, stack: Stack, zygote: Zygote, disk: Disk) -> None:
        self.stack, self.zygote, self.disk = stack, zygote, disk

    @asynccontextmanager
    async def open_world(self) -> AsyncIterator[World]:
        """A world on databases of its own, dropped in the end."""
        suffix = f"_{fresh_name(self.stack, 'f')}"
        urls = databases.create_databases(self.stack.admin_url, suffix)
        try:
            await asyncio.to_thread(self.disk.take, self.stack.admin_url, urls)
            folder = self.stack.folder / f"world{suffix}"
            folder.mkdir()
            namespace = f"{suffix[1:]}-"
            async with opened(self.stack, self.zygote, namespace, urls, folder) as world:
                world.disk = self.disk.folder
                yield world
        finally:
            await asyncio.to_thread(databases.drop_databases, self.stack.admin_url, suffix)


async def run_slice(
    ground: Ground,
    told: SliceTold,
    sizes: Sizes,
    report: Report,
    kinds: Sequence[Kind] = KINDS,
    history: History | None = None,
) -> None:
    """Play one slice and judge it; `told` is filled as it goes, also when it is broken off."""
    begun = time.monotonic()
    history = history or History()
    if ground.disk.folder is None:
        told.not_possible["disk_full"] = ground.disk.why_not
        kinds = [kind for kind in kinds if kind.name != "disk_full"]
    try:
        async with (
            ground.open_world() as world,
            playing_on(world, told, sizes.rate, history) as field,
        ):
            world.patience_seconds = sizes.healed_within_seconds
            play = field.play
            try:
                await play.beside(strike_all(field, told, sizes, kinds, report))
                await conclude(field)
                told.judged = True
            finally:
                tell_numbers(field, told)
    except Harm as harm:
        told.harm, told.is_liveness = str(harm), harm.is_liveness
    except OrderLostError as lost:
        told.harm, told.is_liveness = str(lost), True
    except Wrong as wrong:
        told.harm = str(wrong)
    except Exception as error:
        told.harm = f"the campaign itself failed: {error!r}"
        raise
    finally:
        told.seconds = round(time.monotonic() - begun, 1)


@asynccontextmanager
async def playing_on(
    world: World, told: SliceTold, rate: float, history: History
) -> AsyncIterator[Field]:
    """The services up, orders coming, and somebody who hears the log."""
    places = many_places(PLACES)
    drawn = Drawn(unending(Random(told.seed), places, DEMAND_EVERY))
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(PatientChain(world))  # type: ignore[arg-type]
        processes = [world.process(service) for service in SERVICES]
        driver = StreamDriver(
            drawn, history, urls=world.urls, chain=chain, clock=world.clock, rate=rate
        )
        listener = Listener(world, history)
        field = Field(world, driver, chain, listener, history, places, told.without)
        for process in processes:
            field.start(process)
        await healed(field)
        for service in HEARERS:
            await world.watch_offsets(service)
        await stack.enter_async_context(listener)
        field.play = Play(world, Season(orders=[], ends_at=PLAYS_AT), driver, chain)
        try:
            yield field
        finally:
            field.play.task.cancel()
            await asyncio.wait([field.play.task])


async def strike_all(
    field: Field, told: SliceTold, sizes: Sizes, kinds: Sequence[Kind], report: Report
) -> None:
    """Step after step until enough faults have bitten and enough events are on the log."""

    async def has_begun() -> bool:
        return bool(field.driver.drawn) and field.driver.drawn.now > PLAYS_AT

    await until("the season has begun", has_begun)
    for step in catalogue.plan(told.seed, kinds):
        if told.faults >= sizes.faults or told.struck >= TRIES * sizes.faults:
            break
        begun = time.monotonic()
        bitten = await strike(field, told, step)
        lasted = time.monotonic() - begun
        took, ready = await healed(field)
        told.caught_up_seconds = max(told.caught_up_seconds, took)
        for fault in step:
            kind = told.kind(fault.kind.name)
            kind.caught_up_seconds = max(kind.caught_up_seconds, round(took, 2))
        await check(field)
        tell_numbers(field, told)
        field.history.note("healed", round(ready, 2), round(took, 2))
        names = " + ".join(
            f"{fault}{'' if fault in bitten else ' (did not bite)'}" for fault in step
        )
        report(f"{names}: {lasted:.1f} s, ready in {ready:.1f} s, caught up in {took:.1f} s")
    if told.faults < sizes.faults:
        raise Harm(f"of {told.struck} faults only {told.faults} bit", is_liveness=False)
    while field.listener.events < sizes.events:
        await asyncio.sleep(1)
        field.listener.check()
        tell_numbers(field, told)
        report("events alone")
    field.driver.drawn.is_closed = True


async def strike(field: Field, told: SliceTold, step: Step) -> list[Fault]:
    """Let the faults of a step strike at once; answers those that bit."""
    found = await asyncio.gather(*(_strike(field, fault) for fault in step))
    bitten = [fault for fault, evidence in zip(step, found, strict=True) if evidence]
    for fault, evidence in zip(step, found, strict=True):
        kind = told.kind(fault.kind.name)
        kind.struck += 1
        kind.bitten += bool(evidence)
        for name, count in evidence.items():
            kind.moved[name] = kind.moved.get(name, 0) + count
    told.struck += len(step)
    told.faults += len(bitten)
    told.combined += len(bitten) if len(bitten) > 1 else 0
    return bitten


async def _strike(field: Field, fault: Fault) -> Evidence:
    field.history.note("strikes", str(fault))
    try:
        evidence = await fault.kind.strike(field, fault.on, Random(fault.seed))
        field.history.note("struck", str(fault), dict(evidence))
    except Wrong as wrong:
        raise Harm(f"{fault}: {wrong}", is_liveness=False) from wrong
    except (AssertionError, NotHeardError) as error:
        raise Harm(f"{fault}: {error}", is_liveness=True) from error
    return evidence


async def healed(field: Field) -> tuple[float, float]:
    """Wait until all are ready and have heard what was said until now; the seconds it took, and
    those until they were ready.
    """
    begun = time.monotonic()
    try:
        await field.all_ready(field.world.patience_seconds)
        ready = time.monotonic() - begun
        await field.chain.all_heard(within_seconds=field.world.patience_seconds)
    except (Wrong, NotHeardError) as error:
        raise Harm(f"once healed: {error}", is_liveness=True) from error
    return time.monotonic() - begun, ready


async def conclude(field: Field) -> None:
    """The end of the orders and of every limit; then all is held against the oracle."""
    play, drawn = field.play, field.driver.drawn
    play.season = Season(orders=drawn[:], ends_at=drawn.ends_at)
    try:
        await play.over()
    except (Wrong, AssertionError) as error:
        raise Harm(f"in the end: {error}", is_liveness=True) from error
    await check(field)
    await judge(play, dead_letters=field.dead_letters)


def tell_numbers(field: Field, told: SliceTold) -> None:
    """What was driven through so far."""
    told.events, told.copies = field.listener.events, field.listener.copies
    told.orders = len(field.driver.progress.outcomes)
    told.orders_sent_again = field.driver.progress.retries
