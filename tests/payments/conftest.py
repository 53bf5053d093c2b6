"""The payments service of a test, on a real Kafka and PostgreSQL."""

import time
from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from services.messaging.clock import DrivenClock
from services.messaging.process import running
from services.messaging.settings import Settings
from services.payments.app import RATES, SERVICE
from tests.desks import desk_fixtures
from tests.payments.served import NOW, PARTITIONS, Payments

migrated, desk = desk_fixtures(SERVICE)


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
