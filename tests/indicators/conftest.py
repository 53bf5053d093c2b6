"""A real database of the indicators service, without its process."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.topics import INDICATORS
from deploy.local import databases
from deploy.local.stack import Stack
from services.indicators.app import SERVICE
from services.messaging.database import open_pool
from services.messaging.migrations import migrate
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from tests.stack_fixtures import fresh_name


class Silent:
    """A relay that leaves every row in the outbox, where tests read it."""

    def hand_over(self, rows: object, *, has_others: bool) -> None:
        """Nothing leaves."""

    def expect(self, rows: object) -> None:
        """Nothing leaves."""

    def forget(self, rows: object) -> None:
        """Nothing to look for."""


@pytest.fixture(scope="session")
def indicators_database(stack: Stack) -> Iterator[str]:
    """A database of the indicators service for these tests alone."""
    suffix = f"_{fresh_name(stack, 'i')}"
    yield databases.create_databases(stack.admin_url, suffix)["indicators"]
    databases.drop_databases(stack.admin_url, suffix)


@pytest_asyncio.fixture(scope="session")
async def migrated(indicators_database: str) -> AsyncIterator[Desk]:
    """What the transactions of an indicators service share."""
    settings = Settings(service="indicators", database_url=indicators_database, kafka="")
    await migrate(settings, SERVICE.schema)
    pool = await open_pool(settings)
    yield Desk(
        pool,
        name="indicators",
        apply=SERVICE.apply,
        writer=uuid4(),
        partitions=INDICATORS.partitions,
        relay=Silent(),
    )
    await pool.close()


@pytest_asyncio.fixture
async def desk(migrated: Desk) -> Desk:
    """The same on empty tables."""
    await empty(migrated)
    return migrated


async def empty(desk: Desk) -> None:
    """Empties every table."""
    tables = await desk.pool.fetchval(
        "select string_agg(format('%I', tablename), ', ') from pg_tables "
        "where schemaname = 'public' and tablename !~ 'yoyo'"
    )
    await desk.pool.execute(f"truncate {tables} restart identity")
