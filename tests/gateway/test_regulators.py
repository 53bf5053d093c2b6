"""INT_R02, the accounts of regulators: every case of the guide (systems.md §1.5), over HTTP."""

import asyncio
import copy
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.domain.faults import Fault
from services.gateway.domain.regulators import Account, read_account
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from tests.gateway.served import Served, issue_of
from tests.scraped import scraped

NATIONAL, PLATFORM = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.213.3.6"
STRUCTURES = "urn:oid:1.2.250.1.71.4.2.2"
TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
PROFILE = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/FrPractitionerRegul"


def identifier(value: str, *, system: str = NATIONAL, code: str = "IDNPS") -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": TYPES, "code": code}]},
        "system": system,
        "value": value,
    }


def internal(value: str) -> dict[str, Any]:
    return identifier(value, system=PLATFORM, code="INTRN")


def regulator(*identifiers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {
        "resourceType": "Practitioner",
        "id": "ExamplePractitionerRegul1",
        "meta": {"source": PLATFORM, "profile": [PROFILE]},
        "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'/>"},
        "identifier": list(identifiers),
        "active": True,
        "name": [{"family": "Loridon", "given": ["Sébastien"]}],
        "telecom": [{"system": "email", "value": "sebastien.loridon@test.com"}],
    }
    return body | changes


def new_national() -> str:
    return f"3456780581/{uuid4().int % 10**8:08}"


async def opened(served: Served, *identifiers: dict[str, Any], **changes: Any) -> str:
    answer = await served.fhir("POST", "/Practitioner", regulator(*identifiers, **changes))
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    assert location.startswith(f"{served.run.address}/fhir/Practitioner/")
    return location.rpartition("/")[2]


async def put(served: Served, asked: str, body: Any) -> Any:
    return await served.fhir("PUT", f"/Practitioner?identifier={asked}", body)


