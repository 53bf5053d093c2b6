"""The service over HTTP, with membership on a real Kafka: orders, refusals, worklists, timers."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.local import databases
from deploy.local.stack import Stack
from services.messaging.replaying import rebuild
from services.messaging.scraping import Scraper
from services.referrals.app import SERVICE
from tests.referrals.published import cpts, member, place, told
from tests.referrals.referral_cases import NOON, OTHER_RPPS, RPPS
from tests.referrals.served import Served, acceptance, demand_body, serving
from tests.scraped import scraped
from tests.stack_fixtures import fresh_name

HELD_PLACE = "93001"  # of c1; other communes are of nobody


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The service with one CPTS, one place and two members."""
    name = fresh_name(stack, "s")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["referrals"], f"{name}-") as up:
        await up.hear(
            told(cpts(), at=NOON),
            told(place(HELD_PLACE), sequence=2, at=NOON),
            told(member(RPPS), sequence=3, at=NOON),
            told(member(OTHER_RPPS, to_on=date(2026, 3, 9)), sequence=4, at=NOON),
        )
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


async def offered(served: Served, source_id: str, **changes: Any) -> str:
    answer = await served.demand(source_id, commune=HELD_PLACE, **changes)
    assert (answer["state"], answer["cpts_id"]) == ("offered", "c1")
    return str(answer["referral_id"])


async def test_a_demand_is_offered_accepted_with_an_appointment_and_honoured(
    served: Served,
) -> None:
    referral = await offered(served, "life")
    accepted = await served.order(f"/referrals/{referral}/accept", acceptance(), role="cpts")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "booked")
    early = await served.order(f"/referrals/{referral}/honoured", {}, role="cpts")
    assert (early.status_code, early.json()["reason"]) == (409, "appointment_not_started")
    after = NOON + timedelta(hours=4)
    for verb, state in (("honoured", "honoured"), ("no-show", "missed"), ("honoured", "honoured")):
        answer = await served.order(f"/referrals/{referral}/{verb}", {}, role="cpts", at=after)
        assert answer.json()["state"] == state
    again = await served.order(f"/referrals/{referral}/honoured", {}, role="cpts", at=after)
    assert again.json()["sequence"] == 6
    shown = await served.ask(f"/referrals/{referral}")
    assert [one["type"].split(".")[1] for one in shown["history"]] == [
        "DemandReceived",
        "ReferralOffered",
        "ReferralAccepted",
        "AppointmentHonoured",
        "AppointmentMissed",
        "AppointmentHonoured",
    ]


async def test_the_same_demand_again_gives_its_present_state_and_another_is_refused(
    served: Served,
) -> None:
    referral = await offered(served, "again")
    await served.order(f"/referrals/{referral}/accept", acceptance(), role="cpts")
    body = demand_body("again", commune=HELD_PLACE)
    same = await served.order("/demands", body)
    assert (same.status_code, same.json()["state"]) == (200, "booked")
    in_local_time = {**body, "received_at": "2026-03-10T13:00:00+01:00"}
    assert (await served.order("/demands", in_local_time)).status_code == 200
    for change in ({"need": "soins_dentaires"}, {"need": "anything"}, {"commune": "00000"}):
        other = await served.order("/demands", body | change)
        assert (other.status_code, other.json()["reason"]) == (409, "demand_already_known")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"commune": "00000", "need": "anything"}, "unknown_commune"),
        ({"need": "anything"}, "unknown_need"),
        ({"received_at": "2026-03-10T12:05:01Z"}, "received_in_the_future"),
        ({"received_at": "2019-09-08T23:59:59Z"}, "received_before_the_sas"),
    ],
)
async def test_a_demand_that_cannot_be_is_refused(
    served: Served, change: dict[str, str], reason: str
) -> None:
    before = await served.count_said()
    answer = await served.order("/demands", demand_body("cannot", **change))
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    assert await served.count_said() == before


@pytest.mark.parametrize(
    "change",
    [
        {"patient_name": "X"},
        {"urgency": "soon"},
        {"received_at": "2026-03-10T12:00:00"},
        {"received_at": "0001-01-01T00:00:00Z"},
        {"received_at": "0001-01-01T00:00:00+05:00"},
        {"received_at": "9999-12-31T23:59:59-05:00"},
        {"source_id": "a b"},
        {"part": "someone@example.org"},
        {"part": "chez Mme Durand"},
        {"part": "n" * 41},
    ],
)
async def test_a_malformed_demand_is_not_read(served: Served, change: dict[str, str]) -> None:
    answer = await served.order("/demands", demand_body("malformed", **change))
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_who_may_order_what(served: Served) -> None:
    referral = await offered(served, "roles")
    body = demand_body("roles-2")
    assert (await served.order("/demands", body, role="cpts")).status_code == 403
    assert (await served.order("/demands", body, role="nobody")).status_code == 400
    path = f"/referrals/{referral}/accept"
    assert (await served.order(path, acceptance(), role="regulation")).status_code == 403
    assert (await served.order("/referrals/r-0/accept", acceptance())).status_code == 404


