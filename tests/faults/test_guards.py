"""Each guard taken away: the scenario of the fault that it guards against must then go wrong."""

import pytest

from deploy.local.stack import Stack
from services.indicators.app import SERVICE as INDICATORS
from services.messaging.unit import Unit
from tests.desks import open_desk
from tests.faults import guards, log_scenarios, scenarios
from tests.faults.conftest import OpenWorld
from tests.faults.play import Wrong
from tests.faults.scenarios import Scenario
from tests.faults.season import season
from tests.faults.tracing import Trace
from tests.indicators import test_two_transactions as meetings

SEEN_BY: dict[str, Scenario] = {
    "fence": scenarios.a_zombie_wakes,
    "distinct": log_scenarios.the_log_repeats_itself,
    "seek": scenarios.postgresql_stops_hard,
    "mark": scenarios.killed_after_sending,
    "lease": scenarios.two_relays,
}
LOST_AFTER_SECONDS = 30.0


@pytest.mark.parametrize("guard", SEEN_BY)
async def test_without_a_guard_its_fault_does_harm(
    guard: str, open_world: OpenWorld, trace: Trace
) -> None:
    played = season(trace.seed)
    async with open_world(played) as world:
        world.patience_seconds = LOST_AFTER_SECONDS
        with pytest.raises(Wrong) as wrong:
            await SEEN_BY[guard](world, played, trace, [guard])
    trace.note(harm=str(wrong.value))


async def test_without_join_rows_two_streams_that_meet_miss_each_other(
    stack: Stack, trace: Trace
) -> None:
    async with open_desk(stack, INDICATORS) as desk:
        with guards.without("join-lock"), pytest.raises(AssertionError):
            await meetings.test_whoever_commits_second_sees_what_the_first_left(
                desk, Unit, "member and appointment", is_reversed=False
            )
    trace.note(harm="an appointment that no CPTS counts")


def test_every_guard_is_taken_away_by_a_test() -> None:
    assert {*SEEN_BY, "join-lock"} == set(guards.TAKE_AWAY)
