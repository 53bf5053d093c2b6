"""Whose turn it is: goal, that who catches up keeps nobody waiting who speaks now, and has all of a
batch when nobody does. Method: aiokafka's `getmany` played over what was fetched, and a clock that
is moved by hand.
"""

import pytest
from aiokafka import TopicPartition

from services.messaging import polling
from services.messaging.polling import STEP_RECORDS_MIN, Turns

STORM, QUIET = TopicPartition("t", 0), TopicPartition("t", 1)


class Played:
    """A consumer that drains the first partition first, and the seconds that go by."""

    def __init__(self, *waiting: int) -> None:
        self.fetched = {TopicPartition("t", n): list(range(one)) for n, one in enumerate(waiting)}
        self.now = 100.0

    def assignment(self) -> set[TopicPartition]:
        return set(self.fetched)

    async def getmany(self, *partitions, timeout_ms: int, max_records: int) -> dict:
        taken = {}
        for one, records in self.fetched.items():
            if (not partitions or one in partitions) and records and max_records:
                taken[one] = [(one, record) for record in records[:max_records]]
                del records[:max_records]
                max_records -= len(taken[one])
        return taken

    def turns(self) -> Turns:
        return Turns(1000, 200, clock=lambda: self.now)


def of(records: list, one: TopicPartition) -> int:
    return sum(part == one for part, _ in records)


@pytest.mark.parametrize(
    ("waiting", "first_of_each", "total"),
    [
        ((5000, 3, 3), {1: 3, 2: 3}, 206),
        ((5000, 5000, 5000), {1: 200, 2: 200}, 1000),
        ((5000,), {0: 1000}, 1000),
        ((2, 1), {0: 2, 1: 1}, 3),
        ((0,), {}, 0),
    ],
)
async def test_a_storm_in_one_partition_leaves_room_for_the_others(
    waiting, first_of_each, total
) -> None:
    taken = await Played(*waiting).turns().take(Played(*waiting))
    assert len(taken) == total
    for number, least in first_of_each.items():
        assert of(taken, TopicPartition("t", number)) >= least


async def test_who_catches_up_beside_others_goes_in_short_steps_and_rests_after_each() -> None:
    played = Played(50_000, 0)
    turns = played.turns()
    for _ in range(30):  # a millisecond a record, so that ten fill a step
        played.fetched[QUIET].append(0)
        taken = await turns.take(played)
        assert of(taken, QUIET) == 1
        played.now += 0.001 * len(taken)
        turns.took(0.001 * len(taken), len(taken))
        resting = await turns.take(played)
        assert resting == [], "the storm rests, and nobody else spoke"
        played.now += polling.REST * 0.001 * len(taken) + 0.001
    assert STEP_RECORDS_MIN <= of(taken, STORM) <= 12


async def test_who_speaks_meanwhile_does_not_wait_for_a_rest_to_end() -> None:
    played = Played(50_000, 1)
    turns = played.turns()
    turns.took(0.1, len(await turns.take(played)))
    played.fetched[QUIET].append(0)
    assert await turns.take(played) == [(QUIET, 0)]


async def test_once_nobody_else_speaks_who_catches_up_has_whole_batches() -> None:
    played = Played(50_000, 1)
    turns = played.turns()
    turns.took(0.1, len(await turns.take(played)))
    played.now += polling.SPOKE_SECONDS + 1
    assert of(await turns.take(played), STORM) == 1000
    turns.took(0.1, 1000)
    assert of(await turns.take(played), STORM) == 1000, "without a rest"


async def test_the_end_of_a_backlog_is_not_taken_for_speech() -> None:
    played = Played(50_000, 250)
    turns = played.turns()
    for expected in (1000, 1000):
        taken = await turns.take(played)
        turns.took(0.1, len(taken))
        assert len(taken) == expected
