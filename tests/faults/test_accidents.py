"""Another log than before in the middle of a season: the services say so, do nothing meanwhile, and
go on once they are told to. What else may happen is for `test_campaign.py`.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.faults import log_scenarios
from tests.faults.conftest import OpenWorld
from tests.faults.season import Season, season
from tests.faults.tracing import Trace
from tests.faults.world import World

Scenario = Callable[[World, Season, Trace], Awaitable[None]]


@pytest.mark.parametrize(
    "scenario",
    [log_scenarios.another_log_than_before, log_scenarios.an_offset_past_the_end],
    ids=lambda scenario: scenario.__name__,
)
async def test_an_accident_loses_nothing_and_does_nothing_twice(
    scenario: Scenario, open_world: OpenWorld, trace: Trace
) -> None:
    played = season(trace.seed)
    async with open_world() as world:
        await scenario(world, played, trace)
