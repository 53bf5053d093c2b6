"""Demands that wait for an answer in the database of referrals, and the orders that accept them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.messaging.migrations import migrate
from services.messaging.unit import open_unit
from services.referrals.app import SERVICE as REFERRALS
from services.referrals.domain.referral import referral_id
from tests.benchmarks import http_load
from tests.benchmarks.cast import Cpts, told_by_membership
from tests.benchmarks.ground import Ground, open_desk
from tests.benchmarks.tales import SOURCE, offered

AT_ONCE = 500


async def prepare(ground: Ground, everybody: Sequence[Cpts], count: int, *, are_sent: bool) -> None:
    """Offer `count` demands in the database of referrals, in turn to every CPTS.

    With `are_sent` the events count as relayed and the CPTS are known; without, the service will
    relay them, and hears of the CPTS on membership's topic.
    """
    settings = ground.settings("referrals")
    await migrate(settings, REFERRALS.schema)
    at = datetime.now(UTC)
    async with open_desk(REFERRALS, settings) as desk:
        if are_sent:
            async with open_unit(desk) as unit:
                await REFERRALS.hears[0].handler(unit, told_by_membership(everybody))
        for first in range(0, count, AT_ONCE):
            numbers = range(first, min(count, first + AT_ONCE))
            async with open_unit(desk) as unit:
                await unit.announce(
                    [one for n in numbers for one in offered(n, everybody[n % len(everybody)], at)]
                )
        async with desk.pool.acquire() as connection:
            if are_sent:
                await connection.execute("update outbox set sent_at = clock_timestamp()")
            await connection.execute("vacuum analyze")


def acceptances(everybody: Sequence[Cpts], count: int) -> list[bytes]:
    """The orders that accept these demands, each by a doctor of the CPTS."""
    day = datetime.now(UTC) + timedelta(hours=3)
    requests = []
    for number in range(count):
        cpts = everybody[number % len(everybody)]
        body = {
            "cpts_id": cpts.cpts_id,
            "practitioner_rpps": cpts.rpps[number // len(everybody) % len(cpts.rpps)],
            "starts_at": (day + number % 2000 * timedelta(minutes=1)).isoformat(),
        }
        path = f"/referrals/{referral_id(SOURCE, str(number))}/accept"
        requests.append(http_load.order(path, body, cpts.cpts_id))
    return requests
