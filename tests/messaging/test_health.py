"""What a service tells of its troubles, and what it keeps to its log."""

from collections import Counter

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from services.messaging.health import Health
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
    health = Health(Counter())
    health.is_failing("relay", error)
    (trouble,) = health.troubles
    assert trouble.reason == reason
