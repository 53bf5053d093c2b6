"""Activities over HTTP: declared, corrected, withdrawn, and what the figures make of them."""

from typing import Any

import pytest

from contracts.indicators import indicators
from services.indicators.app import FOLDER, RULE
from services.indicators.domain.activities import parse_activity_rule
from tests.indicators.ordering import FIRST, SECOND, Office, reason
from tests.indicators.sending import REPORT, send
from tests.scraped import holding

GROUPE: dict[str, Any] = {"kind": "groupe_qualite", "held_on": "2025-06-10"}
KIND = '[[kind]]\ncode = "gouter"\nlabel = "Goûter"\nmission = "prevention"\n'
ANNE, BILAL, CHLOE = "810000000011", "810000000022", "810000000033"


async def test_a_professional_counts_once_in_a_year_and_sessions_each(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities"
    new = await office.order(f"{path}/a1", GROUPE | {"participants": [BILAL, ANNE, ANNE]})
    assert new.status_code == 201, new.text
    assert new.json()["mission"] == "qualite_et_pertinence"
    assert new.json()["activity"]["participants"] == [ANNE, BILAL]
    soiree = {"kind": "soiree_thematique", "held_on": "2025-05-02"}
    await office.done(f"{path}/a2", soiree | {"participants": [ANNE, CHLOE]})
    assert await office.values(cpts_id) == {
        "qualite_reunions": 1,
        "qualite_soirees": 1,
        "qualite_participants": 3,
    }
    # Anne took part first in May: her fact counts from that day on, and no later time changes it.
    await office.done(f"{path}/a3", soiree | {"held_on": "2026-04-02", "participants": [ANNE]})
    said = await office.said("FigureChanged", cpts_id)
    (first, second) = (one for one in said if one["indicator"] == "qualite_participants")
    assert [first["value"], second["value"]] == [2, 3]
    assert {one["fact_id"]: one["from_on"] for one in second["facts"]} == {
        f"participant:{cpts_id}/{ANNE}": "2025-05-02",
        f"participant:{cpts_id}/{CHLOE}": "2025-05-02",
    }
    assert set((await office.get("/invariants")).values()) == {True}
    assert {"figures_equal_facts", "declared_facts_equal_entries"} < await holding(office.run)


async def test_quantities_add_up_and_a_correction_replaces_them(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities"
    day = {"kind": "journee_prevention", "held_on": "2026-04-14"}
    many = day | {"quantities": {"participants": 40, "orientations": 3}}
    await office.done(f"{path}/a1", many)
    await office.done(f"{path}/a2", day | {"quantities": {"participants": 2}})
    assert await office.values(cpts_id) == {
        "prevention_journees": 2,
        "prevention_participants": 42,
        "prevention_orientations": 3,
    }
    fewer = await office.order(f"{path}/a1", many | {"quantities": {"participants": 30}})
    assert fewer.status_code == 200
    await office.done(f"{path}/a2", day | {"held_on": "2026-04-15"})
    assert await office.values(cpts_id) == {
        "prevention_journees": 1,
        "prevention_participants": 30,
    }
    assert await office.values(cpts_id, SECOND.starts_on) == {"prevention_journees": 1}
    figure = await office.get(f"/cpts/{cpts_id}/figures/prevention_participants/{FIRST.starts_on}")
    assert (figure["value"], figure["revision"]) == (30, 4)
    assert figure["libelle"] == indicators()["prevention_participants"].label


async def test_what_is_withdrawn_counts_no_more_and_is_still_shown(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities"
    await office.done(f"{path}/b", {"kind": "stage", "held_on": "2025-09-01"})
    await office.done(f"{path}/a", GROUPE | {"participants": [ANNE], "evidence_ids": ["e2", "e1"]})
    await office.done(f"{path}/a", GROUPE | {"participants": [ANNE], "is_withdrawn": True})
    assert await office.values(cpts_id) == {"accompagnement_stages": 1}
    first = await office.get(path, limit=1)
    rest = await office.get(path, after=first["next"], limit=1)
    shown = [(one["activity_id"], one["activity"]["is_withdrawn"]) for one in first["items"]]
    shown += [(one["activity_id"], one["activity"]["is_withdrawn"]) for one in rest["items"]]
    assert shown == [("a", True), ("b", False)]


async def test_the_same_activity_again_says_nothing_more(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities/a"
    body = GROUPE | {"participants": [ANNE, BILAL]}
    await office.done(path, body)
    again = await office.order(path, body | {"participants": [BILAL, ANNE]}, role="caisse")
    assert again.status_code == 200
    assert len(await office.said("ActivityRecorded", cpts_id)) == 1


async def test_an_activity_shows_who_said_it_when_and_why_and_what_evidence_is_missing(
    office: Office,
) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities"
    assert (await send(office, f"/cpts/{cpts_id}/evidence/e1", REPORT)).is_success
    body = GROUPE | {"evidence_ids": ["e1", "e2"]}
    at = {"Order_Instant": "2026-04-01T10:00:00Z"}
    await office.done(f"{path}/a", body, Acting_Person="coord-7", **at)
    again = await office.order(f"{path}/a", body | {"reason": "mistyped"}, role="caisse")
    assert again.json()["said"]["said_by"] == "coord-7", "who said it first, for it says the same"
    corrected = GROUPE | {"held_on": "2025-06-11", "reason": "asked_by_caisse"}
    await office.done(f"{path}/b", GROUPE)
    await office.done(f"{path}/b", corrected, "PUT", "caisse", Acting_Person="agent-3")
    first, second = (await office.get(path))["items"]
    assert first["missing"] == ["e2"]
    assert first["said"] == {
        "by_role": "cpts",
        "said_by": "coord-7",
        "recorded_at": "2026-04-01T10:00:00Z",
    }
    assert (second["said"]["by_role"], second["said"]["said_by"]) == ("caisse", "agent-3")
    assert (second["activity"]["reason"], second["missing"]) == ("asked_by_caisse", [])


async def test_an_activity_before_its_aci_counts_once_the_aci_is_heard(office: Office) -> None:
    cpts_id = await office.new_cpts(is_under_contract=False)
    await office.done(f"/cpts/{cpts_id}/activities/a", GROUPE)
    assert await office.values(cpts_id) == {}
    await office.sign(cpts_id)
    assert await office.values(cpts_id) == {"qualite_reunions": 1}
    await office.sign(cpts_id, SECOND, after=2)
    assert await office.values(cpts_id) == {}
    await office.sign(cpts_id, FIRST, after=3)
    assert await office.values(cpts_id) == {"qualite_reunions": 1}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "goûter"}, 400),
        ({"kind": "gouter"}, (409, "unknown_kind")),
        ({"held_on": "2026-05-05"}, (409, "not_yet_held")),
        ({"held_on": "1926-05-05"}, 400),
        ({"participants": ["Anne"]}, 400),
        ({"quantities": {"moods": 3}}, 400),
        ({"quantities": {"nights": -1}}, 400),
        ({"remark": "bien"}, 400),
    ],
)
async def test_an_unsound_activity_is_refused(office: Office, change, expected) -> None:
    cpts_id = await office.new_cpts()
    refused = await office.order(f"/cpts/{cpts_id}/activities/a", GROUPE | change)
    assert (refused.status_code if expected == 400 else reason(refused)) == expected


