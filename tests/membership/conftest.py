"""The membership service in this process, on a real Kafka and a real PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from services.membership.app import SERVICE
from services.messaging.clock import DrivenClock
from services.messaging.process import running
from services.messaging.settings import Settings
from tests.membership.ordering import House
from tests.stack_fixtures import fresh_name

NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="session")
async def house(stack: Stack) -> AsyncIterator[House]:
    """The service up on a fresh database and topic; each test works on communes of its own."""
    async with open_house(stack) as opened:
        yield opened


@pytest_asyncio.fixture
async def aging_house(stack: Stack) -> AsyncIterator[House]:
    """A house of the test's own, whose clock it may set."""
    async with open_house(stack) as opened:
        yield opened


@asynccontextmanager
async def open_house(stack: Stack) -> AsyncIterator[House]:
    """The service up on a database and a topic of its own."""
    name = fresh_name(stack, "m")
    settings = Settings(
        service="membership",
        database_url=databases.create_databases(stack.admin_url, f"_{name}")["membership"],
        kafka=stack.kafka,
        namespace=f"{name}-",
        partitions=4,
    )
    clock = DrivenClock(NOW)
    async with (
        running(SERVICE, settings, clock) as run,
        httpx.AsyncClient(base_url=run.address, timeout=30) as client,
    ):
        yield House(run, settings, client, clock)
    databases.drop_databases(stack.admin_url, f"_{name}")
