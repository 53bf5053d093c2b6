"""One run of the demo: stack, services, season, accident, comparison, measures."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import msgspec

from contracts.topics import topic_of
from deploy.local.demo import accident, latency, orders
from deploy.local.demo.accident import Accident
from deploy.local.demo.chain import Chain
from deploy.local.demo.compare import compare
from deploy.local.demo.deaths import unless_one_dies
from deploy.local.demo.driver import BEFORE, ClockFile, Driver, Progress
from deploy.local.demo.latency import Latency
from deploy.local.demo.oracle import foresee
from deploy.local.demo.oracle_figures import outlook
from deploy.local.demo.platform import Platform
from deploy.local.demo.reader import Difference
from deploy.local.demo.story import Season
from deploy.local.demo.totals import Compared, Totals, compared, totals
from deploy.local.services import CHAIN, SERVICES

KILL_AFTER_SHARE = 0.5
TIMERS_WITHIN_SECONDS = 30
LOOK_EVERY_SECONDS = 0.05
LAST_VIEW_SECONDS = 3
DEMAND_WAITS = "select exists (select from referral where due_at is not null)"


class Run(msgspec.Struct, kw_only=True):
    """What a run found and measured."""

    differences: list[Difference]
    compared: Compared
    totals: Totals
    killed: Accident | None
    latency: Latency
    recovery_seconds: float
    play_seconds: float
    first_event_epoch_seconds: float | None


class Recovery(msgspec.Struct, kw_only=True):
    """The accident while it happens: what was killed, and when the service had caught up again.

    `away_now` is the service that is being killed and started again.
    """

    killed: Accident | None = None
    seconds: float = 0.0
    away_now: str | None = None

    @property
    def away(self) -> tuple[float, float] | None:
        """From the kill to the catch-up, in seconds since 1970."""
        if self.killed is None:
            return None
        since = self.killed.killed_at_epoch_seconds
        return since, since + self.seconds


def clock_file(stack: Platform) -> Path:
    """Where the services of this stack read the time."""
    return stack.folder / "clock"


def service_environment(stack: Platform) -> dict[str, str]:
    """What the services of the demo are told beside the stack's addresses."""
    return {"CPTS_CLOCK_FILE": str(clock_file(stack))}


def drawn_victim(seed: int) -> str:
    """The service of the chain that dies in the season of this seed."""
    return Random(seed).choice(CHAIN)


def start_services(stack: Platform, season: Season) -> None:
    """Start the five services on the season's clock; blocking."""
    ClockFile(clock_file(stack)).show(season.orders[0].at - BEFORE)
    stack.start_services(service_environment(stack))


async def play(
    stack: Platform,
    season: Season,
    orders_path: Path,
    *,
    rate: float,
    watch: Callable[[Chain, Progress, Recovery], "asyncio.Task[None]"] | None = None,
    meddle: Sequence[Callable[[Chain, Driver], "asyncio.Task[None]"]] = (),
    kill: str | None = None,
) -> Run:
    """Play a season on services that are ready, and kill the service `kill` in it if one is named.

    Whatever fails is raised; `ComponentFailed` as soon as another component dies.
    """
    recovery = Recovery()
    work = _play(stack, season, orders_path, rate, watch, meddle, kill, recovery)
    return await unless_one_dies(stack, work, lambda: recovery.away_now)


