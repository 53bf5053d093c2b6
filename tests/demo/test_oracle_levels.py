"""The oracle's levels of figures: what it says by hand, and each way in which what indicators says
may differ.
"""

import copy
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import msgspec
import pytest

from deploy.local.demo.compare_levels import declared_differences, standing_differences
from deploy.local.demo.levels import OPEN, RUNS, SATISFIED, SETTLED, YEAR_OF
from deploy.local.demo.oracle import Oracle, foresee
from deploy.local.demo.oracle_declared import Declared
from deploy.local.demo.oracle_levels import Word, sample
from deploy.local.demo.settlements import GROUPS, PRESENT, PREVENTION, SCREENED
from deploy.local.demo.story import season
from deploy.local.demo.transfers import RIVE
from services.indicators.domain.levels import draw_sample


@pytest.fixture(scope="module")
def foreseen() -> Oracle:
    told = season(seed=11, departements=1, demands=120)
    return foresee(told.orders, told.ends_at)


def best(foreseen: Oracle, cpts_id: str, indicator: str) -> tuple[int, str, str]:
    year = YEAR_OF.get(cpts_id, date(2024, 11, 1))
    found = foreseen.payments.dialogues.best(cpts_id, year)[indicator]
    return found.value, found.level, found.answer


def test_the_best_level_is_what_it_is_by_hand(foreseen: Oracle) -> None:
    assert best(foreseen, RUNS, GROUPS) == (3, "visa", "agreed")
    # The caisse validated another value after the visa; of that the CPTS has said nothing.
    assert best(foreseen, RUNS, PREVENTION)[1:] == ("validated", "silent")
    assert best(foreseen, RUNS, SCREENED) == (6990, "verified", "silent")
    # The dialogue said another value later; and that there is none, where one was verified.
    assert best(foreseen, OPEN, SCREENED) == (7240, "validated", "silent")
    assert best(foreseen, OPEN, PRESENT) == (7, "verified", "silent")
    # Put on 440 people, before the dialogue took them back.
    assert best(foreseen, SETTLED, PREVENTION)[:2] == (450, "validated")
    assert best(foreseen, RIVE, "sas_demandes_avec_rdv")[:2] == (2, "visa")


def test_a_visa_was_known_as_long_as_its_validation_stood(foreseen: Oracle) -> None:
    figure = (SETTLED, PREVENTION, YEAR_OF[SETTLED])
    said = foreseen.levels.said[figure]
    levels = ["verified", "stance", "validated", "validated", "visa"]
    assert [one.level for one in said] == levels
    before = foreseen.levels.standing(figure, known_at=said[2].said_at)
    assert (before["validated"].value, "visa" in before) == (450, False)
    on_the_day = foreseen.levels.standing(figure, true_on=said[2].decided_on)
    assert on_the_day == before
    assert foreseen.levels.standing(figure)["visa"].value == 440


def test_a_declared_value_stands_until_it_is_taken_back(foreseen: Oracle) -> None:
    figure = (RUNS, SATISFIED, YEAR_OF[RUNS])
    first, second = foreseen.declarations.said[figure]
    assert foreseen.declarations.standing(figure) == second
    assert foreseen.declarations.standing(figure, known_at=first.said_at) == first
    # Told with the day on which it was so, which is before that of the first.
    assert foreseen.declarations.standing(figure, true_on=second.true_on) == second
    assert (first.value, second.value, second.true_on) == (7200, 7500, date(2025, 11, 28))
    assert best(foreseen, RUNS, SATISFIED) == (7400, "verified", "silent")
    (verified,) = foreseen.levels.said[figure]
    assert verified.evidence == {"enquete", "depouillement"}
    taken_back = (RUNS, "parcours_professionnels_recenses", YEAR_OF[RUNS])
    assert foreseen.declarations.standing(taken_back) is None
    assert foreseen.declarations.values()[taken_back] == 0


def test_oracle_and_service_draw_the_same_sample() -> None:
    random = Random(7)
    for _ in range(50):
        pieces = {f"p{random.randrange(10**6)}" for _ in range(random.randrange(9))}
        seed, size = random.randrange(2**32), random.randrange(1, 12)
        assert sample(pieces, seed, size) == draw_sample(pieces, seed=seed, size=size)


AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
DRAWN = Word(
    level="verified",
    value=5,
    decided_on=date(2026, 5, 4),
    by_role="caisse",
    said_at=AT,
    number=1,
    evidence=frozenset({"a", "b", "c"}),
    sample_size=2,
)
TOLD: dict[str, Any] = {
    "verified": {
        "value": 5,
        "decided_on": "2026-05-04",
        "by_role": "caisse",
        "recorded_at": AT.isoformat(),
        "revision": 1,
        "answer": None,
        "reason": None,
        "ground": None,
        "seed": 42,
        "is_seed_chosen": False,
        "evidence_ids": [*sample({"a", "b", "c"}, 42, 2)],
        "stance_revision": None,
        "missing": [one for one in sample({"a", "b", "c"}, 42, 2) if one != "a"],
        "said_by": None,
    },
    "stance": None,
    "validated": None,
    "visa": None,
}


def test_a_level_that_is_as_foreseen_is_no_difference() -> None:
    assert list(standing_differences("c1", {"verified": DRAWN}, TOLD, {"a"})) == []
    assert list(standing_differences("c1", {}, TOLD | {"verified": None}, ())) == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("value", 6), ("decided_on", "2026-05-03"), ("by_role", "ars"), ("revision", 2)),
        *(("answer", "silent"), ("reason", "rule_contested"), ("ground", "rule_contested")),
        *(("is_seed_chosen", True), ("seed", None), ("evidence_ids", ["a", "b", "c"])),
        *(
            ("missing", ["a", "b", "c"]),
            ("stance_revision", 1),
            ("recorded_at", "2026-05-04T09:00:01+00:00"),
        ),
    ],
)
def test_a_level_that_is_another_is_named(name: str, wrong: Any) -> None:
    told = copy.deepcopy(TOLD)
    told["verified"][name] = wrong
    (found,) = standing_differences("c1", {"verified": DRAWN}, told, {"a"})
    assert (found.what, found.where) == ("niveau", "c1/verified")
    assert msgspec.json.encode(found)


def test_a_level_that_is_missing_or_too_many_is_named() -> None:
    (absent,) = standing_differences("c1", {"verified": DRAWN}, TOLD | {"verified": None}, ())
    (strange,) = standing_differences("c1", {}, TOLD, {"a"})
    assert (absent.found, strange.expected) == (None, None)


DECLARED = Declared(7500, date(2026, 5, 4), ("a", "b"), AT)
SHOWN: dict[str, Any] = {
    "value": 7500,
    "true_on": "2026-05-04",
    "recorded_at": AT.isoformat(),
    "evidence_ids": ["a", "b"],
    "missing": ["b"],
}


def test_a_declared_value_that_is_another_is_named() -> None:
    assert list(declared_differences("c1", DECLARED, SHOWN, {"a"})) == []
    assert list(declared_differences("c1", None, None, ())) == []
    wrongs: list[dict[str, Any]] = [
        {"value": 7400},
        {"true_on": "2026-05-03"},
        {"recorded_at": "2026-05-04T09:00:01+00:00"},
        {"evidence_ids": ["a"]},
        {"missing": []},
    ]
    for told in (*(SHOWN | wrong for wrong in wrongs), None):
        (found,) = declared_differences("c1", DECLARED, told, {"a"})
        assert (found.what, found.where) == ("déclaré", "c1")
    (strange,) = declared_differences("c1", None, SHOWN, {"a"})
    assert strange.expected is None
