"""A world of its own for each fault: empty databases and fresh topics, a clock, the services as
processes.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.demo.chain import admin_url_of
from deploy.local.demo.driver import BEFORE, ClockFile
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.faults.process import WITHIN_SECONDS, Process
from tests.faults.season import Season

WATCH_OFFSETS = """
    create table offset_gone_back (topic text, partition integer, was bigint, is_now bigint);
    create function note_offset_gone_back() returns trigger language plpgsql security definer as $$
    begin
        insert into public.offset_gone_back
        values (old.topic, old.partition, old.next_offset, new.next_offset);
        return null;
    end $$;
    create trigger offset_goes_back after update on stored_offset
    for each row when (new.next_offset < old.next_offset)
    execute function note_offset_gone_back();
"""


class World:
    """Fresh databases and topics, a clock, and the services on them. `urls` are whom to ask.

    What was said and is not heard within `patience_seconds` of the season's end is lost.
    """

    def __init__(
        self, stack: Stack, namespace: str, database_urls: Mapping[str, str], folder: Path
    ) -> None:
        self.stack, self.namespace, self.folder = stack, namespace, folder
        self.database_urls = database_urls
        self.kafka, self.admin_url = stack.kafka, stack.admin_url
        self.clock = ClockFile(folder / "clock")
        self.patience_seconds = WITHIN_SECONDS
        self.ports: set[int] = {stack.port(name) for name in SERVICES}
        self.urls: dict[str, str] = {}
        self.processes: dict[str, Process] = {}

    def process(self, service: str, name: str | None = None) -> Process:
        """A process of a service, yet to be started; the first one is whom orders go to."""
        process = Process(self, service, name or service)
        self.processes[process.name] = process
        self.urls.setdefault(service, process.url)
        return process

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
        for process in self.processes.values():
            await process.killed()


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
