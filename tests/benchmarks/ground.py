"""A ground of its own for each run: topics and databases that nothing else uses, and processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import psutil
import psycopg
from psycopg import sql

from contracts.topics import TOPICS, Topic
from deploy.local import databases, ports, processes
from deploy.local import services as service_processes
from deploy.local.processes import RecordedProcess
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from services.messaging.database import Connection, session_settings
from services.messaging.declared import Service
from services.messaging.log import LogTopic, ensure_topics, open_admin
from services.messaging.settings import Settings
from services.messaging.unit import Desk, Mode
from tests.benchmarks.measuring import PARTITIONS
from tests.desks import Silent
from tests.stack_fixtures import fresh_name

LIMIT_SECONDS = 300.0
NOBODY = UUID(int=0)
HOLD_RELAY = "insert into relay_lease (id, holder, expires_at) values (1, $1, 'infinity')"


class BenchFailed(Exception):  # noqa: N818
    """A bench could not be run to its end; the message says what went wrong."""


class Process:
    """A process of a bench, with the last lines that it said."""

    def __init__(self, name: str, record: RecordedProcess, log: Path) -> None:
        self.name, self._record, self._log = name, record, log

    @property
    def has_ended(self) -> bool:
        return processes.has_ended(self._record)

    @property
    def memory_mib(self) -> float:
        """What it holds of the machine's memory, in MiB."""
        return float(psutil.Process(self._record.pid).memory_info().rss) / 2**20

    def check(self) -> None:
        """Raises `BenchFailed` when the process has ended."""
        if self.has_ended:
            lines = "\n".join(processes.last_lines(self._log, 20))
            raise BenchFailed(f"{self.name} ended:\n{lines}")

    def stop(self, by: signal.Signals = signal.SIGKILL) -> None:
        processes.stop(self._record, by=by)


