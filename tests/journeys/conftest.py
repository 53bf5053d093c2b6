"""One platform for all the journeys; each story lives on a commune of its own."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.journeys.story import Platform, running_platform


@pytest.fixture(scope="session")
async def platform(stack: Stack) -> AsyncIterator[Platform]:
    """The one that stories share: its clock goes only forward."""
    async with running_platform(stack) as running:
        yield running


@pytest.fixture(scope="module")
async def hard(stack: Stack) -> AsyncIterator[Platform]:
    """One for a file of hard cases: its clock jumps to the beginning of each."""
    async with running_platform(stack) as running:
        yield running
