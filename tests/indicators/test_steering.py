"""What a CPTS steers by, on a real PostgreSQL: delays by the nearest rank."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from contracts.events import referrals
from services.indicators.store import answers
from services.messaging.unit import Desk
from tests.indicators.hearing import hear
from tests.indicators.story import told

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
YEAR = (date(2026, 3, 5), date(2027, 3, 4))


def nearest_rank(values: list[int], percent: int) -> int:
    """The least value that at least so many percent of the values do not exceed."""
    return min(
        value
        for value in values
        if sum(one <= value for one in values) * 100 >= percent * len(values)
    )


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 11, 20, 21])
async def test_delays_are_those_of_the_nearest_rank(desk: Desk, count: int) -> None:
    random = Random(count)
    delays = [random.randrange(1, 5) * 600 for _ in range(count)]
    for number, seconds in enumerate(delays):
        accepted = referrals.ReferralAccepted(
            referral_id=f"r-{number}",
            cpts_id="cpts-a",
            appointment_id=f"r-{number}",
            practitioner_rpps="810000000001",
            received_at=NOON,
            accepted_at=NOON,
            starts_at=NOON + timedelta(seconds=seconds),
        )
        await hear(desk, "referrals", told([accepted], f"r-{number}", "93", NOON))
    async with desk.pool.acquire() as connection:
        tally = await answers.tally(connection, "cpts-a", *YEAR)
    assert tally.accepted == count
    assert tally.delay_seconds_p50 == nearest_rank(delays, 50)
    assert tally.delay_seconds_p90 == nearest_rank(delays, 90)