async def test_who_may_declare_activities_and_of_whom(office: Office) -> None:
    cpts_id = await office.new_cpts()
    path = f"/cpts/{cpts_id}/activities/a"
    other = await office.order(path, GROUPE, Acting_Cpts="another")
    assert reason(other) == (403, "not_the_acting_cpts")
    assert reason(await office.order("/cpts/nobody/activities/a", GROUPE)) == (404, "unknown_cpts")


def test_every_activity_indicator_but_those_of_crises_is_added_up_by_the_rule() -> None:
    added = {one.indicator for one in RULE.activities.added}
    assert added == {
        one.code
        for one in indicators().values()
        if one.source == "activities" and one.mission != "crise_sanitaire"
    }
    assert not any(one.is_verified for one in RULE.activities.added)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("qualite_reunions", "depistage_sein", "source is caisse"),
        ("qualite_reunions", "prevention_journees", "qualite_et_pertinence and prevention"),
        ("qualite_reunions", "qualite_reunion", "has no such indicator"),
        ('kind = "stage"', 'kind = "stages"', "code stages"),
        (
            'counts = "sessions"',
            'counts = "sessions"\nunit = "nights"',
            "qualite_reunions: .* unit",
        ),
        ('unit = "nights"', 'unit = "cases"', "'cases'.*units are .*nights"),
        ('text = "Hypothèse : un stage', 'text = ""\n# ', "accompagnement_stages: its text"),
        (
            *(
                '"soiree_thematique"\nindicator = "qualite_p',
                '"groupe_qualite"\nindicator = "qualite_p',
            ),
            "addition groupe_qualite qualite_participants 2019-06-20 is there twice",
        ),
        ('code = "hebergement"', 'code = "protocole"', "kind protocole is there twice"),
        ('[[kind]]\ncode = "stage"', KIND + '[[kind]]\ncode = "stage"', "added.* by gouter"),
    ],
)
def test_an_unsound_rule_is_refused_and_its_place_named(before: str, after: str, said: str) -> None:
    content = (FOLDER / "activities.toml").read_text("utf-8")
    assert before in content
    with pytest.raises(ValueError, match=said):
        parse_activity_rule(content.replace(before, after, 1).encode())
