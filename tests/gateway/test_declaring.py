"""INT_R03: what a SAS platform hears of appointments, whatever it does, and in which order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from contracts.topics import REFERRALS
from deploy.local.stack import Stack
from services.gateway.store import declarations
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from tests.gateway.agendas import at
from tests.gateway.declared import (
    IMPATIENT,
    STAND_IN,
    become,
    booked,
    declaring,
    new_id,
    platform,
    rows,
    states,
)
from tests.gateway.platform import (
    BUSY,
    CUTS,
    CUTS_AFTER,
    FAILS,
    FAILS_AFTER,
    REFUSES,
    WELL,
    Does,
    Stub,
    a_platform,
)
from tests.gateway.published import (
    ONE_PLACE,
    OTHER,
    accepted,
    cancelled,
    honoured,
    missed,
    moved,
    returned,
)
from tests.gateway.served import Served
from tests.gateway.test_regulators import new_national

OURS = "urn:sas-cpts:rendez-vous"


@pytest_asyncio.fixture(scope="module")
async def stub() -> AsyncIterator[Stub]:
    async with a_platform() as up:
        yield up


@pytest_asyncio.fixture(scope="module")
async def told(stack: Stack, stub: Stub) -> AsyncIterator[Served]:
    async with declaring(stack, platform(stub), pace=IMPATIENT) as up:
        yield up


async def test_an_appointment_is_created_then_updated_by_its_identifier_in_order(
    told: Served, stub: Stub
) -> None:
    one = new_id()
    events = (
        accepted(one, ONE_PLACE, at(9)),
        moved(one, OTHER, at(10)),
        honoured(one),
        missed(one, sequence=6),
        cancelled(one, sequence=7),
    )
    await told.hear(REFERRALS, *events)
    await become(told, one, *["delivered"] * 5)
    assert stub.of(one) == [
        ("POST", "booked"),
        ("PUT", "booked"),
        ("PUT", "fulfilled"),
        ("PUT", "noshow"),
        ("PUT", "cancelled"),
    ]
    first, second, *_ = (a for a in stub.asked if a.body["identifier"][0]["value"] == one)
    assert (first.path, first.identifier) == ("/fhir/Appointment", None)
    assert (second.path, second.identifier) == ("/fhir/Appointment", f"{OURS}|{one}")
    assert first.headers["content-type"] == "application/fhir+json"
    assert [it["actor"]["identifier"]["value"] for it in second.body["participant"]] == [OTHER]


async def test_the_body_names_the_regulator_who_booked_and_the_slot_and_nobody_else(
    told: Served, stub: Stub
) -> None:
    national, one = new_national(), new_id()
    booking_id, _ = await booked(told, 11, national)
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(11), booking_id))
    await become(told, one, "delivered")
    kinds = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
    numbered = {
        "type": {"coding": [{"system": kinds, "code": "IDNPS"}]},
        "system": "urn:oid:1.2.250.1.71.4.2.1",
    }
    assert stub.kept[one] == [
        {
            "resourceType": "Appointment",
            "meta": {"profile": ["http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS"]},
            "extension": [
                {
                    "url": "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator",
                    "valueReference": {"identifier": numbered | {"value": national}},
                }
            ],
            "identifier": [{"system": OURS, "value": one}],
            "status": "booked",
            "start": "2026-11-24T11:00:00+01:00",
            "end": "2026-11-24T11:20:00+01:00",
            "created": "2026-11-23T12:00:00+01:00",
            "participant": [
                {
                    "actor": {"identifier": numbered | {"value": ONE_PLACE}},
                    "status": "accepted",
                }
            ],
        }
    ]


async def test_an_appointment_of_no_slot_lasts_a_quarter_and_names_who_stands_for_the_regulator(
    told: Served, stub: Stub
) -> None:
    one = new_id()
    await told.hear(REFERRALS, accepted(one, OTHER, at(15)), returned(one))
    await become(told, one, "delivered", "delivered")
    first, second = stub.kept[one]
    assert first["end"] == "2026-11-24T15:15:00+01:00"
    named = first["extension"][0]["valueReference"]["identifier"]
    assert (named["system"], named["value"]) == (STAND_IN.system, STAND_IN.value)
    assert (second["status"], second["created"]) == ("cancelled", first["created"])


TROUBLES: dict[str, tuple[list[Does], list[str]]] = {
    "fails": ([FAILS], ["POST", "PUT"]),
    "fails after it kept it": ([FAILS_AFTER], ["POST", "PUT"]),
    "fails again": ([FAILS, FAILS, FAILS], ["POST", "PUT", "PUT", "PUT"]),
    "cuts": ([CUTS], ["POST", "PUT"]),
    "cuts after it kept it": ([CUTS_AFTER], ["POST", "PUT"]),
    "is busy, so created nothing": ([BUSY], ["POST", "POST"]),
    "gives up waiting": ([Does(status=408)], ["POST", "PUT"]),
    "has it": ([Does(status=409, keeps=True)], ["POST", "PUT"]),
    "has it, then fails": ([Does(status=409), FAILS], ["POST", "PUT", "PUT"]),
    "has it not any more": ([FAILS, Does(status=404)], ["POST", "PUT", "POST"]),
    "never answers": ([Does(waits=asyncio.Event(), cuts=True)], ["POST", "PUT"]),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_whatever_happens_on_the_way_it_arrives(
    told: Served, stub: Stub, trouble: str
) -> None:
    does, methods = TROUBLES[trouble]
    stub.next, one = list(does), new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await become(told, one, "delivered")
    assert stub.of(one) == [(method, "booked") for method in methods]
    assert stub.kept[one][-1]["status"] == "booked"
    assert stub.next == []


async def test_what_comes_later_waits_for_what_came_before(told: Served, stub: Stub) -> None:
    stub.otherwise, one = FAILS, new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await told.hear(REFERRALS, cancelled(one))
    await stub.until_asked(len(stub.asked) + 2)
    assert await states(told, one) == ["pending", "pending"]
    stub.otherwise = WELL
    await become(told, one, "delivered", "delivered")
    said = [status for _, status in stub.of(one)]
    assert said == [*["booked"] * (len(said) - 1), "cancelled"]


async def test_a_refusal_is_kept_with_the_platform_s_words_and_nobody_in_them(
    told: Served, stub: Stub
) -> None:
    stub.next, one = [REFUSES], new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await become(told, one, "refused")
    (row,) = await rows(told, one)
    assert (row["answer_status"], row["attempts"]) == (422, 1)
    assert row["answer"] == (
        "business-rule Appointment.participant[0].actor Le professionnel … est inconnu. … tél. …"
    )
    listed = (await told.client.get("/declarations?state=refused")).json()["items"]
    assert row["declaration_id"] in [each["declaration_id"] for each in listed]
    path = f"/declarations/{row['declaration_id']}/resend"
    assert (await told.order("POST", path, {}, role="cpts")).status_code == 403
    resent = await told.order("POST", path, {})
    assert (resent.status_code, resent.json()["state"]) == (200, "pending")
    await become(told, one, "delivered")
    assert stub.of(one) == [("POST", "booked"), ("POST", "booked")]
    again = await told.order("POST", path, {})
    assert (again.status_code, again.json()["reason"]) == (409, "declaration_not_refused")
    assert (await told.order("POST", "/declarations/999999/resend", {})).status_code == 404


async def test_what_was_told_anew_since_is_no_work_and_is_not_resent(
    told: Served, stub: Stub
) -> None:
    stub.next, one = [REFUSES], new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await become(told, one, "refused")
    await told.hear(REFERRALS, moved(one, OTHER, at(10)))
    await become(told, one, "refused", "delivered")
    old = (await rows(told, one))[0]
    assert old["is_outdated"]
    listed = (await told.client.get("/declarations?state=refused")).json()["items"]
    assert old["declaration_id"] not in [each["declaration_id"] for each in listed]
    answer = await told.order("POST", f"/declarations/{old['declaration_id']}/resend", {})
    assert (answer.status_code, answer.json()["reason"]) == (409, "declaration_outdated")


async def test_killed_between_the_answer_and_its_mark_it_is_sent_again_and_changes_nothing(
    told: Served, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    killing = asyncio.Event()

    async def killed(*_: Any, **__: Any) -> None:
        killing.set()
        raise OSError("the process is killed here")

    one, before = new_id(), len(stub.asked)
    with monkeypatch.context() as patch:
        patch.setattr(declarations, "settle", killed)
        await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
        await killing.wait()
        assert len(stub.asked) == before + 1
        assert await states(told, one) == ["pending"]
        assert stub.of(one) == [("POST", "booked")]
    # The lease ends.
    await told.run.pool.execute("update declaration set due_at = now() where state = 'pending'")
    await become(told, one, "delivered")
    assert stub.of(one) == [("POST", "booked"), ("PUT", "booked")]
    assert stub.kept[one][0] == stub.kept[one][1]


async def test_the_same_news_twice_is_declared_once(told: Served, stub: Stub) -> None:
    one = new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)), honoured(one))
    await told.hear(REFERRALS, honoured(one, sequence=6))
    await become(told, one, "delivered", "delivered")


async def test_an_end_that_is_heard_before_its_beginning_is_declared_when_both_are_known(
    told: Served, stub: Stub
) -> None:
    one = new_id()
    await told.hear(REFERRALS, cancelled(one))
    assert await states(told, one) == []
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9)))
    await become(told, one, "delivered")
    assert stub.of(one) == [("POST", "cancelled")]


async def test_an_appointment_of_a_departement_without_platform_is_not_declared(
    told: Served,
) -> None:
    one = new_id()
    await told.hear(REFERRALS, accepted(one, ONE_PLACE, at(9), departement="78"))
    assert await states(told, one) == []


async def test_a_rebuild_declares_nothing_and_gives_the_other_tables_as_they_are(
    told: Served, stub: Stub
) -> None:
    before = await told.run.pool.fetchval("select count(*) from declaration")
    await rebuild(told.run.service, told.run.settings, "shadow")
    compared = await compare(told.run.service, told.run.settings, "shadow")
    assert [one for one in compared if not one.is_equal] == []
    assert "declaration" not in {one.table for one in compared}
    assert await told.run.pool.fetchval("select count(*) from shadow.declaration") == 0
    assert await told.run.pool.fetchval("select count(*) from declaration") == before
