"""Each service back from an old backup: nothing is lost or expires, and the others need nothing."""

import pytest

from deploy.local.services import CHAIN
from tests.faults.conftest import OpenWorld
from tests.faults.restore_scenarios import restored
from tests.faults.season import season
from tests.faults.tracing import Trace
from tests.thorough import all_but

# The other two: what is restored of them is less, and the campaign does it too.
THOROUGH = ("membership", "indicators")


@pytest.mark.parametrize("service", all_but(CHAIN, THOROUGH))
async def test_a_service_from_an_old_backup_meets_the_others_again(
    service: str, open_world: OpenWorld, trace: Trace
) -> None:
    played = season(trace.seed, has_resends=False)
    async with open_world() as world:
        await restored(world, played, trace, service)
