"""Crises over HTTP: the plan, what the ARS recognises, what a CPTS did, and their figures."""

import itertools
from typing import Any

import pytest

from contracts.indicators import indicators
from services.indicators.app import RULE
from services.indicators.domain.crises import ACTIONS, PLAN, PROFESSIONALS, UPDATE
from services.indicators.domain.rule import Name
from tests.indicators.ordering import FIRST, SECOND, Office, reason

FIVE = ["agent_infectieux", "blesses", "malades", "nrc", "offre_de_soins"]
WRITTEN: dict[str, Any] = {"typologies": FIVE, "written_on": "2025-06-01"}
SENT = WRITTEN | {"sent_to_ars_on": "2025-07-01"}
CRISIS: dict[str, Any] = {
    "departements": ["95", "93"],
    "typology": "malades",
    "from_on": "2026-01-10",
    "to_on": "2026-02-10",
}
ANNE, BILAL = "810000000011", "810000000022"
NAMES = (f"crise-{n}" for n in itertools.count(1))


async def recognise(office: Office, **change: Any) -> str:
    crisis_id = next(NAMES)
    await office.done(f"/crises/{crisis_id}", CRISIS | change, "POST", "ars")
    return crisis_id


async def test_a_plan_counts_from_its_sending_on_and_an_update_in_its_year(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/crisis-plan"
    new = await office.order(path, WRITTEN)
    assert new.status_code == 201, new.text
    assert await office.values(cpts_id) == {}
    await office.done(path, SENT | {"typologies": FIVE[1:]})
    assert await office.values(cpts_id) == {}
    await office.done(path, SENT)
    assert await office.values(cpts_id) == {PLAN: 1}
    assert await office.values(cpts_id, SECOND.starts_on) == {PLAN: 1}
    updated = SENT | {"updated_on": ["2026-05-02", "2026-04-20"], "evidence_ids": ["plan"]}
    await office.done(path, updated)
    assert await office.values(cpts_id) == {PLAN: 1}
    assert await office.values(cpts_id, SECOND.starts_on) == {PLAN: 1, UPDATE: 1}
    shown = (await office.get(path))["plan"]
    as_told = {"updated_on": ["2026-04-20", "2026-05-02"], "is_withdrawn": False, "reason": None}
    assert shown == updated | as_told
    year = f"/cpts/{cpts_id}/contract-years/{SECOND.starts_on}/figures"
    sample = await office.done(f"{year}/{UPDATE}/samples", {"size": 9}, "POST", "caisse")
    assert sample["evidence_ids"] == ["plan"]
    early = await office.get(year, true_on="2026-04-19")
    (update,) = (one for one in early["figures"] if one["indicator"] == UPDATE)
    assert update["live"]["value"] == 0
    mistaken = {"is_withdrawn": True, "reason": "mistyped"}
    await office.done(path, updated | mistaken, Acting_Person="coord-7")
    assert await office.values(cpts_id, SECOND.starts_on) == {}
    now = await office.get(path)
    assert (now["plan"]["reason"], now["missing"]) == ("mistyped", ["plan"])
    assert (now["said"]["by_role"], now["said"]["said_by"]) == ("cpts", "coord-7")
    nobody = await office.client.get("/cpts/nobody/crisis-plan")
    assert nobody.status_code == 404


async def test_an_update_counts_of_a_conform_plan_alone(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/crisis-plan"
    for plan in (WRITTEN, SENT | {"typologies": FIVE[1:]}):
        await office.done(path, plan | {"updated_on": ["2026-03-01"]})
        assert await office.values(cpts_id) == {}
        assert set((await office.get("/invariants")).values()) == {True}
    await office.done(path, SENT | {"updated_on": ["2026-03-01"]})
    assert await office.values(cpts_id) == {PLAN: 1, UPDATE: 1}
    assert set((await office.get("/invariants")).values()) == {True}


async def test_a_response_counts_professionals_once_a_year_and_adds_actions(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    first, second = (
        await recognise(office),
        await recognise(office, from_on="2026-03-01", to_on=None),
    )
    body = {"professionals": [BILAL, ANNE], "actions_count": 3, "evidence_ids": ["e"]}
    path = f"/cpts/{cpts_id}/crises"
    new = await office.order(f"{path}/{first}/response", body)
    assert new.status_code == 201, new.text
    assert new.json()["response"]["professionals"] == [ANNE, BILAL]
    more = {"professionals": [ANNE], "actions_count": 2}
    await office.done(f"{path}/{second}/response", more, Acting_Person="coord-7")
    shown = await office.get(f"{path}/{second}/response")
    assert (shown["response"]["professionals"], shown["missing"]) == ([ANNE], [])
    assert (shown["said"]["by_role"], shown["said"]["said_by"]) == ("cpts", "coord-7")
    assert (await office.get(f"{path}/{first}/response"))["missing"] == ["e"]
    assert (await office.client.get(f"{path}/none/response")).status_code == 404
    assert await office.values(cpts_id) == {PROFESSIONALS: 2, ACTIONS: 5}
    figure = f"/cpts/{cpts_id}/contract-years/{FIRST.starts_on}/figures/{ACTIONS}"
    sample = await office.done(f"{figure}/samples", {"size": 9}, "POST", "caisse")
    assert sample["evidence_ids"] == ["e"]
    await office.done(f"{path}/{first}/response", body | {"is_withdrawn": True})
    assert await office.values(cpts_id) == {PROFESSIONALS: 1, ACTIONS: 2}
    assert set((await office.get("/invariants")).values()) == {True}


async def test_what_the_ars_corrects_moves_the_figures_of_those_who_responded(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    crisis_id = await recognise(office)
    response = {"professionals": [ANNE], "actions_count": 1}
    await office.done(f"/cpts/{cpts_id}/crises/{crisis_id}/response", response)
    path = f"/crises/{crisis_id}"
    later = CRISIS | {"from_on": "2026-04-15", "to_on": None}
    await office.done(path, later, "POST", "ars")
    assert await office.values(cpts_id) == {}
    assert await office.values(cpts_id, SECOND.starts_on) == {PROFESSIONALS: 1, ACTIONS: 1}
    await office.done(path, CRISIS | {"departements": ["95"]}, "POST", "ars")
    assert await office.values(cpts_id) == {}
    again = await office.order(path, CRISIS, "POST", "ars")
    assert again.status_code == 200
    assert await office.values(cpts_id) == {PROFESSIONALS: 1, ACTIONS: 1}
    await office.done(path, CRISIS | {"is_withdrawn": True}, "POST", "ars")
    assert await office.values(cpts_id) == {}
    late = await office.order(f"/cpts/{cpts_id}/crises/{crisis_id}/response", response)
    assert reason(late) == (409, "crisis_withdrawn")
    page = await office.get("/crises", limit=1000)
    (shown,) = (one for one in page["items"] if one["crisis_id"] == crisis_id)
    assert (shown["crisis"]["departements"], shown["crisis"]["is_withdrawn"]) == (
        ["93", "95"],
        True,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"typologies": ["panne"]}, (409, "unknown_typology")),
        ({"sent_to_ars_on": "2025-05-31"}, (409, "days_out_of_order")),
        ({"updated_on": ["2025-05-31"]}, (409, "days_out_of_order")),
        ({"updated_on": ["2026-05-05"]}, (409, "day_to_come")),
        ({"typologies": []}, 400),
        ({"written_on": "1925-06-01"}, 400),
    ],
)
async def test_an_unsound_plan_is_refused(
    office: Office, change: dict[str, Any], expected: Any
) -> None:
    cpts_id = await office.new_cpts()
    refused = await office.order(f"/cpts/{cpts_id}/crisis-plan", SENT | change)
    assert (refused.status_code if expected == 400 else reason(refused)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"typology": "panne"}, (409, "unknown_typology")),
        ({"departements": ["00"]}, (409, "unknown_departement")),
        ({"departements": ["20"]}, (409, "unknown_departement")),
        ({"to_on": "2026-01-09"}, (409, "days_out_of_order")),
        ({"departements": []}, 400),
    ],
)
async def test_an_unsound_crisis_is_refused(
    office: Office, change: dict[str, Any], expected: Any
) -> None:
    refused = await office.order("/crises/unsound", CRISIS | change, "POST", "ars")
    assert (refused.status_code if expected == 400 else reason(refused)) == expected


async def test_a_cpts_responds_to_a_crisis_of_its_departement_that_has_begun(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    elsewhere = await recognise(office, departements=["95"])
    to_come = await recognise(office, from_on="2026-05-05", to_on=None)
    for crisis_id, expected in (
        ("none", (404, "unknown_crisis")),
        (elsewhere, (409, "crisis_elsewhere")),
        (to_come, (409, "day_to_come")),
    ):
        refused = await office.order(f"/cpts/{cpts_id}/crises/{crisis_id}/response", {})
        assert reason(refused) == expected


def test_every_declared_indicator_has_a_way_to_be_counted() -> None:
    counted = {one.indicator for one in RULE.activities.added} | {
        PLAN,
        UPDATE,
        PROFESSIONALS,
        ACTIONS,
    }
    of_activities = {one.code for one in indicators().values() if one.source == "activities"}
    assert counted == of_activities
    (typologies,) = (one for one in RULE.values if one.name is Name.CRISIS_TYPOLOGIES)
    assert sorted(typologies.value) == FIVE
    assert not typologies.is_verified
