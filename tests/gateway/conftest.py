"""The gateway as a running service, alone: what it hears is put on the log by the tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from tests.gateway.served import Served, serving
from tests.stack_fixtures import fresh_name


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The gateway on a database and topics of its own."""
    name = fresh_name(stack, "g")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["gateway"], f"{name}-") as up:
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")
