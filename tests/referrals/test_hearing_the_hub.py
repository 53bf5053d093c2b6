"""Hub Santé messages over HTTP: what is taken, resent, refused, and what is left of names."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from services.messaging.replaying import rebuild
from services.referrals.app import SERVICE
from tests.referrals.hub_served import (
    NAMES,
    all_messages,
    content_of,
    envelope,
    serving_the_hub,
    taken,
    tell,
    update,
)
from tests.referrals.referral_cases import NOON, OTHER_RPPS, RPPS
from tests.referrals.served import Served, acceptance

HUB = Path(__file__).parents[3] / "shared" / "interop" / "hub-sante"
NOT_THERE = pytest.mark.skipif(not HUB.is_dir(), reason="the Hub's own examples are not here")


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The service that the Hub talks to."""
    async with serving_the_hub(stack) as up:
        yield up


async def test_a_message_is_taken_and_becomes_an_appointment(served: Served) -> None:
    answer = await taken(served, envelope("taken"))
    assert (answer["outcome"], answer["hub_code"]) == ("taken", None)
    shown = await served.ask("/sas/appointments/platform-taken")
    assert shown["told"]["status"] == "booked"
    assert shown["departement"] == "93"


async def test_an_appointment_is_found_by_an_id_that_looks_like_a_path(served: Served) -> None:
    await taken(served, envelope("path", appointmentId="rdv/2026/1"))
    shown = await served.ask("/sas/appointments/rdv%2F2026%2F1")
    assert shown["appointment_id"] == "rdv/2026/1"


async def test_a_second_creation_and_its_resend_are_refused_alike(served: Served) -> None:
    await taken(served, envelope("known"))
    before = await served.count_said()
    for _ in range(2):
        answer = await tell(served, envelope("known-2", appointmentId="platform-known"))
        assert answer.status_code == 409
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert (answer.json()["hub_code"], answer.json()["hub_status"]) == (
            701,
            "CASE_ALREADY_EXISTS",
        )
    assert await served.count_said() == before


async def test_updates_in_any_order_leave_the_latest_state(served: Served) -> None:
    late, early = NOON + timedelta(minutes=9), NOON + timedelta(minutes=3)
    await taken(served, update("u1", "platform-u", sent_at=late, status="cancelled"), at=late)
    await taken(served, update("u2", "platform-u", sent_at=early, status="booked"), at=late)
    refused = await tell(served, envelope("u0", appointmentId="platform-u"))
    assert refused.json()["hub_code"] == 701
    shown = await served.ask("/sas/appointments/platform-u")
    assert (shown["sequence"], shown["told"]["status"]) == (2, "cancelled")
    assert [one["event"]["status"] for one in shown["history"]] == ["cancelled", "booked"]


async def test_the_key_of_an_appointment_is_its_organisations_else_its_practitioners(
    served: Served,
) -> None:
    told_by: dict[str, dict[str, Any]] = {
        "key-finess": {"organization": {"organizationId": "1930000001", "name": "X"}},
        "key-rpps": {},
        "key-none": {"practitioner": None},
    }
    keys = {}
    for number, changes in told_by.items():
        changes.setdefault(
            "practitioner", {"rppsId": OTHER_RPPS, "lastName": "X", "firstName": "Y"}
        )
        if number == "key-rpps":
            changes["practitioner"] = {"rppsId": RPPS, "lastName": "X", "firstName": "Y"}
        await taken(served, envelope(number, **changes))
        shown = await served.ask(f"/sas/appointments/platform-{number}")
        keys[number] = shown["departement"]
    assert keys == {"key-finess": "93", "key-rpps": "93", "key-none": "00"}


async def booked_referral(served: Served, source_id: str) -> str:
    referral = (await served.demand(source_id, commune="93001"))["referral_id"]
    answer = await served.order(f"/referrals/{referral}/accept", acceptance(), role="cpts")
    assert answer.status_code == 200, answer.text
    return str(referral)