async def test_a_cpts_orders_about_its_own_referrals_alone(served: Served) -> None:
    booked = await offered(served, "own")
    path = f"/referrals/{booked}"
    another: Any = {"role": "cpts", "Acting_Cpts": "c2"}
    its_body = acceptance(cpts_id="c2")
    before = await served.count_said()

    async def refused(verb: str, body: dict[str, Any], **said: Any) -> Any:
        answer = await served.order(f"{path}/{verb}", body, **said)
        return answer.status_code, answer.json()["reason"]

    no = (403, "not_the_acting_cpts")
    decline = {"cpts_id": "c2", "reason": "no_availability"}
    assert await refused("accept", acceptance(), **another) == no
    assert await refused("accept", its_body, **another) == no
    assert await refused("accept", its_body, role="cpts") == no
    assert await refused("decline", decline, **another) == no
    assert await refused("decline", decline, role="cpts") == no
    assert await refused("accept", its_body, role="system") == (409, "not_the_offered_cpts")
    missing = await refused("accept", acceptance(), role="cpts", Acting_Cpts="")
    assert missing == (400, "acting_cpts_missing")
    assert (await served.order(f"{path}/accept", acceptance(), role="cpts")).status_code == 200
    later = {"starts_at": (NOON + timedelta(hours=5)).isoformat()}
    for verb, body in (
        ("cancel", {"by": "cpts"}),
        ("move", later),
        ("return", {"reason": "by_cpts"}),
        ("honoured", {}),
        ("no-show", {}),
    ):
        after = NOON + timedelta(hours=6)
        assert await refused(verb, body, at=after, **another) == no, verb
    assert await served.count_said() == before + 1
    unknown = await served.order("/referrals/r-0/cancel", {"by": "cpts"}, **another)
    assert unknown.status_code == 404


async def test_neither_side_speaks_for_the_other(served: Served) -> None:
    path = f"/referrals/{await offered(served, 'side')}"
    no = (403, "not_the_acting_side")
    for verb, body in (("return", {"reason": "by_regulation"}), ("cancel", {"by": "regulation"})):
        answer = await served.order(f"{path}/{verb}", body, role="cpts")
        assert (answer.status_code, answer.json()["reason"]) == no
    await served.order(f"{path}/accept", acceptance(), role="cpts")
    for verb, body in (("return", {"reason": "by_cpts"}), ("cancel", {"by": "cpts"})):
        answer = await served.order(f"{path}/{verb}", body, role="regulation")
        assert (answer.status_code, answer.json()["reason"]) == no
    by_it = await served.order(f"{path}/cancel", {"by": "regulation"}, role="regulation")
    assert by_it.json()["state"] == "cancelled"


async def test_nobody_s_demand_is_not_a_cpts_s_to_return(served: Served) -> None:
    waits = (await served.demand("nobody-s", commune="93013"))["referral_id"]
    path, body = f"/referrals/{waits}/return", {"reason": "by_cpts"}
    answer = await served.order(path, body, role="cpts")
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_the_acting_cpts")
    body = {"reason": "by_regulation"}
    assert (await served.order(path, body, role="regulation")).json()["state"] == "returned"


async def test_an_old_code_is_kept_under_the_present_commune(served: Served) -> None:
    answer = await served.demand("old-code", commune="01018")
    assert (answer["commune"], answer["departement"]) == ("01033", "01")
    same = await served.order("/demands", demand_body("old-code", commune="01033"))
    assert same.status_code == 200


async def test_a_practitioner_must_be_a_member_on_the_booking_day(served: Served) -> None:
    referral = await offered(served, "member")
    path = f"/referrals/{referral}/accept"
    left = acceptance(practitioner_rpps=OTHER_RPPS)
    refused = await served.order(path, left, role="cpts")
    assert refused.json()["reason"] == "practitioner_not_a_member"
    assert (await served.order(path, acceptance(), role="cpts")).status_code == 200
    path = f"/referrals/{referral}/move"
    refused = await served.order(path, {"practitioner_rpps": OTHER_RPPS}, role="cpts")
    assert refused.json()["reason"] == "practitioner_not_a_member"
    moved = await served.order(path, {"starts_at": "2026-03-11T09:00:00+01:00"}, role="cpts")
    assert moved.json()["starts_at"] == "2026-03-11T08:00:00Z"


