"""The toy services on the real Kafka and PostgreSQL, with databases and topics of their own."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from services.messaging.process import Running, running
from services.messaging.settings import Limits, Settings
from tests.messaging.raw import Log
from tests.messaging.toy import SPEAKER, THINGS, Listener

LIMITS = Limits(breaches_in_a_row=5, lease_seconds=2, wait_seconds_max=2, lock_timeout_ms=2000)


@pytest.fixture
def settings_of(
    stack: Any, fresh_databases: dict[str, str], namespace: str
) -> Callable[..., Settings]:
    """Settings of a toy service; each toy has the database of a real one."""
    databases = {
        "speaker": fresh_databases["membership"],
        "listener": fresh_databases["referrals"],
    }

    def make(service: str, **changes: Any) -> Settings:
        return Settings(
            **{
                "service": service,
                "database_url": databases[service],
                "kafka": stack.kafka,
                "namespace": namespace,
                "partitions": 4,
                "limits": LIMITS,
                **changes,
            }
        )

    return make


@pytest.fixture
async def speaker(settings_of: Callable[..., Settings]) -> AsyncIterator[Running]:
    async with running(SPEAKER, settings_of("speaker")) as run:
        yield run


@pytest.fixture
def toy() -> Listener:
    return Listener()


@pytest.fixture
async def listener(settings_of: Callable[..., Settings], toy: Listener) -> AsyncIterator[Running]:
    async with running(toy.service(), settings_of("listener")) as run:
        yield run


@pytest.fixture
async def web(speaker: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=speaker.address,
        headers={"Acting-Role": "cpts", "Acting-Cpts": "c1"},
        timeout=20,
    ) as client:
        yield client


@pytest.fixture
async def log(settings_of: Callable[..., Settings]) -> AsyncIterator[Log]:
    """The topic of things, made, with a pen to write anything into it."""
    async with Log.opened(settings_of("speaker"), THINGS) as opened:
        yield opened


@pytest.fixture
async def database(settings_of: Callable[..., Settings]) -> AsyncIterator[asyncpg.Connection]:
    """The listener's database, whether or not the listener runs."""
    connection = await asyncpg.connect(settings_of("listener").database_url)
    yield connection
    await connection.close()
