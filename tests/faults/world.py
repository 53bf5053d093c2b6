"""A world of its own for each play: empty databases and fresh topics, clocks, the services as
processes, and the links between them.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.local.demo.chain import admin_url_of
from deploy.local.demo.driver import BEFORE
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.faults.process import WITHIN_SECONDS, Process
from tests.faults.proxy import Link
from tests.faults.season import OPENS_AT
from tests.faults.zygote import Zygote

WATCH_OFFSETS = """
    create table if not exists offset_gone_back (
        topic text, partition integer, was bigint, is_now bigint
    );
    create or replace function note_offset_gone_back() returns trigger
    language plpgsql security definer as $$
    begin
        insert into public.offset_gone_back
        values (old.topic, old.partition, old.next_offset, new.next_offset);
        return null;
    end $$;
    create or replace trigger offset_goes_back after update on stored_offset
    for each row when (new.next_offset < old.next_offset)
    execute function note_offset_gone_back();
"""


class Clocks:
    """The clocks of all processes, each as far ahead or behind as it is told to be."""

    def __init__(self, world: "World", instant: datetime) -> None:
        self._world, self.instant = world, instant
        self._ahead: dict[str, timedelta] = {}

    def show(self, instant: datetime) -> None:
        """Every clock shows this instant, but for what it goes wrong by."""
        self.instant = instant
        for process in list(self._world.processes.values()):
            self.show_to(process)

    def show_to(self, process: Process) -> None:
        """The same of one clock."""
        process.clock.show(self.instant + self._ahead.get(process.name, timedelta()))

    def skew(self, process: Process, ahead: timedelta) -> None:
        """From now on the clock of a process goes wrong by so much."""
        self._ahead[process.name] = ahead
        self.show_to(process)


class World:
    """Fresh databases and topics, clocks, and the services on them. `urls` are whom to ask.

    What was said and is not heard within `patience_seconds` of the season's end is lost.
    """

    def __init__(
        self,
        stack: Stack,
        zygote: Zygote,
        namespace: str,
        database_urls: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.stack, self.zygote, self.namespace, self.folder = stack, zygote, namespace, folder
        self.disk: Path | None = None  # a small one that holds the databases, if there is one
        self.database_urls = database_urls
        self.kafka, self.admin_url = stack.kafka, stack.admin_url
        self.clock = Clocks(self, OPENS_AT - BEFORE)
        self.client = httpx.AsyncClient(timeout=10, trust_env=False)
        self.patience_seconds = WITHIN_SECONDS
        self.ports: set[int] = {stack.port(name) for name in SERVICES}
        self.fronts: dict[str, Link] = {}
        self.urls: dict[str, str] = {}
        self.processes: dict[str, Process] = {}

    def process(self, service: str, name: str | None = None, member: str | None = None) -> Process:
        """A process of a service, yet to be started; the first one is whom orders go to."""
        process = Process(self, service, name or service, member)
        self.processes[process.name] = process
        if service not in self.fronts:
            self.fronts[service] = Link(process.port)
            self.urls[service] = self.fronts[service].url
        return process

    async def forget(self, process: Process) -> None:
        """The end of a process that is not to come back."""
        await process.killed()
        for name in [name for name, one in self.processes.items() if one is process]:
            del self.processes[name]
        for link in (process.to_postgres, process.to_kafka):
            await link.close()

    async def succeed(self, process: Process, heir: Process) -> None:
        """An heir takes a process's place for good, and its name here."""
        await self.forget(process)
        del self.processes[heir.name]
        self.processes[heir.service] = heir
        self.fronts[heir.service].lead_to(heir.port)

    def show_clock(self, process: Process) -> None:
        """Let a process that starts find its clock."""
        self.clock.show_to(process)

    async def database(self, service: str) -> asyncpg.Connection:
        """A session of the administrator's in a service's database."""
        return await asyncpg.connect(self.admin_url_of(service))

    def admin_url_of(self, service: str) -> str:
        """The administrator's connection string on a service's database."""
        return admin_url_of(self, service)  # type: ignore[arg-type]

    async def ask(self, service: str, query: str, *arguments: Any) -> Any:
        """The one value that a query answers."""
        connection = await self.database(service)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def watch_offsets(self, service: str) -> None:
        """Note from now on every stored offset of a service that goes back."""
        connection = await self.database(service)
        try:
            await connection.execute(WATCH_OFFSETS)
        finally:
            await connection.close()

    async def end(self) -> None:
        for process in list(self.processes.values()):
            await self.forget(process)
        for link in self.fronts.values():
            await link.close()
        await self.client.aclose()


@asynccontextmanager
async def opened(
    stack: Stack,
    zygote: Zygote,
    namespace: str,
    database_urls: Mapping[str, str],
    folder: Path,
) -> AsyncIterator[World]:
    """A world on empty databases, its clocks before the season; nothing runs in it yet."""
    world = World(stack, zygote, namespace, database_urls, folder)
    try:
        yield world
    finally:
        await world.end()
