"""A world of its own for each fault: fresh databases and topics, the services as real processes or
in this one, the season played on them, and the judgement at the end.
"""

import asyncio
import itertools
import signal
import sys
import time
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import msgspec
import psutil
from aiokafka.errors import KafkaError

from deploy.local import ports, processes
from deploy.local import services as service_processes
from deploy.local.demo.chain import Chain, NotHeardError, admin_url_of
from deploy.local.demo.driver import BEFORE, ClockFile, Driver
from deploy.local.demo.orders import Order
from deploy.local.services import ROOT, SERVICES
from deploy.local.stack import Stack
from services.indicators.app import SERVICE as INDICATORS
from services.membership.app import SERVICE as MEMBERSHIP
from services.messaging.clock import FileClock
from services.messaging.process import Running, Service, running
from services.messaging.settings import Limits, Settings
from services.payments.app import SERVICE as PAYMENTS
from services.referrals.app import SERVICE as REFERRALS
from tests.faults.launcher import Stop, Stopped
from tests.faults.season import Season

if TYPE_CHECKING:
    from deploy.local.processes import RecordedProcess

DECLARED: Mapping[str, Service] = {
    one.name: one for one in (MEMBERSHIP, REFERRALS, INDICATORS, PAYMENTS)
}
PARTITIONS = 3
# Small batches make many of them, and short limits make short tests.
LIMITS = Limits(
    batch_records=20,
    partition_records=8,
    relay_rows_per_partition=20,
    lease_seconds=2,
    idle_in_transaction_ms=1_500,
    wait_seconds_max=1,
)
WITHIN_SECONDS = 40.0
RATE = 40.0


class Wrong(AssertionError):  # noqa: N818
    """At the end something is lost, twice, or not what was foreseen."""


async def until(
    what: str, holds: Callable[[], Awaitable[Any]], limit: float = WITHIN_SECONDS
) -> Any:
    """Wait until it holds, and answer what it said; AssertionError after the limit."""
    end = time.monotonic() + limit
    while not (found := await holds()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        await asyncio.sleep(0.02)
    return found


class PatientChain(Chain):
    """The chain, looked at while the database or the broker may be away."""

    async def heard(self, producers: Iterable[str], *, within_seconds: float = 60) -> None:
        limit = time.monotonic() + within_seconds
        asked = list(producers)
        while True:
            try:
                await super().heard(asked, within_seconds=limit - time.monotonic())
            except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError) as error:
                if time.monotonic() > limit:
                    raise NotHeardError(repr(error)) from error
                await asyncio.sleep(0.05)
            else:
                return


