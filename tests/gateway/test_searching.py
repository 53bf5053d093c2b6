"""INT_R01 and INT_R04: `GET Slot` as the guide has it (systems.md §1.4), over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import pytest_asyncio

from tests.gateway.agendas import (
    CPTS_INCLUDES,
    PS_INCLUDES,
    SYSTEM,
    at,
    bundle,
    kept,
    made,
    offer,
    opened,
    query,
    resources,
    starts,
)
from tests.gateway.published import FINESS, NOBODY, ONE_PLACE, OTHER, TWO_PLACES
from tests.gateway.served import NOON, Served, issue_of

PS: Any = {"includes": PS_INCLUDES}
SLOT = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/sas-cpts-slot-aggregator"
PS_SLOT = "http://sas.fr/fhir/StructureDefinition/FrSlotAgregateur"
BUNDLE = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/sas-cpts-bundle-aggregator"
PS_BUNDLE = "http://sas.fr/fhir/StructureDefinition/BundleAgregateur"


@pytest_asyncio.fixture(scope="module")
async def asked(served: Served) -> AsyncIterator[Served]:
    """One of one place and one CPTS, one of two places with slots of CPTS alone, another."""
    await made(served)
    await kept(served, "a-1")
    await opened(served, "a-1", at(9), at(9, 20), offer=offer("PUBLIC", "CPTS"))
    await opened(served, "a-1", at(10), offer=offer("PRO", "SNP", consultations=["AMB", "VR"]))
    await kept(served, "b-1", TWO_PLACES, booking_url=None, phone=None, structure_number=None)
    await kept(served, "b-2", TWO_PLACES, city="Agen", postal_code="47000", specialties=[])
    await opened(served, "b-1", at(9), offer=offer("CPTS"))
    await opened(served, "b-2", at(14), offer=offer("CPTS", cpts_ids=["c1", "c2"]))
    await opened(served, "b-2", at(15), offer=offer("CPTS", cpts_ids=["c2"], is_walk_in=True))
    await kept(served, "o-1", OTHER, family_name="Marcel", given_name="Guillaume")
    await opened(served, "o-1", at(11))
    answer = await served.order("PUT", "/cpts/c1/phone", {"phone": "+33102030405"})
    assert answer.status_code == 200
    yield served


def codes(slot: Any) -> list[str]:
    return [one["code"] for one in slot["meta"]["security"]]


def services(slot: Any) -> list[str]:
    return [
        one["extension"][0]["valueReference"]["reference"]
        for one in slot["serviceType"]
        if "extension" in one
    ]


async def test_the_slots_of_a_professional_of_one_cpts_at_one_place(asked: Served) -> None:
    found = await bundle(asked, ONE_PLACE)
    assert (found["type"], found["total"], found["meta"]["profile"]) == ("searchset", 3, [BUNDLE])
    kinds = ("Slot", "Schedule", "Practitioner", "PractitionerRole")
    counts = [len(resources(found, kind)) for kind in (*kinds, "HealthcareService", "Organization")]
    assert counts == [3, 1, 1, 1, 1, 1]
    slot = resources(found, "Slot")[0]
    assert slot["meta"]["profile"] == [SLOT]
    assert (slot["status"], slot["comment"]) == ("free", "https://exemple.com/rdv/com/")
    assert slot["start"] == "2026-11-24T09:00:00.000+01:00"
    assert slot["end"] == "2026-11-24T09:20:00.000+01:00"
    assert codes(slot) == ["PUBLIC", "CPTS"]
    assert services(slot) == [f"HealthcareService/{FINESS['c1']}"]
    (cpts,) = resources(found, "Organization")
    assert cpts["identifier"][0]["value"] == FINESS["c1"]
    assert (cpts["name"], cpts["telecom"][0]["value"]) == ("CPTS C1", "+33102030405")
    (person,) = resources(found, "Practitioner")
    assert person["identifier"][0]["value"] == ONE_PLACE
    assert person["name"] == [{"family": "Foret", "given": ["Pierre"]}]


async def test_the_slots_of_a_professional_at_two_places(asked: Served) -> None:
    found = await bundle(asked, TWO_PLACES)
    counts = [
        len(resources(found, kind)) for kind in ("Practitioner", "PractitionerRole", "Schedule")
    ]
    assert counts == [1, 2, 2]
    assert all(codes(one) == ["CPTS"] for one in resources(found, "Slot"))
    assert [services(one) for one in resources(found, "Slot")] == [
        [f"HealthcareService/{FINESS['c1']}"],
        [f"HealthcareService/{FINESS['c1']}", f"HealthcareService/{FINESS['c2']}"],
        [f"HealthcareService/{FINESS['c2']}"],
    ]
    assert len(resources(found, "Organization")) == len(resources(found, "HealthcareService")) == 2
    walk_in = resources(found, "Slot")[2]
    assert walk_in["appointmentType"]["coding"][0]["code"] == "WALKIN"


async def test_every_reference_leads_to_an_entry_and_every_entry_says_where_it_is(
    asked: Served,
) -> None:
    found = await bundle(asked, ONE_PLACE, TWO_PLACES, OTHER)
    base = f"{asked.run.address}/fhir"
    there = {one["fullUrl"] for one in found["entry"]}
    assert len(there) == len(found["entry"])
    modes = {one["resource"]["resourceType"]: one["search"]["mode"] for one in found["entry"]}
    assert {kind for kind, mode in modes.items() if mode == "match"} == {"Slot"}

    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [one for each in value for one in references(each)]
        if isinstance(value, dict):
            own = [value["reference"]] if "reference" in value else []
            return own + references(list(value.values()))
        return []

    said = [one for one in references(found) if not one.startswith("#")]
    assert said
    assert {f"{base}/{one}" for one in said} <= there
    assert {one.rpartition("/")[2] for one in there if "/Practitioner/" in one} == {
        *(ONE_PLACE, TWO_PLACES, OTHER),
    }


async def test_each_resource_is_read_where_the_bundle_says_it_is(asked: Served) -> None:
    found = await bundle(asked, ONE_PLACE, TWO_PLACES)
    for entry in found["entry"]:
        path = entry["fullUrl"].removeprefix(f"{asked.run.address}/fhir")
        answer = await asked.fhir("GET", path)
        resource = entry["resource"]
        if resource["resourceType"] == "Slot" and "CPTS" not in codes(resource):
            resource["meta"]["profile"] = [PS_SLOT]
        assert answer.json() == resource


async def test_the_flow_of_professionals_knows_no_cpts(asked: Served) -> None:
    found = await bundle(asked, ONE_PLACE, TWO_PLACES, **PS)
    assert found["meta"]["profile"] == [PS_BUNDLE]
    slots = resources(found, "Slot")
    assert {one["meta"]["profile"][0] for one in slots} == {PS_SLOT}
    assert [codes(one) for one in slots] == [["PUBLIC"], ["PUBLIC"], ["PRO", "SNP"]]
    assert not any(services(one) for one in slots)
    assert not resources(found, "Organization") + resources(found, "HealthcareService")


async def test_elements_that_are_empty_are_left_out(asked: Served) -> None:
    found = await bundle(asked, TWO_PLACES)

    def empty(value: Any) -> bool:
        if isinstance(value, dict):
            return not value or any(empty(one) for one in value.values())
        if isinstance(value, list):
            return not value or any(empty(one) for one in value)
        return value is None or value == ""

    assert not empty(found)
    role = next(one for one in resources(found, "PractitionerRole") if one["id"] == "b-1")
    assert not {"organization", "telecom"} & role.keys()
    slot = resources(found, "Slot")[0]
    assert "comment" not in slot
    assert "specialty" not in resources(found, "Slot")[1]


async def test_the_order_of_the_parameters_is_free(asked: Served) -> None:
    parts = query(ONE_PLACE).split("&")
    expected = (await bundle(asked, ONE_PLACE))["entry"]
    for some in list(permutations(parts))[:: 5040 // 12]:
        answer = await asked.fhir("GET", f"/Slot?{'&'.join(some)}")
        assert answer.json()["entry"] == expected


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("ge2026-11-24T09:10:00.000", "le2026-11-24T23:59:59.000", 2),
        ("ge2026-11-24T09:20:00.000+01:00", "le2026-11-24T10:00:00.000%2B01:00", 2),
        ("ge2026-11-24T08:20:00Z", "le2026-11-24T09:00:00Z", 2),
        ("ge2026-11-24T10:20:00.000+02:00", "le2026-11-24T11:00:00+02:00", 2),
        ("ge2026-11-24T10:20:00.000%2B02:00", "le2026-11-24T10:59:59%2B02:00", 1),
        ("ge2026-11-24T08:20:00.000+00:00", "le2026-11-24T08:20:00.000+00:00", 1),
        ("gt2026-11-24T09:20:00", "lt2026-11-24T10:00:00", 0),
        ("ge2026-11-24", "le2026-11-24", 3),
        ("ge2026-11-24T09:00", "le2026-11-24T09:00", 1),
        ("ge2026-11-25", "le2026-11-24", 0),
    ],
)
async def test_offsets_are_read_however_they_are_written(
    asked: Served, start: str, end: str, count: int
) -> None:
    assert len(await starts(asked, ONE_PLACE, start=start, end=end)) == count


@pytest.mark.parametrize(
    "token",
    [
        f"{SYSTEM}|{ONE_PLACE}",
        f"{SYSTEM}%7C{ONE_PLACE}",
        f"urn%3Aoid%3A1.2.250.1.71.4.2.1%7C{ONE_PLACE}",
        f"{SYSTEM}|{ONE_PLACE[1:]}",
        ONE_PLACE,
        ONE_PLACE[1:],
        f"{SYSTEM}|{NOBODY},{SYSTEM}|{ONE_PLACE}",
        f"{SYSTEM}|0123456789,{ONE_PLACE},{ONE_PLACE}",
        f"{SYSTEM}|3456780581/11242343,{ONE_PLACE}",
    ],
)
async def test_identifiers_are_read_with_and_without_prefix(asked: Served, token: str) -> None:
    rest = query("x").split("&")
    parts = [one for one in rest if not one.startswith("schedule.actor")]
    answer = await asked.fhir(
        "GET", f"/Slot?{'&'.join([*parts, f'schedule.actor:Practitioner.identifier={token}'])}"
    )
    assert answer.json()["total"] == 3
    (person,) = resources(answer.json(), "Practitioner")
    assert person["identifier"][0]["value"] == ONE_PLACE


async def test_twenty_five_identifiers_are_taken_and_no_more(asked: Served) -> None:
    many = [f"8{number:011}" for number in range(24)]
    assert (await bundle(asked, *many, ONE_PLACE))["total"] == 3
    answer = await asked.fhir("GET", f"/Slot?{query(*many, ONE_PLACE, TWO_PLACES)}")
    assert issue_of(answer) == (400, "too-costly", "too_many_identifiers")


@pytest.mark.parametrize("includes", [CPTS_INCLUDES, PS_INCLUDES])
async def test_no_result_is_a_bundle_of_nothing(asked: Served, includes: Any) -> None:
    found = await bundle(asked, NOBODY, includes=includes)
    url = f"{asked.run.address}/fhir/Slot?{query(NOBODY, includes=includes)}"
    assert found == {
        "resourceType": "Bundle",
        "meta": {"profile": [PS_BUNDLE]},
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": url}],
    }


async def test_the_self_link_repeats_the_query(asked: Served) -> None:
    sent = f"{query(ONE_PLACE)}&_count=1000&_format=json"
    answer = await asked.fhir("GET", f"/Slot?{sent}")
    (link,) = answer.json()["link"]
    assert link["relation"] == "self"
    address, _, told = link["url"].partition("?")
    assert address == f"{asked.run.address}/fhir/Slot"
    assert parse_qsl(unquote(told)) == parse_qsl(unquote(sent))


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ((), {"Slot"}),
        (CPTS_INCLUDES[:1], {"Slot", "Schedule"}),
        (CPTS_INCLUDES[1:2], {"Slot", "HealthcareService"}),
        (CPTS_INCLUDES[2:], {"Slot"}),
    ],
)
async def test_what_comes_along_is_what_the_includes_ask(
    asked: Served, wanted: Any, kinds: set[str]
) -> None:
    found = await bundle(asked, ONE_PLACE, includes=wanted)
    assert {one["resource"]["resourceType"] for one in found["entry"]} == kinds
    # The profile of CPTS asks for whom and where: what holds less does not name it.
    assert found["meta"]["profile"] == [PS_BUNDLE]


@pytest.mark.parametrize(
    ("written", "instead", "reason"),
    [
        ("schedule.actor:Practitioner.identifier", "x", "identifier_missing"),
        (f"{SYSTEM}%7C{ONE_PLACE}", "", "identifier_missing"),
        (ONE_PLACE, "", "identifier_malformed"),
        ("start=ge", "x=ge", "start_missing"),
        ("start=le", "x=le", "start_missing"),
        ("start=ge", "start=", "start_malformed"),
        ("start=ge", "start=ne", "start_malformed"),
        ("2026-11-23T12:00:00.000", "yesterday", "start_malformed"),
        ("2026-11-23T12:00:00.000", "2026-13-23T12:00:00.000", "start_malformed"),
        ("2026-11-23T12:00:00.000", "2026-01-01", "period_too_long"),
        ("status=free", f"schedule.actor.identifier={ONE_PLACE}", "identifier_twice"),
        ("status=free", "status=%ff", "query_not_utf8"),
    ],
)
async def test_a_search_that_cannot_be_read_is_an_outcome(
    asked: Served, written: str, instead: str, reason: str
) -> None:
    asking = query(ONE_PLACE)
    assert written in asking
    answer = await asked.fhir("GET", f"/Slot?{asking.replace(written, instead, 1)}")
    status, code, told = issue_of(answer)
    assert (status, told) == (400, reason)
    assert code


async def test_a_query_without_end_is_refused(asked: Served) -> None:
    answer = await asked.fhir("GET", f"/Slot?{query(ONE_PLACE)}&x={'y' * 9000}")
    assert issue_of(answer)[0] == 413


async def test_a_slot_that_is_not_free_is_not_asked_for(asked: Served) -> None:
    answer = await asked.fhir("GET", f"/Slot?{query(ONE_PLACE)}".replace("=free", "=busy"))
    assert answer.json()["total"] == 0


async def test_what_has_begun_is_not_served(asked: Served) -> None:
    at_nine_ten = at(9, 10)
    answer = await asked.fhir("GET", f"/Slot?{query(ONE_PLACE)}", at=at_nine_ten)
    found = [datetime.fromisoformat(one["start"]) for one in resources(answer.json(), "Slot")]
    assert found == [at(9, 20), at(10)]


async def test_a_cpts_that_the_professional_has_left_is_not_named(asked: Served) -> None:
    await kept(asked, "o-2", OTHER)
    body = offer("PUBLIC", "CPTS", cpts_ids=["c2"])
    await opened(asked, "o-2", at(16), offer=body)
    found = await bundle(asked, OTHER)
    slot = next(one for one in resources(found, "Slot") if "T16:00" in one["start"])
    assert (codes(slot), services(slot)) == (["PUBLIC"], [])
    assert not resources(found, "Organization")


async def test_a_slow_database_is_a_503_before_the_platform_gives_up(
    asked: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.http.slots.ANSWER_WITHIN_SECONDS", 0.2)
    async with asked.run.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table slot in access exclusive mode")
        answer = await asyncio.wait_for(asked.fhir("GET", f"/Slot?{query(ONE_PLACE)}"), 5)
    assert issue_of(answer)[:2] == (503, "transient")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await bundle(asked, ONE_PLACE))["total"] == 3


def test_the_time_of_an_answer_ends_well_before_that_of_the_platform() -> None:
    from services.gateway.http.ordering import ANSWER_WITHIN_SECONDS  # noqa: PLC0415

    assert timedelta(seconds=ANSWER_WITHIN_SECONDS) <= timedelta(seconds=5)


async def test_the_odd_accept_and_others_get_fhir_json(asked: Served) -> None:
    for accept in ("application/json+fhir", "application/fhir+json", "text/html", "*/*", "x", ""):
        answer = await asked.fhir("GET", f"/Slot?{query(ONE_PLACE)}", None, at=NOON, Accept=accept)
        assert answer.status_code == 200
