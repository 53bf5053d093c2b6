"""The payments service of a test, on a real Kafka and PostgreSQL."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from services.messaging.clock import DrivenClock
from services.messaging.process import running
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from services.payments.app import RATES, SERVICE
from tests.desks import empty, open_desk
from tests.payments.served import NOW, PARTITIONS, Payments


@pytest.fixture
async def payments(
    stack: Stack, fresh_databases: dict[str, str], namespace: str
) -> AsyncIterator[Payments]:
    settings = Settings(
        service="payments",
        database_url=fresh_databases["payments"],
        kafka=stack.kafka,
        namespace=namespace,
        partitions=PARTITIONS,
    )
    async with running(SERVICE, settings, DrivenClock(NOW)) as run:
        until = time.monotonic() + 20
        while await run.pool.fetchval("select count(*) from rate") < len(RATES):
            assert time.monotonic() < until, "the rates of the files were not published"
        yield Payments(stack, run)


@pytest_asyncio.fixture(scope="session")
async def migrated(stack: Stack) -> AsyncIterator[Desk]:
    """The service's transactions on a database of their own, which each test empties first."""
    async with open_desk(stack, SERVICE) as desk:
        yield desk


@pytest.fixture
async def desk(migrated: Desk) -> Desk:
    """The same, empty."""
    await empty(migrated)
    return migrated
