"""A service's transactions on a real database, without its process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from services.messaging.database import Connection, open_pool
from services.messaging.migrations import migrate
from services.messaging.process import Service
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from tests.stack_fixtures import fresh_name

EMPTY = """
    do $$ declare one record; begin
        for one in
            select format('%I', tablename) as name from pg_tables
            where schemaname = 'public' and tablename !~ 'yoyo'
        loop
            execute format('alter table %s disable trigger user', one.name);
            execute format('truncate %s restart identity', one.name);
            execute format('alter table %s enable trigger user', one.name);
        end loop;
    end $$
"""


class Silent:
    """A relay that leaves every row in the outbox, where tests read it."""

    def hand_over(self, rows: object, *, has_others: bool) -> None:
        """Nothing leaves."""

    def expect(self, rows: object) -> None:
        """Nothing leaves."""

    def forget(self, rows: object) -> None:
        """Nothing to look for."""


def desk_fixtures(service: Service) -> tuple[Any, Any]:
    """The fixtures `migrated` and `desk` of a service's tests: what its transactions share, on a
    database of their own; the same on empty tables.
    """

    @pytest_asyncio.fixture(scope="session")
    async def migrated(stack: Stack) -> AsyncIterator[Desk]:
        async with open_desk(stack, service) as desk:
            yield desk

    @pytest_asyncio.fixture
    async def desk(migrated: Desk) -> Desk:
        await empty(migrated)
        return migrated

    return migrated, desk


@asynccontextmanager
async def open_desk(stack: Stack, service: Service) -> AsyncIterator[Desk]:
    """What the transactions of a service share, on a database of its own, migrated and empty."""
    suffix = f"_{fresh_name(stack, 'd')}"
    url = databases.create_databases(stack.admin_url, suffix)[service.name]
    settings = Settings(service=service.name, database_url=url, kafka="")
    await migrate(settings, service.schema)
    pool = await open_pool(settings)
    yield Desk(
        pool,
        name=service.name,
        apply=service.apply,
        writer=uuid4(),
        partitions=service.topic.partitions,
        relay=Silent(),
    )
    await pool.close()
    databases.drop_databases(stack.admin_url, suffix)


async def empty(desk: Desk) -> None:
    """Empties every table."""
    async with desk.pool.acquire() as connection, connection.transaction():
        await empty_tables(connection)


async def empty_tables(connection: Connection) -> None:
    """Empties every table, those that only grow included; in the caller's transaction."""
    await connection.execute(EMPTY)


async def has_stopped(desk: Desk, task: asyncio.Task[None], pid: int) -> None:
    """Returns once the task is done, or its session waits for a lock."""
    async with asyncio.timeout(10):
        while not task.done() and not await desk.pool.fetchval(  # noqa: ASYNC110
            "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1", pid
        ):
            await asyncio.sleep(0.005)
