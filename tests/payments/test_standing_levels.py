"""Which value of a figure stands, of all that was said of its level."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from services.payments.domain.levels import LevelSaid, Standing, standing_levels

FIRST, LATER = datetime(2027, 5, 1, 9, tzinfo=UTC), datetime(2027, 5, 2, 9, tzinfo=UTC)


def said(name: str, value: int | None, said_at: datetime = FIRST, **fields: Any) -> LevelSaid:
    return LevelSaid(indicator="a", level=name, value=value, said_at=said_at, **fields)


VALIDATED = said("validated", 5, revision=3)
VISA = said("visa", 5, LATER, revision=4, validated_revision=3)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], None),
        ([said("verified", 4)], (4, "verified")),
        ([VALIDATED, said("verified", 4, LATER)], (5, "validated")),
        ([VALIDATED, VISA], (5, "visa")),
        ([VALIDATED, said("visa", 4, LATER, revision=2, validated_revision=1)], (5, "validated")),
        ([VISA], None),
        ([VALIDATED, said("dialogue", 6, LATER)], (6, "validated")),
        ([said("validated", 5, LATER), said("dialogue", 6)], (5, "validated")),
        ([VALIDATED, said("dialogue", 6)], (6, "validated")),
        ([VALIDATED, VISA, said("dialogue", 5, LATER)], (5, "visa")),
        ([VALIDATED, VISA, said("dialogue", 6, LATER)], (6, "validated")),
        ([VALIDATED, said("verified", 4), said("dialogue", None, LATER)], (4, "verified")),
        ([said("validated", 5, LATER), said("dialogue", None)], (5, "validated")),
        ([said("dialogue", None)], None),
        ([said("of a time to come", 9, LATER)], None),
    ],
)
def test_the_best_level_stands_and_of_two_validated_values_the_one_said_last(
    told: list[LevelSaid], expected: tuple[int, str] | None
) -> None:
    standing = {} if expected is None else {"a": Standing(value=expected[0], level=expected[1])}
    for order in permutations(told):
        assert standing_levels(order) == standing
