"""The indicators service: its database without its process, and the whole in this process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from services.indicators.app import SERVICE
from services.messaging.clock import DrivenClock
from services.messaging.process import running
from services.messaging.settings import Settings
from tests.desks import desk_fixtures
from tests.indicators.ordering import PARTITIONS, Office
from tests.stack_fixtures import fresh_name

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)

migrated, desk = desk_fixtures(SERVICE)


@pytest_asyncio.fixture(scope="session")
async def office(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The service up on a database and topics of its own; each test works on CPTS of its own."""
    name = fresh_name(stack, "i")
    settings = Settings(
        service="indicators",
        database_url=databases.create_databases(stack.admin_url, f"_{name}")["indicators"],
        kafka=stack.kafka,
        namespace=f"{name}-",
        partitions=PARTITIONS,
        evidence_store_url=(tmp_path_factory.mktemp("evidence") / "new").as_uri(),
    )
    clock = DrivenClock(NOW)
    async with (
        running(SERVICE, settings, clock) as run,
        httpx.AsyncClient(base_url=run.address, timeout=30) as client,
    ):
        yield Office(run, client, clock)
    databases.drop_databases(stack.admin_url, f"_{name}")
