"""The membership service in this process, on a real Kafka and a real PostgreSQL."""

from collections.abc import AsyncIterator
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
    name = fresh_name(stack, "m")
    settings = Settings(
        service="membership",
        database_url=databases.create_databases(stack.admin_url, f"_{name}")["membership"],
        kafka=stack.kafka,
        namespace=f"{name}-",
        partitions=4,
    )
    async with (
        running(SERVICE, settings, DrivenClock(NOW)) as run,
        httpx.AsyncClient(base_url=run.address, timeout=30) as client,
    ):
        yield House(run, settings, client)
    databases.drop_databases(stack.admin_url, f"_{name}")
