"""One platform for all the journeys; each story lives on a commune of its own."""

import secrets
from collections.abc import AsyncIterator

import pytest

from deploy.local import databases
from deploy.local.stack import Stack
from tests.journeys.story import Platform, running_platform


@pytest.fixture(scope="session")
async def platform(stack: Stack) -> AsyncIterator[Platform]:
    """The four services on fresh databases and topics."""
    name = f"j{secrets.token_hex(4)}"
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with running_platform(stack.kafka, urls, f"{name}-") as running:
        yield running
    databases.drop_databases(stack.admin_url, f"_{name}")
