"""A corrected FINESS counts as if it had never been another, in whatever order the events come."""

from itertools import permutations

import pytest

from contracts.events import membership
from services.messaging.unit import Desk
from tests.indicators.hearing import figures, hear
from tests.indicators.story import FINESS
from tests.indicators.test_twins_that_part import KNOWN, told
from tests.indicators.test_two_transactions import recorded

CORRECTED = membership.FinessAssigned(cpts_id="cpts-a", finess=FINESS[1])
EVENTS = recorded([*KNOWN, CORRECTED, told(1, 1), told(2, 1, finess=FINESS[1])])


@pytest.mark.parametrize("order", list(permutations(range(len(EVENTS))))[::7])
async def test_the_same_figures_in_any_order(desk: Desk, order: tuple[int, ...]) -> None:
    for place in order:
        topic, event = EVENTS[place]
        await hear(desk, topic, [event])
    counted = [facts for (_, name, _), facts in (await figures(desk)).items() if facts]
    assert counted == [{"appointment:platform-2"}]