async def shown(served: Served, regulator_id: str) -> Any:
    answer = await served.fhir("GET", f"/Practitioner/{regulator_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_account_is_opened_and_read_at_its_location(served: Served) -> None:
    national = new_national()
    regulator_id = await opened(served, identifier(national))
    assert await shown(served, regulator_id) == {
        "resourceType": "Practitioner",
        "id": regulator_id,
        "meta": {"source": PLATFORM, "profile": [PROFILE]},
        "identifier": [identifier(national)],
        "active": True,
        "name": [{"family": "Loridon", "given": ["Sébastien"]}],
        "telecom": [{"system": "email", "value": "sebastien.loridon@test.com"}],
    }


async def test_an_identifier_of_an_active_account_is_refused_to_another(served: Served) -> None:
    national = new_national()
    await opened(served, identifier(national))
    again = await served.fhir("POST", "/Practitioner", regulator(identifier(national)))
    assert issue_of(again) == (422, "duplicate", "identifier_already_used")


async def test_of_two_accounts_opened_at_once_with_one_identifier_one_is_refused(
    served: Served,
) -> None:
    body = regulator(identifier(new_national()))
    answers = await asyncio.gather(*(served.fhir("POST", "/Practitioner", body) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 422, 422, 422, 422]


async def test_two_accounts_may_have_one_email(served: Served) -> None:
    assert await opened(served, identifier(new_national())) != await opened(
        served, internal(str(uuid4()))
    )


@pytest.mark.parametrize("encoded", [False, True])
async def test_the_account_with_an_identifier_is_changed_whole(
    served: Served, encoded: bool
) -> None:
    national = new_national()
    regulator_id = await opened(served, identifier(national))
    name = [{"family": "Loridon 2", "given": ["Seb"]}]
    telecom = [{"system": "email", "value": "seb@test.com"}]
    body = regulator(identifier(national), name=name, telecom=telecom)
    asked = f"{NATIONAL}|{national}"
    if encoded:
        asked = asked.replace(":", "%3A").replace("|", "%7C").replace("/", "%2F")
    answer = await put(served, asked, body)
    assert answer.status_code == 200
    assert answer.headers["location"].endswith(f"/fhir/Practitioner/{regulator_id}")
    found = await shown(served, regulator_id)
    assert (found["name"], found["telecom"]) == (name, telecom)


async def test_a_change_of_an_unknown_identifier_opens_the_account_once(served: Served) -> None:
    national = new_national()
    asked, body = f"{NATIONAL}|{national}", regulator(identifier(national))
    first = await put(served, asked, body)
    assert first.status_code == 201
    second = await put(served, asked, body)
    assert (second.status_code, second.headers["location"]) == (200, first.headers["location"])


async def test_an_account_is_disabled_and_enabled(served: Served) -> None:
    national = new_national()
    regulator_id = await opened(served, identifier(national))
    for is_active in (False, True):
        body = regulator(identifier(national), active=is_active)
        assert (await put(served, f"{NATIONAL}|{national}", body)).status_code == 200
        assert (await shown(served, regulator_id))["active"] is is_active


async def test_the_internal_identifier_becomes_the_national_one_and_so_again(
    served: Served,
) -> None:
    uuid, national = str(uuid4()), new_national()
    regulator_id = await opened(served, internal(uuid))
    body = regulator(identifier(national))
    for _ in range(2):
        answer = await put(served, f"{PLATFORM}|{uuid}", body)
        assert answer.status_code == 200
        assert answer.headers["location"].endswith(regulator_id)
    assert (await shown(served, regulator_id))["identifier"] == [identifier(national)]
    by_new = await put(served, f"{NATIONAL}|{national}", body)
    assert by_new.headers["location"].endswith(regulator_id)


async def test_an_identifier_may_not_become_another_accounts(served: Served) -> None:
    uuid, national = str(uuid4()), new_national()
    await opened(served, identifier(national))
    regulator_id = await opened(served, internal(uuid))
    refused = await put(served, f"{PLATFORM}|{uuid}", regulator(identifier(national)))
    assert issue_of(refused) == (422, "duplicate", "identifier_already_used")
    assert (await shown(served, regulator_id))["identifier"] == [internal(uuid)]


async def test_an_identifier_that_a_disabled_account_frees_is_given_again(served: Served) -> None:
    national, uuid = new_national(), str(uuid4())
    left = await opened(served, identifier(national))
    asked = f"{NATIONAL}|{national}"
    await put(served, asked, regulator(identifier(national), active=False))
    other = await opened(served, internal(uuid))
    taken = await put(served, f"{PLATFORM}|{uuid}", regulator(identifier(national)))
    assert taken.headers["location"].endswith(other)
    now = await put(served, asked, regulator(identifier(national)))
    assert now.headers["location"].endswith(other)
    assert (await shown(served, left))["active"] is False


async def test_an_account_is_not_enabled_with_what_is_anothers_now(served: Served) -> None:
    national, uuid = new_national(), str(uuid4())
    both = (identifier(national), internal(uuid))
    await opened(served, *both)
    await put(served, f"{PLATFORM}|{uuid}", regulator(*both, active=False))
    await opened(served, identifier(national))
    refused = await put(served, f"{PLATFORM}|{uuid}", regulator(*both))
    assert issue_of(refused) == (422, "duplicate", "identifier_already_used")


BAD: list[tuple[str, Any, tuple[int, str]]] = [
    ("identifier", None, (400, "required")),
    ("identifier", [], (400, "required")),
    ("active", None, (400, "required")),
    ("active", "true", (400, "structure")),
    ("name", None, (400, "required")),
    ("name", [{"given": ["A"]}], (400, "required")),
    ("name", [{"family": "", "given": ["A"]}], (400, "required")),
    ("name", [{"family": "A", "given": [" "]}], (400, "required")),
    ("name", [{"family": "A"}], (400, "required")),
    ("name", [{"family": "A\u0000", "given": ["A"]}], (400, "value")),
    ("telecom", None, (400, "required")),
    ("telecom", [{"system": "email", "value": ""}], (400, "value")),
    ("telecom", [{"system": "email"}], (400, "value")),
    ("telecom", [{"system": "email", "value": "nobody"}], (400, "value")),
    ("telecom", [{"system": "email", "value": "a\ud800@b.fr"}], (400, "structure")),
    ("telecom", [{"system": "phone", "value": "+33102030405"}], (422, "code-invalid")),
    ("telecom", [{"value": "a@b.fr"}], (422, "code-invalid")),
    ("identifier", [identifier("1", system=PLATFORM)], (422, "code-invalid")),
    ("identifier", [identifier("1", code="INTRN")], (422, "code-invalid")),
    ("identifier", [identifier("1", code="RPPS")], (422, "code-invalid")),
    ("identifier", [identifier("1", system="urn:oid:1.2.3")], (422, "code-invalid")),
    ("identifier", [{"system": NATIONAL, "value": "1"}], (422, "code-invalid")),
    ("identifier", [identifier("")], (400, "value")),
    ("identifier", [identifier("a b")], (400, "value")),
    ("identifier", [identifier("1"), identifier("2")], (422, "business-rule")),
    ("identifier", [identifier("1"), internal("2"), internal("3")], (400, "structure")),
    ("meta", {"source": "urn:oid:1.2.3"}, (422, "business-rule")),
    ("meta", {"profile": ["http://example.org/other"]}, (422, "business-rule")),
    ("resourceType", "Patient", (400, "structure")),
    ("resourceType", None, (400, "structure")),
]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("element", "value", "expected"), BAD)
async def test_a_malformed_account_is_refused_and_nothing_is_said(
    served: Served, method: str, element: str, value: Any, expected: tuple[int, str]
) -> None:
    body = copy.deepcopy(regulator(identifier("malformed")))
    if value is None:
        del body[element]
    else:
        body[element] = value
    said = len(await served.said())
    path, raw = f"/Practitioner?identifier={NATIONAL}|malformed", json.dumps(body).encode()
    answer = await served.fhir(method, path, raw)
    assert issue_of(answer)[:2] == expected
    assert len(await served.said()) == said


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"<Practitioner/>", b"\xff", b"[" * 9999]
)
async def test_what_is_no_json_object_is_refused(served: Served, body: bytes) -> None:
    assert issue_of(await served.fhir("POST", "/Practitioner", body))[0] == 400


