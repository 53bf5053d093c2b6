"""The life of a CPTS over HTTP and through time: what falls due, who decides, who becomes whom."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.membership.domain.calendar import midnight
from tests.membership.ordering import House, member, place, reason, rpps

LETTRE = {"sent_on": "2026-01-10", "communes": ["77288"], "partners": ["1770000123"]}
SENT = {"sent_on": "2026-03-01"}
ACI = {"aci_id": "aci", "signed_on": "2026-03-01", "starts_on": "2026-04-15", "years": 3}
STRUCTURE = {
    "kind": "msp",
    "structure_name": "MSP du Val",
    "siret": "12345678900011",
    "from_on": "2026-02-01",
}

WORKS = {"rpps": rpps("1000000053"), "profession": "10", "from_on": "2026-02-01"}


async def under_contract(house: House) -> str:
    """A CPTS of one commune whose ACI was signed on 1 March 2026."""
    cpts_id = await house.new_cpts()
    await house.order(f"/cpts/{cpts_id}/territory", place("e", next(house.communes).code))
    signed = await house.order(f"/cpts/{cpts_id}/aci", ACI, role="ars")
    assert signed.status_code == 201, signed.text
    return cpts_id


async def test_a_cpts_comes_to_be_step_by_step(house: House) -> None:
    cpts_id = await house.new_cpts(emerged_on="2025-06-01")
    path = f"/cpts/{cpts_id}"
    assert (await house.get(path))["stage"] == "emergence"
    assert (await house.get(path, on="2025-05-31"))["stage"] is None

    lettre = await house.order(f"{path}/lettres-intention/l", LETTRE, "PUT")
    assert (lettre.status_code, lettre.json()["validated_on"]) == (201, None)
    again = await house.order(f"{path}/lettres-intention/l", LETTRE, "PUT")
    assert (again.status_code, again.json()) == (200, lettre.json())
    day = {"validated_on": "2026-02-01"}
    by_cpts = await house.order(f"{path}/lettres-intention/l/validation", day)
    assert (by_cpts.status_code, reason(by_cpts)) == (403, "role_not_allowed")
    absent = await house.order(f"{path}/lettres-intention/x/validation", day, role="ars")
    assert (absent.status_code, reason(absent)) == (404, "unknown_lettre")
    await house.order(f"{path}/lettres-intention/l/validation", day, role="ars")
    more = LETTRE | {"partners": ["12345678900011"]}
    rewritten = await house.order(f"{path}/lettres-intention/l", more, "PUT")
    assert reason(rewritten) == "lettre_validated"
    same = await house.order(f"{path}/lettres-intention/l", LETTRE, "PUT")
    assert (same.status_code, same.json()["validated_on"]) == (200, "2026-02-01")
    replaced = await house.order(f"{path}/lettres-intention/l", more, "PUT", role="ars")
    assert replaced.json()["validated_on"] == "2026-02-01"
    assert (await house.get(path))["stage"] == "lettre_intention"

    association = {"declared_on": "2026-02-10", "legal_form": "loi_1901", "rna": "W771234567"}
    declared = await house.order(f"{path}/associations/a", association, "PUT")
    assert declared.status_code == 201
    wrong = association | {"siret": "73282932000075"}
    refused = await house.order(f"{path}/associations/a", wrong, "PUT")
    assert reason(refused) == "wrong_check_digit"
    numbered = association | {"siret": "73282932000074"}
    corrected = await house.order(f"{path}/associations/a", numbered, "PUT")
    assert corrected.json()["siren"] == "732829320", "the SIRET says it"
    await house.order(f"{path}/projets-de-sante/p", SENT, "PUT")
    await house.order(f"{path}/territory", place("e", next(house.communes).code))
    early = await house.order(f"{path}/aci", ACI, role="ars")
    assert reason(early) == "projet_not_validated"
    validated = await house.order(f"{path}/projets-de-sante/p/validation", {}, role="ars")
    assert (validated.json()["outcome"], validated.json()["decided_on"]) == (
        "validated",
        "2026-04-15",
    )
    assert (await house.get(path))["stage"] == "projet_de_sante"
    signed = await house.order(f"{path}/aci", ACI | {"signed_on": "2026-04-15"}, role="ars")
    assert signed.status_code == 201
    assert (await house.get(path))["stage"] == "aci"
    (shown,) = (await house.get(f"{path}/associations"))["items"]
    assert shown["rna"] == "W771234567"
    (shown,) = (await house.get(f"{path}/projets-de-sante"))["items"]
    assert shown["projet_id"] == "p"


async def test_only_the_ars_decides_on_a_projet_and_within_two_months(house: House) -> None:
    path = f"/cpts/{await house.new_cpts()}/projets-de-sante/p"
    grounds = {"grounds": ["prs_not_respected"]}
    assert reason(await house.order(f"{path}/objection", grounds, role="ars")) == "unknown_projet"
    decided = SENT | {"validated_on": "2026-03-10"}
    for role in ("cpts", "caisse", "system"):
        refused = await house.order(path, decided, "PUT", role)
        assert (refused.status_code, reason(refused)) == (403, "role_not_allowed")
    await house.order(path, SENT, "PUT")
    for role in ("cpts", "caisse", "system", "regulation"):
        refused = await house.order(f"{path}/objection", grounds, role=role)
        assert (refused.status_code, reason(refused)) == (403, "role_not_allowed")
    # on 1 May in Paris the ARS may still object, and a second later no more
    late = await house.order(
        f"{path}/objection", grounds, role="ars", Order_Instant="2026-05-02T00:00:00+02:00"
    )
    assert reason(late) == "silence_elapsed"
    objected = await house.order(
        f"{path}/objection", grounds, role="ars", Order_Instant="2026-05-01T23:59:59+02:00"
    )
    assert objected.json()["outcome"] == "objected"
    erased = await house.order(f"{path}/withdrawal", {})
    assert reason(erased) == "projet_decided"
    withdrawn = await house.order(f"{path}/withdrawal", {}, role="ars")
    assert (withdrawn.json()["outcome"], withdrawn.json()["grounds"]) == ("withdrawn", [])


@pytest.mark.parametrize(
    "body",
    [
        {"validated_on": "2026-03-10", "objected_on": "2026-03-10", "grounds": ["x"]},
        {"objected_on": "2026-03-10"},
        {"grounds": ["prs_not_respected"]},
        {"document_sha256": "abc"},
        {"sent_on": "1900-01-01"},
        {"sent_on": "9999-12-31"},
    ],
)
async def test_an_unsound_projet_is_refused_at_the_door(house: House, body) -> None:
    path = f"/cpts/{await house.new_cpts()}/projets-de-sante/p"
    refused = await house.order(path, SENT | body, "PUT", "ars")
    assert refused.status_code == 400


async def test_an_aci_that_has_ended_announces_no_deadline_any_more(aging_house: House) -> None:
    house = aging_house
    ended, runs = await under_contract(house), await under_contract(house)
    end = {"ended_on": "2026-08-31", "reason": "dissolution"}
    await house.order(f"/cpts/{ended}/aci/aci/termination", end, role="caisse")
    assert await house.listed(ended, "mission-deadlines") == []
    house.clock.set(datetime(2028, 4, 1, tzinfo=UTC))
    assert ended < runs, "what falls due is said in the order of ids"
    await house.said(runs, "MissionDeadlineMissed")
    assert not {"MissionDeadlineNear", "MissionDeadlineMissed"} & {*await house.types(ended)}


async def test_days_that_pass_validate_a_projet_and_announce_deadlines(aging_house: House) -> None:
    house = aging_house
    cpts_id = await under_contract(house)
    await house.order(f"/cpts/{cpts_id}/projets-de-sante/p", SENT, "PUT")
    mission = {"mission": "acces_aux_soins", "started_on": "2026-04-20"}
    await house.order(f"/cpts/{cpts_id}/missions/m", mission, "PUT", "caisse")
    house.clock.set(datetime(2026, 9, 10, tzinfo=UTC))
    (validated,) = await house.said(cpts_id, "ProjetDeSanteValidated")
    assert validated["event"]["validated_on"] == "2026-05-02"
    assert datetime.fromisoformat(validated["occurred_at"]) == midnight(date(2026, 5, 2))
    # signed on 1 March: within six months the crisis mission was to start; access has
    (missed,) = await house.said(cpts_id, "MissionDeadlineMissed")
    assert (missed["event"]["mission"], missed["event"]["due_on"]) == (
        "crise_sanitaire",
        "2026-09-01",
    )
    assert datetime.fromisoformat(missed["occurred_at"]) == midnight(date(2026, 9, 2))
    house.clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    near = await house.said(cpts_id, "MissionDeadlineNear")
    assert {one["event"]["mission"] for one in near} == {
        "parcours_pluriprofessionnel",
        "prevention",
    }
    shown = await house.listed(cpts_id, "mission-deadlines")
    told = {(one["mission"], one["step"]): (one["is_near"], one["is_missed"]) for one in shown}
    assert told["crise_sanitaire", "start"] == (True, True)
    assert told["acces_aux_soins", "start"] == (False, False)
    assert told["prevention", "start"] == (True, False)
    assert told["prevention", "deployment"] == (False, False)
    await worklists(house, cpts_id)


async def worklists(house: House, cpts_id: str) -> None:
    """What is near and what was missed, at the beginning of 2027, page by page."""

    async def listed(state: str, **query: Any) -> list[tuple[str, str]]:
        found, after = [], ""
        while after is not None:
            page = await house.get("/deadlines", state=state, after=after, limit=1, **query)
            found += [(one["mission"], one["due_on"]) for one in page["items"]]
            assert {one["cpts_id"] for one in page["items"]} <= {cpts_id}
            after = page["next"]
        return found

    near = [("parcours_pluriprofessionnel", "2027-03-01"), ("prevention", "2027-03-01")]
    assert await listed("near") == await listed("near", departement="77") == near
    assert await listed("missed") == [("crise_sanitaire", "2026-09-01")]
    assert await listed("near", departement="95") == await listed("missed", departement="95") == []
    started = {"started_on": "2026-12-01"}
    for mission in ("prevention", "crise_sanitaire"):
        body = started | {"mission": mission}
        await house.order(f"/cpts/{cpts_id}/missions/{mission}", body, "PUT", "caisse")
    assert await listed("near") == near[:1]
    assert await listed("missed") == [("crise_sanitaire", "2026-09-01")], "met late"
    for query in ({}, {"state": "far"}, {"state": "near", "after": "x"}):
        assert (await house.client.get("/deadlines", params=query)).status_code == 400


async def test_a_mission_is_the_caisses_to_record_and_moves_its_deadlines(house: House) -> None:
    cpts_id = await under_contract(house)
    path = f"/cpts/{cpts_id}/missions/m"
    mission = {"mission": "prevention", "started_on": "2026-05-01"}
    by_cpts = await house.order(path, mission, "PUT")
    assert (by_cpts.status_code, reason(by_cpts)) == (403, "role_not_allowed")
    assert (await house.order(path, mission, "PUT", "caisse")).status_code == 201
    deployed = await house.order(path, mission | {"deployed_on": "2027-01-01"}, "PUT", "ars")
    assert deployed.status_code == 200
    early = await house.order(path, mission | {"started_on": "2026-01-01"}, "PUT", "ars")
    assert reason(early) == "no_aci_in_force"
    met = {
        (one["mission"], one["step"]): one["met_on"]
        for one in await house.listed(cpts_id, "mission-deadlines")
        if one["met_on"]
    }
    assert met == {
        ("prevention", "start"): "2026-05-01",
        ("prevention", "deployment"): "2027-01-01",
    }
    assert (await house.types(cpts_id)).count("MissionDeadlinesSet") == 3


async def test_an_aci_ends_in_the_middle_of_a_month_and_is_taken_up_again(house: House) -> None:
    cpts_id = await under_contract(house)
    path = f"/cpts/{cpts_id}/aci/aci"
    end = {"ended_on": "2026-09-15", "reason": "deadlines_missed"}
    assert (await house.order(f"{path}/termination", end)).status_code == 403
    ended = await house.order(f"{path}/termination", end, role="caisse")
    assert [one["ends_on"] for one in ended.json()["contract_years"]] == ["2026-09-15"]
    assert ended.json()["termination"] == end
    assert (await house.get(f"/cpts/{cpts_id}", on="2026-09-16"))["stage"] == "emergence"
    again = {name: value for name, value in ACI.items() if name != "aci_id"}
    taken_up = await house.order(path, again, "PUT", "caisse")
    assert (len(taken_up.json()["contract_years"]), taken_up.json()["termination"]) == (3, None)
    assert set((await house.get("/invariants")).values()) == {True}


async def test_three_sign_an_aci_and_the_last_day_is_its_own(house: House) -> None:
    cpts_id = await house.new_cpts()
    await house.order(f"/cpts/{cpts_id}/territory", place("e", next(house.communes).code))
    path = f"/cpts/{cpts_id}/aci"
    signatures = {"cpts": "2026-02-10", "caisse": "2026-03-01", "ars": "2026-02-20"}
    early = ACI | {"signed_on": "2026-02-20", "signatures": signatures}
    assert (await house.order(path, early, role="ars")).status_code == 400
    signed = await house.order(path, ACI | {"signatures": signatures}, role="ars")
    assert [one["party"] for one in signed.json()["signatures"]] == ["cpts", "caisse", "ars"]
    assert signed.json()["renews"] is None
    following = {"aci_id": "next", "signed_on": "2029-03-01", "starts_on": "2029-04-15"}
    renewed = await house.order(path, following, role="caisse")
    assert (renewed.json()["renews"], len(renewed.json()["contract_years"])) == ("aci", 5)


async def test_a_structure_brings_its_professionals_and_takes_them_away(house: House) -> None:
    cpts_id = await house.new_cpts()
    path = f"/cpts/{cpts_id}/structures/s"
    doctor = {"rpps": rpps("1000000050"), "profession": "10", "from_on": "2026-01-01"}
    unknown = await house.order(f"{path}/professionals/p", doctor, "PUT")
    assert (unknown.status_code, reason(unknown)) == (404, "unknown_structure")
    assert (await house.order(path, STRUCTURE, "PUT")).status_code == 201
    assert (await house.order(f"{path}/professionals/p", doctor, "PUT")).status_code == 201
    personal = member("m", doctor["rpps"])
    assert (await house.order(f"/cpts/{cpts_id}/members", personal)).status_code == 201
    await house.order(path, STRUCTURE | {"to_on": "2026-06-30"}, "PUT")
    members = {one["member_id"]: one for one in await house.listed(cpts_id, "members")}
    assert (members["s:p"]["from_on"], members["s:p"]["to_on"]) == ("2026-02-01", "2026-06-30")
    assert (members["s:p"]["structure_id"], members["m"]["structure_id"]) == ("s", None)
    by_hand = await house.order(f"/cpts/{cpts_id}/members/s:p", {"from_on": "2026-01-01"}, "PUT")
    assert reason(by_hand) == "belongs_through_structure"
    await house.order(path, STRUCTURE | {"is_withdrawn": True}, "PUT")
    members = {one["member_id"]: one for one in await house.listed(cpts_id, "members")}
    assert (members["s:p"]["is_withdrawn"], members["m"]["is_withdrawn"]) == (True, False)


async def test_two_cpts_become_one_in_mid_year(house: House) -> None:
    cpts_id, into = await under_contract(house), await under_contract(house)
    await house.order(f"/cpts/{cpts_id}/members", member("m", rpps("1000000051")))
    merger = {"into_cpts_id": into, "merged_on": "2026-07-01"}
    refused = await house.order(f"/cpts/{cpts_id}/merger", merger)
    assert (refused.status_code, reason(refused)) == (403, "role_not_allowed")
    itself = merger | {"into_cpts_id": cpts_id}
    assert reason(await house.order(f"/cpts/{cpts_id}/merger", itself, role="ars")) == "into_itself"
    done = await house.order(f"/cpts/{cpts_id}/merger", merger, role="ars")
    assert done.json()["gave"]["merged_on"] == "2026-07-01"
    for day, places, stage in (("2026-06-30", 1, "aci"), ("2026-07-01", 2, "merged")):
        there = await house.get(f"/cpts/{into}", on=day)
        gone = await house.get(f"/cpts/{cpts_id}", on=day)
        assert there["population"]["places"] == places
        assert gone["population"]["places"] == 2 - places
        assert gone["stage"] == stage
    first, second, *_ = await house.listed(into, "contract-years")
    assert first["population"] < second["population"]
    assert [one["from_on"] for one in await house.listed(into, "members")] == ["2026-07-01"]
    assert (await house.listed(cpts_id, "contract-years"))[-1]["ends_on"] == "2026-06-30"
    again = await house.order(f"/cpts/{cpts_id}/merger", merger, role="ars")
    assert reason(again) == "cpts_ended"
    anew = ACI | {"aci_id": "b", "starts_on": "2026-07-01"}
    assert reason(await house.order(f"/cpts/{cpts_id}/aci", anew, role="ars")) == "cpts_ended"
    await nothing_runs_on(house, cpts_id)
    assert set((await house.get("/invariants")).values()) == {True}


async def nothing_runs_on(house: House, cpts_id: str) -> None:
    """What would run on in a CPTS that has merged is refused; its past is corrected as ever."""
    path, code, doctor = f"/cpts/{cpts_id}", next(house.communes).code, rpps("1000000052")
    aci = {name: value for name, value in ACI.items() if name != "aci_id"}
    tool: dict[str, Any] = {"kind": "other", "tool_name": "Outil", "from_on": "2026-01-01"}
    tool |= {"is_dmp_compatible": True, "is_interoperable": True}
    mission = {"mission": "prevention", "started_on": "2026-05-01"}
    participation = {"participation_id": "q", "rpps": doctor, "way": "cpts"}
    for method, what, body in (
        ("POST", "territory", place("later", code)),
        ("PUT", "territory/e", {"from_on": "2026-01-01"}),
        ("POST", "members", member("later", doctor)),
        ("PUT", "members/m", {"from_on": "2026-01-01", "to_on": "2026-07-01"}),
        ("POST", "participations", participation | {"from_on": "2026-01-01"}),
        ("PUT", "structures/later", STRUCTURE),
        ("PUT", "tools/later", tool),
        ("PUT", "aci/aci", aci),
        ("PUT", "missions/later", mission),
    ):
        refused = await house.order(f"{path}/{what}", body, method, role="ars")
        assert reason(refused) == "cpts_ended", what
        assert refused.json()["into_cpts_id"]
    eve = {"to_on": "2026-06-30"}
    for method, what, body in (
        ("POST", "territory", place("past", code, **eve)),
        ("PUT", "members/m", {"from_on": "2026-02-01"} | eve),
        ("PUT", "structures/past", STRUCTURE | eve),
        ("PUT", "missions/past", mission | {"ended_on": "2026-06-30"}),
        ("PUT", "aci/aci", aci | {"is_withdrawn": True}),
    ):
        taken = await house.order(f"{path}/{what}", body, method, role="ars")
        assert taken.status_code in (200, 201), taken.text
    refused = await house.order(f"{path}/structures/past/professionals/p", WORKS, "PUT")
    assert reason(refused) == "cpts_ended"


async def test_a_part_of_a_cpts_becomes_another_in_mid_year(house: House) -> None:
    cpts_id = await under_contract(house)
    await house.order(f"/cpts/{cpts_id}/territory", place("f", next(house.communes).code))
    split = {
        "new_cpts_id": f"{cpts_id}-part",
        "new_cpts_name": "CPTS nouvelle",
        "seat_commune": "77288",
        "split_on": "2026-07-01",
        "entry_ids": ["f"],
    }
    for change, expected in (
        ({"entry_ids": ["x"]}, "unknown_entry"),
        ({"new_cpts_id": cpts_id}, "already_exists"),
        ({"seat_commune": "00000"}, "unknown_commune"),
    ):
        refused = await house.order(f"/cpts/{cpts_id}/split", split | change, role="ars")
        assert reason(refused) == expected
    done = await house.order(f"/cpts/{cpts_id}/split", split, role="ars")
    assert done.json()["took"]["emerged_on"] == "2026-07-01"
    new = await house.get(f"/cpts/{cpts_id}-part", on="2026-07-01")
    assert (new["stage"], new["population"]["places"]) == ("emergence", 1)
    for day, places in (("2026-06-30", 2), ("2026-07-01", 1)):
        assert (await house.get(f"/cpts/{cpts_id}", on=day))["population"]["places"] == places
    assert set((await house.get("/invariants")).values()) == {True}


async def test_the_counts_follow_the_days(aging_house: House) -> None:
    house = aging_house
    cpts_id = await under_contract(house)
    (commune,) = await house.listed(cpts_id, "territory")
    before = await house.get("/counts", on="2026-02-28")
    signed = await house.get("/counts", on="2026-03-01")
    (departement,) = (one for one in signed["departements"] if one["code"] == "77")
    (region,) = (one for one in signed["regions"] if one["code"] == "11")
    for place_ in (departement, region, {"count": signed["france"]}):
        count = place_["count"]
        assert (count["contracts"], count["communes"]) == (1, 1)
        assert count["inhabitants_under_contract"] == commune["population"]
    assert before["france"]["contracts"] == 0
    # a little over 68 million people live in France
    assert 66_000_000 < signed["france"]["population"] < 71_000_000
    assert len(signed["departements"]) >= 101
    assert (await house.get("/counts"))["on"] == "2026-04-15"
