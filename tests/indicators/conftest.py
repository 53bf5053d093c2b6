"""A real database of the indicators service, without its process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from services.indicators.app import SERVICE
from services.messaging.unit import Desk
from tests.desks import empty, open_desk


@pytest_asyncio.fixture(scope="session")
async def migrated(stack: Stack) -> AsyncIterator[Desk]:
    """What the transactions of an indicators service share."""
    async with open_desk(stack, SERVICE) as desk:
        yield desk


@pytest_asyncio.fixture
async def desk(migrated: Desk) -> Desk:
    """The same on empty tables."""
    await empty(migrated)
    return migrated
