"""What a fault strikes: the services at work on orders that keep coming, and all that is known."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from deploy.local.demo.orders import Draft
from tests.faults.history import History
from tests.faults.launcher import Stop, Stopped
from tests.faults.listener import Listener
from tests.faults.play import PatientChain, Play, Wrong
from tests.faults.process import LIMITS, Process, until
from tests.faults.season import Place
from tests.faults.stream import StreamDriver
from tests.faults.world import World

# More than a test's: batches that hold what copies need beside each other.
CAMPAIGN = replace(LIMITS, batch_records=200, partition_records=100, relay_rows_per_partition=100)
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, httpx.HTTPError, OSError)
STOP_COMES_WITHIN_SECONDS = 8.0
Evidence = Counter[str]
"""What a fault moved, by what it is called; nothing when it did not bite."""


class Field:
    """The world under way, as a fault finds it.

    `dead_letters` are those that each service must have in the end, by service.
    """

    def __init__(
        self,
        world: World,
        driver: StreamDriver,
        chain: PatientChain,
        listener: Listener,
        history: History,
        places: Sequence[Place],
        without: Sequence[str] = (),
    ) -> None:
        self.world, self.driver, self.chain, self.listener = world, driver, chain, listener
        self.places, self.without = places, tuple(without)
        self.dead_letters: Counter[str] = Counter()
        self.play: Play  # as soon as orders come
        self.history = history
        self._names = 0

    def new_name(self, what: str) -> str:
        """A name that nothing else in this world has."""
        self._names += 1
        return f"{what}-{self._names}"

    def start(self, process: Process, stops: Sequence[Stop] = ()) -> Process:
        """Start a process as the campaign runs them."""
        return process.start(stops, self.without, CAMPAIGN)

    async def ask(self, service: str, query: str, *arguments: Any) -> Any:
        """The one value that a query answers, waited for while the database is away."""

        async def asked() -> tuple[Any] | None:
            try:
                return (await self.chain.databases[service].fetchval(query, *arguments),)
            except AWAY:
                return None

        (value,) = await until(f"{service} answers", asked)
        return value

    async def counters(self, *services: str) -> Counter[str]:
        """The counters of the processes that answer, of some services or of all."""
        found: Counter[str] = Counter()
        for process in list(self.world.processes.values()):
            if services and process.service not in services:
                continue
            try:
                async with asyncio.timeout(3):
                    found += await process.counters()
            except (*AWAY, KeyError):
                continue
        return found

    async def stop_at(self, process: Process, stop: Stop) -> Stopped | None:
        """Arm a stop and wait for it; None when nothing came to that point in time."""
        process.arm([stop])

        async def told() -> Stopped | None:
            return next(iter(process.stopped()), None)

        try:
            found: Stopped = await until("a stop", told, STOP_COMES_WITHIN_SECONDS)
        except AssertionError:
            process.arm([])
            # What came in the very last moment came.
            return next(iter(process.stopped()), None)
        return found

    async def carried_out(self, drafts: list[Draft]) -> list[str]:
        """Put orders between the others, and wait for their outcomes."""
        self.driver.drawn.put_in(drafts)

        async def are_answered() -> bool:
            return all(draft.key in self.driver.answered for draft in drafts)

        await until("what was put in is answered", are_answered)
        return [self.driver.answered[draft.key] for draft in drafts]

    async def all_ready(self, within_seconds: float) -> None:
        """Every process is started and ready. `Wrong` when one is not in time."""
        for process in list(self.world.processes.values()):
            if process.has_ended:
                raise Wrong(f"{process.name} has ended by itself: {process.last_lines()[-3:]}")
            try:
                await until(f"{process.name} is ready", process.is_ready, within_seconds)
            except AssertionError as error:
                said = await self._health_of(process)
                raise Wrong(f"{error}: {said}") from error

    async def _health_of(self, process: Process) -> object:
        try:
            return (await process.health()).get("troubles")
        except AWAY as error:
            return repr(error)


async def comes_true(holds: Callable[[], Awaitable[Any]], within_seconds: float) -> Any:
    """What it said once it held; what it said last when it does not in time."""
    try:
        return await until("it holds", holds, within_seconds)
    except AssertionError:
        return await holds()


def pause(random: Random, least: float, most: float) -> Awaitable[None]:
    """So many seconds, drawn; what a fault lasts is part of the fault."""
    return asyncio.sleep(random.uniform(least, most))


HOURS = timedelta(hours=1)