class InTurn:
    """A client that gives each order to the next of several processes of one service."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._clients = [httpx.AsyncClient(base_url=url, timeout=30) for url in urls]
        self._next = itertools.cycle(self._clients)

    def only(self, place: int) -> None:
        """From now on one of them gets all."""
        self._next = itertools.cycle([self._clients[place]])

    async def request(self, *said: Any, **more: Any) -> httpx.Response:
        return await next(self._next).request(*said, **more)

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


class Process:
    """One process of a service, started by the launcher."""

    def __init__(self, world: "World", service: str, name: str) -> None:
        self.world, self.service, self.name = world, service, name
        self.port = ports.free_port(world.ports)
        world.ports.add(self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.stops = world.folder / f"{name}.stops"
        self.log = world.folder / f"{name}.log"
        self.record: RecordedProcess | None = None

    def start(
        self,
        stops: Iterable[Stop] = (),
        without: Iterable[str] = (),
        limits: Limits = LIMITS,
    ) -> "Process":
        command = [sys.executable, "-m", "tests.faults.launcher", self.service]
        command += ["--limits", msgspec.json.encode(limits).decode(), "--stops", str(self.stops)]
        for stop in stops:
            command += ["--stop-at", str(stop)]
        for guard in without:
            command += ["--without", guard]
        self.stops.unlink(missing_ok=True)
        environment = self.world.stack.service_environment(self.service) | {
            "DATABASE_URL": self.world.database_urls[self.service],
            "HTTP_PORT": str(self.port),
            "CPTS_MEMBER": self.name,
            "CPTS_NAMESPACE": self.world.namespace,
            "CPTS_PARTITIONS": str(PARTITIONS),
            "CPTS_CLOCK_FILE": str(self.world.clock.path),
        }
        self.record = processes.start(command, log=self.log, environment=environment, folder=ROOT)
        return self

    async def is_ready(self) -> bool:
        return (await asyncio.to_thread(service_processes.readiness, self.url))[0]

    async def ready(self) -> "Process":
        async def answers() -> bool:
            if self.has_ended:
                raise AssertionError(f"{self.name} ended:\n" + "\n".join(self.last_lines()))
            return await self.is_ready()

        await until(f"{self.name} is ready", answers)
        return self

    def last_lines(self) -> list[str]:
        return processes.last_lines(self.log, 30)

    def send(self, by: signal.Signals) -> None:
        assert self.record is not None
        found = self.record.find()
        assert found is not None, f"{self.name} has ended"
        found.send_signal(by)

    @property
    def is_stopped(self) -> bool:
        found = self.record.find() if self.record else None
        return found is not None and found.status() == psutil.STATUS_STOPPED

    @property
    def has_ended(self) -> bool:
        return self.record is None or processes.has_ended(self.record)

    async def killed(self) -> None:
        """SIGKILL, and the end of it."""
        if self.record is not None:
            await asyncio.to_thread(processes.stop, self.record, by=signal.SIGKILL)

    def stopped(self) -> list[Stopped]:
        """The stops that came since the start, the first one first."""
        if not self.stops.exists():
            return []
        return msgspec.json.Decoder(Stopped).decode_lines(self.stops.read_bytes())

    async def health(self) -> Any:
        """What the process says of itself."""
        async with httpx.AsyncClient(timeout=10) as client:
            return (await client.get(f"{self.url}/health/ready")).json()

    async def counters(self) -> Counter[str]:
        return Counter((await self.health())["counters"])


class World:
    """Fresh databases and topics, a clock, and the services on them. `urls` are whom to ask."""

    def __init__(
        self, stack: Stack, namespace: str, database_urls: Mapping[str, str], folder: Path
    ) -> None:
        self.stack, self.namespace, self.folder = stack, namespace, folder
        self.database_urls = database_urls
        self.kafka, self.admin_url = stack.kafka, stack.admin_url
        self.clock = ClockFile(folder / "clock")
        self.ports: set[int] = {stack.port(name) for name in SERVICES}
        self.urls: dict[str, str] = {}
        self.processes: dict[str, Process] = {}
        self.runs: dict[str, Running] = {}

    def settings(self, service: str, **changes: Any) -> Settings:
        given: dict[str, Any] = {"limits": LIMITS, "partitions": PARTITIONS} | changes
        return Settings(
            service=service,
            database_url=self.database_urls[service],
            kafka=self.kafka,
            namespace=self.namespace,
            **given,
        )

    def process(self, service: str, name: str | None = None) -> Process:
        """A process of a service, yet to be started; the first one is whom orders go to."""
        process = Process(self, service, name or service)
        self.processes[process.name] = process
        self.urls.setdefault(service, process.url)
        return process

    async def run(self, service: str, stack: AsyncExitStack, **changes: Any) -> Running:
        """A service in this process, until the stack ends."""
        clock = FileClock(self.clock.path)
        run = await stack.enter_async_context(
            running(DECLARED[service], self.settings(service, **changes), clock)
        )
        self.runs.setdefault(service, run)
        self.urls.setdefault(service, run.address)
        return run

    async def database(self, service: str) -> asyncpg.Connection:
        """A session of the administrator's in a service's database."""
        return await asyncpg.connect(admin_url_of(self, service))  # type: ignore[arg-type]

    async def ask(self, service: str, query: str, *arguments: Any) -> Any:
        """The one value that a query answers."""
        connection = await self.database(service)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def end(self) -> None:
        for process in self.processes.values():
            await process.killed()

    @asynccontextmanager
    async def chain(self) -> AsyncIterator[Chain]:
        async with PatientChain(self) as chain:  # type: ignore[arg-type]
            yield chain

    @asynccontextmanager
    async def playing(
        self, season: Season, *, rate: float = RATE, in_turn: Mapping[str, InTurn] | None = None
    ) -> AsyncIterator["Play"]:
        """Play the season beside the block, which must be over when the block ends."""
        async with self.chain() as chain:
            driver = HeldDriver(
                season.orders,
                urls=self.urls,
                chain=chain,
                clock=self.clock,
                rate=rate,
                ends_at=season.ends_at,
            )
            for service, client in (in_turn or {}).items():
                driver._clients[service] = client  # type: ignore[assignment]
            play = Play(self, season, driver, chain)
            try:
                yield play
            finally:
                play.task.cancel()
                await asyncio.wait([play.task])


class HeldDriver(Driver):
    """A driver that sends nothing more while it is held; what was sent is answered."""

    def __init__(self, orders: Sequence[Order], **more: Any) -> None:
        super().__init__(orders, **more)
        self.is_free = asyncio.Event()
        self.is_free.set()

    async def _in_lane(self, order: Order, before: asyncio.Task[None] | None) -> None:
        await self.is_free.wait()
        await super()._in_lane(order, before)


class Play:
    """A season under way."""

    def __init__(self, world: World, season: Season, driver: HeldDriver, chain: Chain) -> None:
        self.world, self.season, self.driver, self.chain = world, season, driver, chain
        self.task = asyncio.create_task(driver.run())

    def hold(self) -> None:
        """Let no further order leave."""
        self.driver.is_free.clear()

    def go_on(self) -> None:
        """Let orders leave again."""
        self.driver.is_free.set()

    async def passed(self, share: float) -> None:
        """Wait until this share of the orders is answered; a failure of the play is raised."""
        waiting = asyncio.create_task(self.driver.passed(share))
        await asyncio.wait([self.task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            self.task.result()
        else:
            await waiting
        waiting.cancel()

    async def beside(self, fault: Coroutine[Any, Any, None]) -> None:
        """What a fault does, to its end; a failure of the play ends it."""
        task = asyncio.create_task(fault)
        try:
            await asyncio.wait([task, self.task], return_when=asyncio.FIRST_EXCEPTION)
            if not task.done():
                self.task.result()
            await task
        finally:
            task.cancel()

    async def over(self, *, within_seconds: float = WITHIN_SECONDS) -> None:
        """All orders answered, all limits passed, everything heard. `Wrong` if it never is."""
        await self.task
        self.world.clock.show(self.season.ends_at)
        try:
            await until("no demand is due any more", self._nothing_is_due, within_seconds)
            await self.chain.all_heard(within_seconds=within_seconds)
        except NotHeardError as error:
            raise Wrong(f"lost on the way: {error}") from error

    async def _nothing_is_due(self) -> bool:
        due = "select exists (select from referral where due_at is not null)"
        try:
            return not await self.chain.databases["referrals"].fetchval(due)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False


def first_instant(season: Season) -> Any:
    """Just before the season's first order."""
    return season.orders[0].at - BEFORE


@asynccontextmanager
async def opened(
    stack: Stack, season: Season, namespace: str, database_urls: Mapping[str, str], folder: Path
) -> AsyncIterator[World]:
    """A world on empty databases, its clock before the season; nothing runs in it yet."""
    world = World(stack, namespace, database_urls, folder)
    world.clock.show(first_instant(season))
    try:
        yield world
    finally:
        await world.end()
