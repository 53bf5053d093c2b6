"""The oracle's life of CPTS: what it says by hand, and each way in which membership may differ."""

from datetime import date
from typing import Any

import pytest

from deploy.local.demo.associations import SIREN
from deploy.local.demo.compare_life import deadline_differences
from deploy.local.demo.demands import referral_id
from deploy.local.demo.oracle import Oracle, foresee
from deploy.local.demo.oracle_deadlines import Deadline, Deadlines
from deploy.local.demo.oracle_figures import DEMANDS, outlook
from deploy.local.demo.story import season
from deploy.local.demo.transfers import CENTRE, DOCTORS, NEW, RIVE, VEXIN


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


def test_places_and_people_go_where_the_merger_and_the_split_say(foreseen: Oracle) -> None:
    asked = [foreseen.referrals[referral_id(f"V-{i}")] for i in range(10)]
    assert [(one.cpts_id, one.state) for one in asked] == [
        *((VEXIN, "booked"), (VEXIN, "booked"), (RIVE, "expired"), (RIVE, "booked")),
        # The second doctor went on to the third CPTS only in December, the first one with it.
        *((RIVE, "booked"), (RIVE, "booked"), (NEW, "expired"), (NEW, "booked"), (NEW, "booked")),
        (NEW, "expired"),
    ]
    found = outlook(foreseen)

    def counted(cpts_id: str, year: date) -> int:
        return len(found.facts[cpts_id, DEMANDS, year])

    # Three demands and the appointment of before; one and three, of which one named who was gone.
    assert counted(VEXIN, date(2025, 1, 1)) == 4
    assert (counted(RIVE, date(2024, 11, 1)), counted(RIVE, date(2025, 11, 1))) == (1, 4)
    # 9 000 of a line with a target of nine.
    assert found.cents[RIVE, date(2025, 11, 1)] == 4_000_00
    # 55 000 × 226/365 = 34 054.79 of what ran from 1 February to 14 September.
    advance, recovery = (
        found.dues[VEXIN][date(2025, 1, 1), f"acces_aux_soins:fixe:{name}"].cents
        for name in ("advance", "recovery")
    )
    assert (advance, advance + recovery) == (37_746_57, 34_054_79)


def test_a_structure_and_who_works_in_it_go_with_a_merger_and_a_split(foreseen: Oracle) -> None:
    asked = [foreseen.referrals[referral_id(f"V-{i}")] for i in range(10, 14)]
    assert [(one.cpts_id, one.state) for one in asked] == [
        # Who had left it by the day of the merger belongs to nobody.
        *((VEXIN, "booked"), (RIVE, "booked"), (RIVE, "expired"), (NEW, "booked")),
    ]
    cpts = foreseen.contracts.cpts
    last, whole = {"to_on": "2025-09-14"}, f"{VEXIN}~{CENTRE}"
    assert cpts[VEXIN].structures.told[CENTRE].items() >= last.items()
    assert cpts[RIVE].structures.told[whole]["to_on"] == "2025-11-30"
    assert cpts[NEW].structures.told[f"{RIVE}~{whole}"]["from_on"] == "2025-12-01"
    # He is a member by himself too, and went to the third CPTS both ways.
    through = f"{RIVE}~{whole}:aussi"
    assert {through, f"{RIVE}~{VEXIN}~m-{VEXIN}-0"} <= cpts[NEW].members.keys()
    assert f"{whole}:six" not in cpts[RIVE].members


def test_the_association_of_a_seat_has_its_siren_too(foreseen: Oracle) -> None:
    told = foreseen.contracts.cpts["95-haut-val"].associations
    assert told.told["siege"]["siren"] == SIREN
    assert told.tools["agenda"]["is_dmp_compatible"] is True
    assert {*foreseen.contracts.cpts[VEXIN].associations.tools} == {"agenda"}


def test_the_taille_follows_a_merger_and_a_split_at_the_next_anniversary(foreseen: Oracle) -> None:
    tailles = foreseen.contracts.cpts[RIVE].tailles
    assert [tailles[date(year, 11, 1)] for year in (2024, 2025, 2026)] == [1, 2, 1]
    # The doctor of both is one member still.
    members = foreseen.contracts.cpts[RIVE].members.values()
    assert [one.rpps for one in members].count(DOCTORS[2]) == 1


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