class Ground:
    """One run's namespace of topics, its databases, and the processes started on it."""

    def __init__(self, stack: Stack, folder: Path, partitions: int) -> None:
        self.stack, self.partitions = stack, partitions
        self.name = fresh_name(stack, "b")
        self.folder = folder / self.name
        self.namespace = f"{self.name}-"
        self.urls: dict[str, str] = {}
        self._suffixes: set[str] = set()
        self._processes: list[Process] = []
        self._ports: set[int] = set()

    def create_databases(self) -> Self:
        """Empty databases, one a service."""
        self.urls = databases.create_databases(self.stack.admin_url, f"_{self.name}")
        self._suffixes.add(f"_{self.name}")
        return self

    def copy_database(self, service: str) -> str:
        """Another database, equal to the service's own as it is now; its connection string."""
        suffix = f"_{fresh_name(self.stack, 'b')}"
        self._suffixes.add(suffix)
        url = databases.database_urls(self.stack.admin_url, suffix)[service]
        copy, original = (
            sql.Identifier(urlsplit(one).path[1:]) for one in (url, self.urls[service])
        )
        with psycopg.connect(self.stack.admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} owner {}").format(
                    copy, original, sql.Identifier(service)
                )
            )
            connection.execute("checkpoint")  # what was written before burdens no measure
        return url

    def drop_database(self, url: str) -> None:
        """Drop a copy."""
        name = urlsplit(url).path[1:]
        with psycopg.connect(self.stack.admin_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    def settings(self, service: str, url: str | None = None) -> Settings:
        """What a process of the service is told."""
        return Settings(
            service=service,
            database_url=url or self.urls.get(service, ""),
            kafka=self.stack.kafka,
            namespace=self.namespace,
            partitions=self.partitions,
        )

    async def make_topics(self, topics: Sequence[Topic] = TOPICS) -> dict[str, LogTopic]:
        """The topics of the contracts, in this namespace."""
        settings = self.settings("membership")
        admin = await open_admin(settings)
        try:
            return dict(await ensure_topics(admin, settings, topics))
        finally:
            await admin.close()

    async def make_new_topics(self) -> dict[str, LogTopic]:
        """Topics that hold nothing, for a database that knows nothing of the former ones."""
        self.namespace = f"{fresh_name(self.stack, 'b')}-"
        return await self.make_topics()

    def start(
        self, module: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> Process:
        """`python -m module …`, not awaited."""
        name = module.rpartition(".")[2]
        log = self.folder / f"{name}-{len(self._processes)}.log"
        environment = {
            **os.environ,
            processes.FOLDER_VARIABLE: str(self.stack.folder),
            **(environment or {}),
        }
        command = [sys.executable, "-m", module, *map(str, arguments)]
        record = processes.start(command, log=log, environment=environment, folder=ROOT)
        process = Process(name, record, log)
        self._processes.append(process)
        return process

    def start_service(
        self,
        service: str,
        *arguments: str,
        url: str | None = None,
        environment: Mapping[str, str] | None = None,
        launcher: str | None = None,
    ) -> "Served":
        """A real process of a service, not awaited; by a launcher that takes its name, if any."""
        port = self.free_port()
        told = self.stack.service_environment(service) | {
            "DATABASE_URL": url or self.urls[service],
            "HTTP_PORT": str(port),
            "CPTS_NAMESPACE": self.namespace,
            "CPTS_PARTITIONS": str(self.partitions),
            "CPTS_INSECURE_DEMO": "1",  # what is measured is behind the doors
            **(environment or {}),
        }
        command = (launcher, service) if launcher else (f"services.{service}",)
        process = self.start(*command, *arguments, environment=told)
        return Served(process, port)

    def free_port(self) -> int:
        """A port that nothing else here was given."""
        port = ports.free_port(self._ports)
        self._ports.add(port)
        return port

    async def end(self) -> None:
        """Stop what was started here and drop the databases."""
        for process in self._processes:
            await asyncio.to_thread(process.stop)
        for suffix in self._suffixes:
            await asyncio.to_thread(databases.drop_databases, self.stack.admin_url, suffix)


class Served:
    """A service's process and its port."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port = process, port

    async def ready(self) -> Self:
        async def is_ready() -> bool:
            self.process.check()
            url = f"http://127.0.0.1:{self.port}"
            return (await asyncio.to_thread(service_processes.readiness, url))[0]

        await until(f"{self.process.name} is ready", is_ready)
        return self


@asynccontextmanager
async def opened(stack: Stack, folder: Path, partitions: int = PARTITIONS) -> AsyncIterator[Ground]:
    """A ground, taken away at the end whatever happens."""
    ground = Ground(stack, folder, partitions)
    try:
        yield ground
    finally:
        with processes.deaf_to_interrupts():
            await ground.end()


async def until(
    what: str, holds: Callable[[], Awaitable[Any]], every_seconds: float = 0.05
) -> None:
    """Wait until it holds. Raises `BenchFailed` after the limit."""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not await holds():  # noqa: ASYNC110 - what happens elsewhere tells nobody
                await asyncio.sleep(every_seconds)
    except TimeoutError:
        raise BenchFailed(f"not within {LIMIT_SECONDS} s: {what}") from None


class OneConnection:
    """A pool of one connection, so that the order of its statements is known."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield self.connection


@asynccontextmanager
async def open_desk(
    service: Service, settings: Settings, mode: Mode = Mode.LIVE
) -> AsyncIterator[Desk]:
    """What the service's transactions need, in this process, over one connection.

    What is announced stays in the outbox; in a rebuild, in the history alone.
    """
    connection = await asyncpg.connect(
        settings.database_url, server_settings=session_settings(settings, "public")
    )
    pool: Any = OneConnection(connection)
    try:
        yield Desk(
            pool,
            name=service.name,
            apply=service.apply,
            writer=uuid4(),
            partitions=settings.partitions,
            relay=Silent(),
            mode=mode,
        )
    finally:
        await connection.close()


async def ask(url: str, query: str, *arguments: Any) -> Any:
    """The rows that a query answers."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def run_all(works: Iterable[Awaitable[Any]]) -> None:
    """Await several works at once."""
    await asyncio.gather(*works)