async def test_xml_and_bodies_without_end_are_refused(served: Served) -> None:
    xml: Any = {"Content-Type": "application/fhir+xml"}
    assert issue_of(await served.fhir("POST", "/Practitioner", b"<a/>", **xml))[0] == 415
    assert issue_of(await served.fhir("POST", "/Practitioner", b" " * 70_000))[0] == 413


async def test_a_body_is_read_no_further_than_its_limit_whatever_it_declares(
    served: Served,
) -> None:
    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 4096

    answer = await served.client.post("/fhir/Practitioner", content=undeclared())
    assert issue_of(answer) == (413, "too-costly", "body_too_large")


@pytest.mark.parametrize(("levels", "status"), [(32, 201), (33, 400), (9999, 400)])
async def test_a_body_nests_no_deeper_than_its_limit(
    served: Served, levels: int, status: int
) -> None:
    inner = levels - 1
    body = json.dumps(regulator(identifier(new_national())) | {"photo": "INNER ]]]}"})
    deep = body.replace('"INNER ]]]}"', "[" * inner + '"]}"' + "]" * inner)
    answer = await served.fhir("POST", "/Practitioner", deep.encode())
    assert answer.status_code == status
    if status == 400:
        assert issue_of(answer) == (400, "structure", "body_too_deep")


