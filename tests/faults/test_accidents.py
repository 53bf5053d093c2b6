"""Accidents in the middle of a season: each heals, and leaves every figure and cent as foreseen."""

import pytest

from tests.faults import log_scenarios, scenarios
from tests.faults.conftest import OpenWorld
from tests.faults.scenarios import Scenario
from tests.faults.season import season
from tests.faults.tracing import Trace


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.postgresql_stops_hard,
        scenarios.kafka_is_killed,
        scenarios.killed_after_sending,
        scenarios.two_relays,
        scenarios.a_zombie_wakes,
        scenarios.a_storm_of_rebalances,
        log_scenarios.the_log_repeats_itself,
        log_scenarios.poison_between_good_ones,
        log_scenarios.another_log_than_before,
        log_scenarios.an_offset_past_the_end,
    ],
    ids=lambda scenario: scenario.__name__,
)
async def test_an_accident_loses_nothing_and_does_nothing_twice(
    scenario: Scenario, open_world: OpenWorld, trace: Trace
) -> None:
    played = season(trace.seed)
    async with open_world(played) as world:
        await scenario(world, played, trace)
