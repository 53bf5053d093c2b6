"""What names the FINESS of a CPTS that has merged counts for the one of which it is a part."""

from datetime import date, timedelta
from itertools import permutations

import msgspec
import pytest

from contracts.events import membership
from services.indicators.domain.appointments import Merger, whole_of
from services.messaging.unit import Desk
from tests.indicators.hearing import figures, hear
from tests.indicators.test_twins_that_part import KNOWN, told
from tests.indicators.test_two_transactions import NOON, recorded, signed_by_b, signed_by_c

MERGED_ON = date(2026, 3, 10)
EVE = NOON - timedelta(days=1)
EVENTS = recorded(
    [
        *KNOWN,
        signed_by_b,
        signed_by_c,
        membership.CptsMerged(cpts_id="cpts-a", into_cpts_id="cpts-b", merged_on=MERGED_ON),
        membership.CptsMerged(
            cpts_id="cpts-b", into_cpts_id="cpts-c", merged_on=MERGED_ON + timedelta(days=1)
        ),
        *(
            msgspec.structs.replace(told(n, 1, NOON + timedelta(hours=n)), created_at=at)
            for n, at in enumerate((EVE, NOON, NOON + timedelta(days=1)))
        ),
    ]
)


@pytest.mark.parametrize(
    ("day", "cpts_id"),
    [
        (date(2026, 3, 9), "a"),
        (date(2026, 3, 10), "b"),
        (date(2026, 3, 19), "b"),
        (date(2026, 3, 20), "c"),
    ],
)
def test_a_cpts_that_has_merged_is_on_each_day_what_it_is_a_part_of(
    day: date, cpts_id: str
) -> None:
    mergers = {"a": Merger(date(2026, 3, 10), "b"), "b": Merger(date(2026, 3, 20), "c")}
    assert whole_of("a", mergers, day) == cpts_id
    # the second merger may begin before the first
    mergers["b"] = Merger(date(2026, 1, 1), "c")
    assert whole_of("a", mergers, day) == ("a" if cpts_id == "a" else "c")


@pytest.mark.parametrize("order", list(permutations(range(len(EVENTS))))[::20161])
async def test_each_appointment_counts_for_the_whole_of_its_day_in_any_order(
    desk: Desk, order: tuple[int, ...]
) -> None:
    for place in order:
        topic, event = EVENTS[place]
        await hear(desk, topic, [event])
    counted = {whose: facts for (whose, _, _), facts in (await figures(desk)).items() if facts}
    assert counted == {
        f"cpts-{name}": {f"appointment:platform-{n}"} for n, name in enumerate("abc")
    }