async def test_what_the_platform_says_of_our_appointment_happens_to_our_referral(
    served: Served,
) -> None:
    referral = await booked_referral(served, "ours")
    created = await tell(served, envelope("ours-0", appointmentId=referral))
    assert created.json()["hub_code"] == 701
    later = NOON + timedelta(hours=5)
    honoured = await taken(
        served, update("ours-1", referral, sent_at=later, status="fulfilled"), at=later
    )
    assert honoured["outcome"] == "taken"
    assert await served.state(referral) == "honoured"
    stale = await taken(
        served,
        update("ours-2", referral, sent_at=NOON + timedelta(hours=4), status="noshow"),
        at=later,
    )
    assert stale["outcome"] == "recorded"
    assert await served.state(referral) == "honoured"
    shown = await served.client.get(f"/sas/appointments/{referral}")
    assert shown.status_code == 404


async def test_a_cancellation_by_the_platform(served: Served) -> None:
    referral = await booked_referral(served, "cancelled")
    later = NOON + timedelta(hours=1)
    await taken(served, update("cancel-1", referral, sent_at=later, status="cancelled"), at=later)
    shown = await served.ask(f"/referrals/{referral}")
    assert (shown["state"], shown["outcome"]) == ("cancelled", "platform")


@pytest.mark.parametrize(
    ("change", "status", "hub_code"),
    [
        (lambda body: b"not JSON", 400, 102),
        (lambda body: body.replace(b"senderID", b"sender"), 422, 300),
        (lambda body: body.replace(b'"appointment":', b'"other":'), 422, 301),
        (lambda body: body.replace(b"fr.health.ptfsas_", b"fr.health.other_"), 422, 200),
        (lambda body: body.replace(b"2026-03-19T", b"2026-03-09T"), 422, 400),
    ],
)
async def test_a_refused_message_changes_nothing_and_leaves_its_code_only(
    served: Served, change: Any, status: int, hub_code: int
) -> None:
    before = await served.count_said()
    answer = await tell(served, change(envelope(f"refused-{hub_code}")))
    assert (answer.status_code, answer.json()["hub_code"]) == (status, hub_code)
    assert answer.json()["reasons"]
    assert await served.count_said() == before
    kept = await served.run.pool.fetchrow(
        "select outcome, hub_code, body from sas_message order by position desc limit 1"
    )
    assert kept is not None
    assert tuple(kept) == ("invalid", hub_code, None)


async def test_messages_are_listed_with_their_answers(served: Served) -> None:
    await taken(served, envelope("listed", orientationCategory="SOS"))
    items: list[Any] = []
    page = await served.ask("/sas/messages", limit=3)
    while True:
        items += page["items"]
        if page["next"] is None:
            break
        page = await served.ask("/sas/messages", limit=3, after=page["next"])
    assert "platform-listed" in {one["appointment_id"] for one in items}
    assert len({one["position"] for one in items}) == len(items)
    assert "body" not in items[0]


