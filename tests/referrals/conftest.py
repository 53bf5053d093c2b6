"""A real database of the referrals service, without its process."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.topics import REFERRALS
from deploy.local import databases
from deploy.local.stack import Stack
from services.messaging.database import open_pool
from services.messaging.migrations import migrate
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from services.referrals.store.applying import apply
from tests.referrals.published import SCHEMA
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
def database(stack: Stack) -> Iterator[str]:
    """A database of the referrals service for these tests alone."""
    suffix = f"_{fresh_name(stack, 'r')}"
    yield databases.create_databases(stack.admin_url, suffix)["referrals"]
    databases.drop_databases(stack.admin_url, suffix)


@pytest_asyncio.fixture(scope="session")
async def migrated_desk(database: str) -> AsyncIterator[Desk]:
    """What the transactions of a referrals service share."""
    settings = Settings(service="referrals", database_url=database, kafka="")
    await migrate(settings, SCHEMA)
    pool = await open_pool(settings)
    yield Desk(
        pool,
        name="referrals",
        apply=apply,
        writer=uuid4(),
        partitions=REFERRALS.partitions,
        relay=Silent(),
    )
    await pool.close()


@pytest_asyncio.fixture
async def desk(migrated_desk: Desk) -> Desk:
    """The same on empty tables."""
    tables = await migrated_desk.pool.fetchval(
        "select string_agg(format('%I', tablename), ', ') from pg_tables "
        "where schemaname = 'public' and tablename !~ 'yoyo'"
    )
    await migrated_desk.pool.execute(f"truncate {tables} restart identity")
    return migrated_desk
