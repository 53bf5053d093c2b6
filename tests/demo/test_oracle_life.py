"""The oracle's life of CPTS: what it says by hand, and each way in which membership may differ."""

from datetime import date
from typing import Any

import pytest

from deploy.local.demo.compare_life import deadline_differences
from deploy.local.demo.oracle import Oracle, foresee
from deploy.local.demo.oracle_deadlines import Deadline, Deadlines
from deploy.local.demo.story import season


@pytest.fixture(scope="module")
def foreseen() -> Oracle:
    told = season(seed=11, departements=1, demands=120)
    return foresee(told.orders, told.ends_at)


START, DEPLOYMENT = "start", "deployment"
BY_HAND = [
    # Signed on 12 March 2025, started within six months, never within twelve.
    ("95-haut-val", "", "acces_aux_soins", START, "2025-09-12", "2025-05-02", False),
    ("95-haut-val", "", "prevention", START, "2026-03-12", None, True),
    # Signed on 12 July 2022; what the first ACI should have brought came in time for the second.
    ("95-plaine-vallee", "avant-", "acces_aux_soins", DEPLOYMENT, "2024-01-12", "2025-11-14", True),
    ("95-plaine-vallee", "", "acces_aux_soins", DEPLOYMENT, "2026-02-26", "2025-11-14", False),
    # Met in time, but told after the day.
    ("95-parisis-est", "", "acces_aux_soins", START, "2025-07-12", "2025-02-01", True),
]


@pytest.mark.parametrize(("cpts_id", "aci", "mission", "step", "due", "met", "missed"), BY_HAND)
def test_a_deadline_of_the_season_is_what_it_is_by_hand(
    foreseen: Oracle,
    cpts_id: str,
    aci: str,
    mission: str,
    step: str,
    due: str,
    met: str | None,
    missed: bool,
) -> None:
    one = foreseen.contracts.cpts[cpts_id].deadlines[f"aci-{aci}{cpts_id}", mission, step]
    assert (one.due_on.isoformat(), one.met_on and one.met_on.isoformat()) == (due, met)
    assert one.is_missed == missed


def test_an_aci_that_ended_early_has_no_deadline_after_its_end(foreseen: Oracle) -> None:
    deadlines = foreseen.contracts.cpts["95-parisis-ouest"].deadlines
    assert {step for _, _, step in deadlines} == {START}
    assert ("aci-95-parisis-ouest", "parcours_pluriprofessionnel", START) not in deadlines


KEY = ("aci", "prevention", START)
NEAR: Deadlines = {KEY: Deadline(date(2026, 5, 1), None, is_near=True)}
TOLD: dict[str, Any] = {
    "aci_id": "aci",
    "mission": "prevention",
    "step": START,
    "due_on": "2026-05-01",
    "met_on": None,
    "is_near": True,
    "is_missed": False,
}


def test_a_deadline_that_is_another_is_named() -> None:
    assert list(deadline_differences("c1", NEAR, [TOLD])) == []
    other = TOLD | {"step": DEPLOYMENT}
    wrongs: list[dict[str, Any]] = [
        {"due_on": "2026-05-02"},
        {"met_on": "2026-04-01"},
        {"is_near": False},
        {"is_missed": True},
    ]
    for told in (*([TOLD | wrong] for wrong in wrongs), [], [TOLD, other]):
        (found,) = deadline_differences("c1", NEAR, told)
        assert (found.what, found.where[:17]) == ("délai", "c1/aci/prevention")