async def test_no_name_is_anywhere_but_in_the_original_and_there_only_for_a_time(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        first = await tell(served, envelope("names"))
        second = await tell(served, envelope("names", status="noshow"))
        third = await tell(served, envelope("names-2", appointmentId="platform-names"))
    for answer in (first, second, third):
        assert not any(name in answer.text for name in NAMES)
    assert not any(name in caplog.text for name in NAMES)
    assert await tables_with_names(served) == ["sas_message"]
    served.clock.set(NOON + timedelta(days=31))
    await served.becomes(lambda: tables_with_names(served), [])
    served.clock.set(NOON)


async def tables_with_names(served: Served) -> list[str]:
    tables = await served.run.pool.fetch(
        "select tablename from pg_tables where schemaname = 'public' order by 1"
    )
    found = []
    for (table,) in tables:
        rows = await served.run.pool.fetch(f'select * from "{table}"')
        text = " ".join(str(bytes(v) if isinstance(v, bytes) else v) for r in rows for v in r)
        if any(name in text for name in NAMES):
            found.append(table)
    return found


async def test_platform_appointments_rebuilt_from_the_log_equal_the_live_ones(
    served: Served,
) -> None:
    await taken(served, envelope("rebuilt"))
    await served.run.relayed()
    await rebuild(SERVICE, served.run.settings, "rebuilt")
    query = "select * from {}.platform_appointment order by 1"
    live = await served.run.pool.fetch(query.format("public"))
    assert live
    assert live == await served.run.pool.fetch(query.format("rebuilt"))


@NOT_THERE
async def test_the_hubs_own_examples_are_taken_and_its_faulty_ones_refused(
    served: Served,
) -> None:
    examples = HUB / "examples"
    for name, is_again in (("PS.01", False), ("PS.01", True), ("PS.01-MAJ", False)):
        body = (examples / f"RS-SAS-RDV_appointment_{name}.json").read_bytes()
        answer = await tell(served, body, at=NOON + timedelta(minutes=len(name)))
        assert answer.json()["outcome"] == "taken", answer.text
        assert ("Idempotent-Replay" in answer.headers) is is_again
    before = await served.count_said()
    failing = sorted((HUB / "failing").glob("*.json"))
    assert failing
    for path in failing:
        answer = await tell(served, path.read_bytes())
        assert answer.status_code in {400, 422}, path.name
        assert answer.json()["hub_code"] in {300, 301}, path.name
    assert await served.count_said() == before


async def test_an_exercise_changes_nothing(served: Served) -> None:
    body = envelope("exercise").replace(b"Actual", b"Exercise")
    assert b"Exercise" in body
    assert (await taken(served, body))["outcome"] == "recorded"
    assert (await served.client.get("/sas/appointments/platform-exercise")).status_code == 404


async def test_an_instant_of_no_year_of_the_sas_is_refused(served: Served) -> None:
    answer = await tell(served, envelope("far", created="9999-12-31T23:59:59+00:00"))
    assert (answer.status_code, answer.json()["hub_code"]) == (422, 300)
    assert "created" in answer.json()["reasons"][0]


async def test_an_exercise_about_what_is_known_changes_nothing_and_is_listed(
    served: Served,
) -> None:
    ours = await booked_referral(served, "exercise-ours")
    await taken(served, envelope("exercise-known"))
    before = await served.count_said()
    for number, appointment in (("1", ours), ("2", "platform-exercise-known")):
        body = json.loads(update(f"exercise-{number}", appointment, sent_at=NOON, status="noshow"))
        body["distributionStatus"] = "Exercise"
        assert (await taken(served, json.dumps(body).encode()))["outcome"] == "recorded"
    assert await served.count_said() == before
    assert await served.state(ours) == "booked"
    listed = {one["distribution_id"] for one in (await all_messages(served))}
    assert {"fr.health.ptfsas_exercise-1", "fr.health.ptfsas_exercise-2"} <= listed


async def test_what_is_odd_in_a_message_taken_is_listed(served: Served) -> None:
    """810000000001 has a wrong check digit, 810000000009 would be right."""
    await taken(served, envelope("odd-digit"))
    right = {"rppsId": "810000000009", "lastName": "X", "firstName": "Y"}
    await taken(served, envelope("odd-nothing", practitioner=right))
    sender = envelope("odd-sender", practitioner=right).replace(b"hubex:fr.health.ptfsas", b"x:y")
    await taken(served, sender)
    bare = {"appointment": json.loads(content_of(envelope("odd-bare")))}
    await taken(served, json.dumps(bare).encode())
    notes = {one["appointment_id"]: one["notes"] for one in await all_messages(served)}
    assert notes["platform-odd-digit"] == ["wrong_check_digit"]
    assert notes["platform-odd-nothing"] == []
    assert notes["platform-odd-sender"] == ["header_sender_differs"]
    assert notes["platform-odd-bare"] == ["wrong_check_digit"]
    noted = await served.ask("/sas/messages", note="header_sender_differs")
    assert [one["appointment_id"] for one in noted["items"]] == ["platform-odd-sender"]
    unheard_of = await served.client.get("/sas/messages", params={"note": "anything"})
    assert unheard_of.status_code == 400
