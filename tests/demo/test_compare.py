"""The comparison of referrals: each field that is foreseen, when it is another, is named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from deploy.local.demo.compare import case_differences, referral_differences
from deploy.local.demo.oracle import foresee
from deploy.local.demo.oracle_attribution import Case
from deploy.local.demo.oracle_referrals import Referral
from deploy.local.demo.story import season

FIELDS = {"practitioner_rpps": "rpps", "changed_at": "answered_at", "outcome": "reason"}
INSTANTS = ("see_by", "answer_by", "accepted_at", "starts_at", "changed_at")


@pytest.fixture(scope="module")
def foreseen() -> dict[str, Referral]:
    told = season(seed=5, departements=1, demands=120)
    return foresee(told.orders, told.ends_at).referrals


def shown(one: Referral) -> dict[str, Any]:
    """A referral as the service shows it: instants as JSON has them, in UTC."""
    names = ("state", "cpts_id", "practitioner_rpps", "outcome", *INSTANTS)
    shown = {name: getattr(one, FIELDS.get(name, name)) for name in names}
    utc = {name: shown[name] and shown[name].astimezone(UTC) for name in INSTANTS}
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shown | utc))
    return decoded


def test_what_is_as_foreseen_is_no_difference(foreseen: dict[str, Referral]) -> None:
    found = {id_: shown(one) for id_, one in foreseen.items()}
    assert list(referral_differences(foreseen, found)) == []


@pytest.mark.parametrize(
    ("state", "field"),
    [
        *(("honoured", field) for field in ("state", "cpts_id", "practitioner_rpps")),
        *(("honoured", field) for field in INSTANTS if field != "changed_at"),
        *(("expired", field) for field in ("see_by", "answer_by", "changed_at")),
        *(("declined", field) for field in ("answer_by", "outcome")),
        *(("returned", field) for field in ("see_by", "outcome")),
    ],
)
def test_a_field_that_is_another_is_named(
    foreseen: dict[str, Referral], state: str, field: str
) -> None:
    id_ = next(
        id_ for id_, one in foreseen.items() if one.state == state and one.answer_by is not None
    )
    right = shown(foreseen[id_])
    wrong = "another"
    if field in INSTANTS:
        instant = getattr(foreseen[id_], FIELDS.get(field, field))
        wrong = (instant + timedelta(microseconds=1)).isoformat()
    (found,) = referral_differences({id_: foreseen[id_]}, {id_: right | {field: wrong}})
    assert found.where == f"{id_}/{field}"
    (absent,) = referral_differences({id_: foreseen[id_]}, {})
    assert (absent.where, absent.found) == (id_, None)
    (strange,) = referral_differences({}, {id_: right})
    assert (strange.where, strange.expected) == (id_, None)


CASE = Case(
    datetime(2026, 1, 12, 9, 0, tzinfo=UTC),
    cpts_id="c2",
    candidates=("c1", "c2"),
    doubts=frozenset({"ambiguous"}),
    state="decided",
)
LISTED: dict[str, Any] = {
    "cpts_id": "c2",
    "outcome": "counted",
    "state": "decided",
    "twin": None,
    "candidates": ["c1", "c2"],
    "kinds": ["ambiguous"],
}


def test_an_attribution_that_is_another_is_named() -> None:
    assert list(case_differences({"a": CASE}, {"a": LISTED})) == []
    wrongs: list[dict[str, Any]] = [
        {"cpts_id": "c1"},
        {"outcome": "left_out"},
        {"state": "reopened"},
        {"twin": "appointment:b"},
        {"candidates": ["c2", "c1"]},
        {"kinds": []},
    ]
    for told in (*({"a": LISTED | wrong} for wrong in wrongs), {}, {"a": LISTED, "b": LISTED}):
        (found,) = case_differences({"a": CASE}, told)
        assert found.what == "attribution"
    undoubted = Case(CASE.created_at, cpts_id="c1", candidates=("c1",))
    assert list(case_differences({"b": undoubted}, {})) == []
