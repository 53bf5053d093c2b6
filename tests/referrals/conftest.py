"""A real database of the referrals service, without its process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from services.messaging.unit import Desk
from services.referrals.app import SERVICE
from tests.desks import empty, open_desk


@pytest_asyncio.fixture(scope="session")
async def migrated_desk(stack: Stack) -> AsyncIterator[Desk]:
    """What the transactions of a referrals service share."""
    async with open_desk(stack, SERVICE) as desk:
        yield desk


@pytest_asyncio.fixture
async def desk(migrated_desk: Desk) -> Desk:
    """The same on empty tables."""
    await empty(migrated_desk)
    return migrated_desk