async def test_a_bug_tells_nothing_outside_and_is_in_the_audit(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: Any) -> Any:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr("services.gateway.store.regulators.find", breaks)
    caplog.set_level(logging.INFO, "services.gateway.audit")
    body = regulator(identifier(new_national()), name=[{"family": "Clovis", "given": ["Ana"]}])
    answer = await served.fhir("POST", "/Practitioner", body)
    assert issue_of(answer)[:2] == (500, "exception")
    assert not [word for word in ("secret", "Traceback", "RuntimeError") if word in answer.text]
    (line,) = (one.message for one in caplog.records if one.name == "services.gateway.audit")
    assert "what=POST /fhir/Practitioner outcome=refused status=500" in line
    assert "Clovis" not in line


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?identifier=", 400),
        ("?identifier=a&identifier=b", 400),
        (f"?identifier={NATIONAL}|", 400),
        ("?identifier=urn:oid:1.2.3|1", 422),
        ("?identifier=%ff", 400),
        ("?name=Loridon", 400),
    ],
)
async def test_a_change_names_one_identifier(served: Served, query: str, status: int) -> None:
    answer = await served.fhir("PUT", f"/Practitioner{query}", regulator(identifier("1")))
    assert issue_of(answer)[0] == status


async def test_no_name_and_no_email_is_in_an_event_or_a_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    name = [{"family": "Vercingétorix", "given": ["Alix"]}]
    telecom = [{"system": "email", "value": "alix@gergovie.fr"}]
    await opened(served, identifier(new_national()), name=name, telecom=telecom)
    rows = await served.run.pool.fetch("select event::text as body from history")
    assert rows
    for word in ("Vercing", "Alix", "gergovie"):
        assert not [row for row in rows if word in row["body"]]
        assert word not in caplog.text


async def test_a_rebuild_gives_the_accounts_without_their_names(served: Served) -> None:
    await opened(served, identifier(new_national()))
    await rebuild(served.run.service, served.run.settings, "shadow")
    compared = await compare(served.run.service, served.run.settings, "shadow")
    assert [one for one in compared if not one.is_equal] == []
    found = {one.table: one.live for one in compared}
    assert found["regulator"] > 0
    assert "regulator_identity" not in found
    assert await served.run.pool.fetchval("select count(*) from shadow.regulator_identity") == 0


async def test_what_is_nowhere_is_told_as_an_outcome(served: Served) -> None:
    for method, path, status in (
        ("GET", "/Practitioner/nobody", 404),
        ("GET", "/Nothing", 404),
        ("GET", "/Practitioner/a/b", 404),
        ("GET", "//Nothing/", 404),
        ("DELETE", "/Practitioner", 405),
    ):
        assert issue_of(await served.fhir(method, path))[0] == status


async def test_the_statement_tells_the_doors_that_are_there(served: Served) -> None:
    statement = (await served.fhir("GET", "/metadata")).json()
    assert statement["implementation"]["url"] == f"{served.run.address}/fhir"
    (practitioner,) = (
        one for one in statement["rest"][0]["resource"] if one["type"] == "Practitioner"
    )
    assert {one["code"] for one in practitioner["interaction"]} == {"read", "create", "update"}
    assert practitioner["conditionalUpdate"] is True


async def test_metrics_tell_what_the_gateway_said(served: Served) -> None:
    await served.run.relayed()
    found = await scraped(served.run)
    said = {one[1:]: count for one, count in found["cpts_events_out_total"].items()}
    assert said["said", "gateway.RegulatorRecorded.v1"] >= 1
    assert {topic for _, topic in found["cpts_lag_events"]} == {"membership", "referrals"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["email"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["system", "value", "coding", "code", "type", "family", "given"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(["resourceType", "meta", "identifier", "active", "name", "telecom"]),
        json_values,
    )
)
def test_any_change_of_a_body_gives_an_account_or_a_fault(changes: dict[str, Any]) -> None:
    found = read_account(msgspec.json.encode(regulator(identifier("1")) | changes))
    assert isinstance(found, Account | Fault)
