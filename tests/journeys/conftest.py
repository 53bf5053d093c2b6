"""One platform for all the journeys; each story lives on a commune of its own."""

from collections.abc import AsyncIterator

import pytest

from deploy.local import databases
from deploy.local.stack import Stack
from tests.journeys.story import Platform, running_platform
from tests.stack_fixtures import fresh_name


@pytest.fixture(scope="session")
async def platform(stack: Stack) -> AsyncIterator[Platform]:
    """The five services on fresh databases and topics."""
    name = fresh_name(stack, "j")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with running_platform(stack.kafka, urls, f"{name}-") as running:
        yield running
    databases.drop_databases(stack.admin_url, f"_{name}")