async def test_metrics_tell_the_offers_whose_time_ends(served: Served) -> None:
    """Ten minutes before its end, that of the demand that was made now is one more of them."""
    scraper = Scraper(served.run, served.run.pool, served.clock)
    before = {one.name: one for one in await scraper._read_database()}
    await served.demand("d-metrics", commune=HELD_PLACE)
    try:
        open_ = {one.name: one for one in await scraper._read_database()}
        served.clock.set(NOON + timedelta(minutes=51))
        soon = {one.name: one for one in await scraper._read_database()}
    finally:
        served.clock.set(NOON)
    offers, ending = "cpts_offers_open", "cpts_offers_expiring"
    count = [
        sum(one.value for one in of[name].samples)
        for of, name in (
            (before, offers),
            (open_, offers),
            (soon, offers),
            (open_, ending),
            (soon, ending),
        )
    ]
    assert count[1] == count[0] + 1
    assert count[3] + 1 <= count[4] <= count[2]
    found = await scraped(served.run)
    assert found["cpts_events_out_total"]["93", "said", "referrals.ReferralOffered.v1"] >= 1


async def test_an_answer_after_its_limit_is_refused_though_the_timer_has_not_run(
    served: Served,
) -> None:
    referral = await offered(served, "late")
    late = NOON + timedelta(minutes=60)
    path = f"/referrals/{referral}/accept"
    answer = await served.order(path, acceptance(), role="cpts", at=late)
    assert answer.json()["reason"] == "answer_too_late"
    assert await served.state(referral) == "offered"


async def test_the_same_key_gives_the_first_answer(served: Served) -> None:
    referral = await offered(served, "key")
    path = f"/referrals/{referral}/accept"
    key: Any = {"Idempotency-Key": "one-order"}
    first = await served.order(path, acceptance(), role="cpts", **key)
    again = await served.order(path, acceptance(), role="cpts", **key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()


async def test_a_demand_waits_visibly_until_its_territory_is_known(served: Served) -> None:
    answer = await served.demand("waits", commune="93005")
    assert (answer["state"], answer["outcome"]) == ("held", "no_cpts_for_place")
    worklist = await served.ask("/worklists/held", limit=1000)
    assert answer["referral_id"] in {one["referral_id"] for one in worklist["items"]}
    later = NOON + timedelta(minutes=10)
    await served.hear(told(place("93005"), sequence=5, at=later))
    shown = await served.ask(f"/referrals/{answer['referral_id']}")
    assert (shown["state"], shown["offered_at"]) == ("offered", "2026-03-10T12:10:00Z")
    worklist = await served.ask("/worklists/offered", cpts_id="c1", limit=1000)
    assert answer["referral_id"] in {one["referral_id"] for one in worklist["items"]}


async def test_a_list_is_read_page_by_page(served: Served) -> None:
    expected = {
        (await served.demand(f"page-{n}", commune="93007"))["referral_id"] for n in range(5)
    }
    found: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": 2, "state": "held", **({"after": after} if after else {})}
        page = await served.ask("/referrals", **query)
        found += [one["referral_id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert expected <= set(found)
    assert len(found) == len(set(found))
    wrong = await served.client.get("/referrals", params={"after": "nowhere"})
    assert wrong.status_code == 400


async def test_codes_and_parameters_are_told(served: Served) -> None:
    needs = await served.ask("/needs")
    assert {"code": "sage_femme", "label": "Consultation de sage-femme"} in needs["items"]
    parameters = await served.ask("/parameters")
    assert parameters["answer_within_minutes"]["value"] == 60
    assert parameters["answer_within_minutes"]["is_verified"] is False


async def test_what_is_due_falls_due_and_the_service_rebuilt_from_the_log_equals_it(
    served: Served,
) -> None:
    unanswered = await offered(served, "unanswered")
    waiting = (await served.demand("never-offered", commune="93008"))["referral_id"]
    served.clock.set(NOON + timedelta(hours=49))
    await served.becomes(lambda: served.state(unanswered), "expired")
    await served.becomes(lambda: served.state(waiting), "returned")
    shown = await served.ask(f"/referrals/{unanswered}")
    assert shown["history"][-1]["occurred_at"] == "2026-03-10T13:00:00Z"
    served.clock.set(NOON)
    await served.demand("held-at-the-end", commune="93008")
    await served.run.relayed()
    await rebuild(SERVICE, served.run.settings, "rebuilt")
    for table in ("referral", "history", "cpts", "territory_entry", "member"):
        live = await served.run.pool.fetch(f"select * from public.{table} order by 1, 2")
        again = await served.run.pool.fetch(f"select * from rebuilt.{table} order by 1, 2")
        assert live, table
        assert live == again, table
