"""What a service tells of its troubles, and what it keeps to its log."""

import asyncio

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from services.messaging.health import Health, supervised
from services.messaging.meters import Meters
from services.messaging.relay import SendFailed

ADDRESS = "db-7.internal:5432"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(ADDRESS), "ConnectionRefusedError: a server does not answer"),
        (TimeoutError(ADDRESS), "TimeoutError: a server does not answer"),
        (KafkaConnectionError(ADDRESS), "KafkaConnectionError: the broker is in trouble"),
        (
            asyncpg.InvalidPasswordError(f'user "secret" at {ADDRESS}'),
            "InvalidPasswordError: the database is in trouble",
        ),
        (SendFailed(ADDRESS), "SendFailed: the broker is in trouble"),
        (ValueError(ADDRESS), "ValueError: a failure of the service, told in its log"),
    ],
)
def test_a_trouble_names_its_kind_and_no_address(error, reason) -> None:
    health = Health(Meters())
    health.is_failing("relay", error)
    (trouble,) = health.troubles
    assert trouble.reason == reason


async def hangs() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise ValueError(ADDRESS)


async def is_cut_off() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(("work", "reason"), [(fails, "ValueError"), (is_cut_off, "cut off")])
async def test_work_that_ends_by_itself_turns_the_service_unready(work, reason) -> None:
    health = Health(Meters())
    await asyncio.wait([supervised(work(), "relay", health)])
    await asyncio.sleep(0)
    (trouble,) = health.troubles
    assert (trouble.part, trouble.command) == ("relay", "restart the service")
    assert reason in trouble.reason


async def test_work_that_is_stopped_is_no_trouble() -> None:
    health = Health(Meters())
    task = supervised(hangs(), "relay", health)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert health.is_ready
