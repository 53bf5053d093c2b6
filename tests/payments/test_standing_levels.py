"""Which value of a figure stands, of all that was said of it, and what the CPTS says of it."""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest

from contracts.events.payments import YearSettled
from services.payments.domain.accounts import Account
from services.payments.domain.levels import LevelSaid, Standing, standing_levels
from services.payments.domain.lines import Line
from services.payments.domain.settlement import settle
from services.payments.domain.statement import level_of
from tests.payments.written import RATES

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


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([VALIDATED], "silent"),
        ([VALIDATED, said("stance", 5, LATER, answer="agreed")], "agreed"),
        ([VALIDATED, said("stance", 5, LATER, answer="disagreed")], "disagreed"),
        ([VALIDATED, said("stance", 4, LATER, answer="agreed")], "silent"),
        ([said("dialogue", 6, LATER), said("stance", 6, answer="agreed"), VALIDATED], "agreed"),
        ([said("verified", 4), said("stance", 4, answer="disagreed")], "disagreed"),
    ],
)
def test_the_cpts_has_said_of_a_value_what_it_said_of_this_very_one(
    told: list[LevelSaid], expected: str
) -> None:
    for order in permutations(told):
        assert standing_levels(order)["a"].answer == expected


def test_a_settlement_tells_what_had_no_agreement_and_what_no_visa() -> None:
    levels = {
        "a": Standing(value=1, level="visa", answer="agreed"),
        "b": Standing(value=1, level="validated", answer="disagreed"),
        "c": Standing(value=1, level="visa"),
    }
    lines = [
        Line(mission="acces_aux_soins", indicator=name, mode="linear", max_cents=10_00, target=1)
        for name in levels
    ]
    account = Account(
        cpts_id="c1",
        starts_on=date(2026, 4, 15),
        departement="95",
        taille=3,
        lines=tuple(lines),
        levels=levels,
    )
    settled = settle(account, LATER.date(), RATES, 30_00, LATER.date())
    assert isinstance(settled, YearSettled)
    assert (settled.without_agreement, settled.without_visa) == (("b", "c"), ("b",))
    assert [level_of(one, settled) for one in settled.lines] == [
        "validée, visa de l’ARS",
        "validée, sans accord de la CPTS",
        "validée, visa de l’ARS, sans accord de la CPTS",
    ]
