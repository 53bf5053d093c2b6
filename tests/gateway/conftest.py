"""The gateway as a running service, alone: what it hears is put on the log by the tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from tests.gateway.hub_played import Hub, hub_on
from tests.gateway.judge import judging
from tests.gateway.rabbit import Rabbit, rabbit_in, server
from tests.gateway.served import Served, serving
from tests.stack_fixtures import fresh_name


@pytest.fixture(scope="session", autouse=True)
def judged() -> Iterator[None]:
    """Every body that the doors serve and that platforms are sent, here, is judged from outside."""
    with judging():
        yield


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The gateway on a database and topics of its own."""
    name = fresh_name(stack, "g")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["gateway"], f"{name}-") as up:
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


@pytest_asyncio.fixture(scope="module")
async def rabbit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rabbit]:
    """A RabbitMQ of this file's own, up."""
    if server() is None:
        pytest.skip("no RabbitMQ here: apt-get install rabbitmq-server")
    with rabbit_in(tmp_path_factory.mktemp("rabbit")) as broker:
        await broker.start()
        yield broker


@pytest_asyncio.fixture
async def hub(rabbit: Rabbit) -> AsyncIterator[Hub]:
    """The Hub's side of it, with empty queues."""
    async with hub_on(rabbit) as up:
        await up.empty()
        yield up
