"""A short campaign, and one without each guard, which must then be seen to do harm."""

from collections.abc import Iterator
from functools import partial

import pytest

from deploy.local.stack import Stack
from tests.faults import catalogue, guards
from tests.faults.campaign import Ground, Sizes, run_slice
from tests.faults.catalogue import KINDS
from tests.faults.disk import Disk
from tests.faults.told import SliceTold
from tests.faults.tracing import Trace
from tests.faults.zygote import Zygote
from tests.thorough import all_but

SEEN_BY = {
    "fence": "zombie_wakes",
    "distinct": "log_repeats_itself",
    "seek": "frozen_at_a_point",
    "mark": "killed_at_a_point",
    "lease": "two_relays",
    "join-lock": "two_streams_meet",
}
SHORT = Sizes(faults=4, rate=60.0)
FEW = Sizes(faults=6, rate=60.0, healed_within_seconds=15.0)
WITHIN_FAULTS = 40
THOROUGH = ("distinct", "mark", "join-lock")  # those that wait longest for their harm


@pytest.fixture(scope="session")
def ground(stack: Stack, zygote: Zygote) -> Iterator[Ground]:
    with Disk(stack.folder) as disk:
        yield Ground(stack, zygote, disk)


def note(trace: Trace, line: str) -> None:
    trace.note(last=line)


async def test_a_short_campaign_breaks_neither_safety_nor_liveness(
    ground: Ground, trace: Trace
) -> None:
    told = SliceTold(seed=trace.seed)
    await run_slice(ground, told, SHORT, partial(note, trace))
    trace.struck(faults=told.faults, events=told.events)
    assert told.harm is None
    assert told.judged


@pytest.mark.parametrize("guard", all_but(SEEN_BY, THOROUGH))
async def test_without_a_guard_its_fault_does_harm(
    guard: str, ground: Ground, trace: Trace
) -> None:
    told = SliceTold(seed=trace.seed, without=(guard,))
    kinds = [kind for kind in KINDS if kind.name == SEEN_BY[guard]]
    await run_slice(ground, told, FEW, partial(note, trace), kinds)
    trace.note(harm=told.harm)
    assert told.harm is not None


def test_every_guard_is_taken_away_by_a_test() -> None:
    assert set(SEEN_BY) == set(guards.TAKE_AWAY)


def test_a_seed_draws_the_same_plan_again_and_meets_every_guards_fault_in_time() -> None:
    for number in range(20):
        planned: list[str] = []
        for step in catalogue.plan(f"seed-{number}"):
            planned += [fault.kind.name for fault in step]
            if len(planned) >= WITHIN_FAULTS:
                break
        assert {*SEEN_BY.values()} <= set(planned[:WITHIN_FAULTS])
    first, second = (catalogue.plan("seed") for _ in range(2))
    assert [next(first) for _ in range(50)] == [next(second) for _ in range(50)]