async def _play(
    stack: Platform,
    season: Season,
    orders_path: Path,
    rate: float,
    watch: Callable[[Chain, Progress, Recovery], "asyncio.Task[None]"] | None,
    meddle: Sequence[Callable[[Chain, Driver], "asyncio.Task[None]"]],
    kill: str | None,
    recovery: Recovery,
) -> Run:
    begins = time.monotonic()
    async with Chain(stack) as chain:
        driver = Driver(
            season.orders,
            urls=stack.http_urls,
            chain=chain,
            clock=ClockFile(clock_file(stack)),
            rate=rate,
            ends_at=season.ends_at,
        )
        beside = [one(chain, driver) for one in meddle]
        if kill is not None:
            beside.append(asyncio.create_task(_accident(stack, kill, chain, driver, recovery)))
        viewing = [watch(chain, driver.progress, recovery)] if watch is not None else []
        try:
            await _together(driver.run(), beside)
            await _let_timers_end(stack, chain, season)
            play_seconds = time.monotonic() - begins
            driver.progress.is_over.set()
            if viewing:
                await asyncio.wait(viewing, timeout=LAST_VIEW_SECONDS)
        finally:
            for task in (*beside, *viewing):
                task.cancel()
            await asyncio.gather(*beside, *viewing, return_exceptions=True)
        run = await _judge(stack, season, orders_path, chain, driver, recovery)
        if kill is not None:
            run.differences += _unproven(recovery)
        run.play_seconds = play_seconds
        return run


async def _together(main: Coroutine[Any, Any, None], beside: list["asyncio.Task[None]"]) -> None:
    """Run `main`; a failure of what goes beside it ends it too."""
    task = asyncio.create_task(main)
    try:
        await asyncio.wait([task, *beside], return_when=asyncio.FIRST_EXCEPTION)
        for one in beside:
            if one.done():
                one.result()
        await task
        await asyncio.gather(*beside)
    finally:
        task.cancel()


async def _accident(
    stack: Platform, service: str, chain: Chain, driver: Driver, recovery: Recovery
) -> None:
    """Half way, kill a service, start it again, and time its return."""
    await driver.passed(KILL_AFTER_SHARE)
    given_up = Event()
    recovery.away_now = service
    try:
        recovery.killed = await asyncio.to_thread(
            accident.kill_in_transaction, stack, service, given_up
        )
    finally:
        given_up.set()
    if recovery.killed is not None:
        await asyncio.to_thread(stack.start_service, service, service_environment(stack))
    recovery.away_now = None
    if recovery.killed is None:
        return
    producers = [
        name for name in SERVICES if name == service or service in topic_of(name).consumers
    ]
    await chain.heard(producers)
    recovery.seconds = time.time() - recovery.killed.killed_at_epoch_seconds


async def _let_timers_end(stack: Platform, chain: Chain, season: Season) -> None:
    """At the end of the season nothing waits any more, and everybody has heard of it."""
    ClockFile(clock_file(stack)).show(season.ends_at)
    await chain.all_heard()
    limit = time.monotonic() + TIMERS_WITHIN_SECONDS
    while time.monotonic() < limit and await _something_waits(chain, season.ends_at):
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    await chain.all_heard()


async def _something_waits(chain: Chain, instant: datetime) -> bool:
    """Whether a timer has still to say a demand's limit, a sum that has fallen due, a deadline."""
    waits = await chain.databases["referrals"].fetchval(DEMAND_WAITS)
    return bool(waits or await chain.unsaid(instant))


async def _judge(
    stack: Platform,
    season: Season,
    orders_path: Path,
    chain: Chain,
    driver: Driver,
    recovery: Recovery,
) -> Run:
    """Compare with what the oracle reads from the recorded orders, and measure."""
    recorded = orders.read(orders_path)
    oracle = foresee(recorded, season.ends_at)
    found = outlook(oracle)
    differences = await compare(stack.http_urls, recorded, driver.progress.outcomes, oracle, found)
    first = await latency.first_event_at(chain)
    return Run(
        differences=differences,
        compared=compared(oracle, found),
        totals=await totals(stack.http_urls, chain),
        killed=recovery.killed,
        latency=await latency.measure(chain, recovery.away),
        recovery_seconds=round(recovery.seconds, 2),
        play_seconds=0.0,
        first_event_epoch_seconds=first.timestamp() if first else None,
    )


def _unproven(recovery: Recovery) -> list[Difference]:
    """A run without the accident proves less than it says."""
    if recovery.killed is not None and recovery.killed.transactions_rolled_back:
        return []
    return [
        Difference(
            what="panne",
            where="transaction ouverte",
            expected="au moins une transaction annulée",
            found=msgspec.to_builtins(recovery.killed),
        )
    ]
