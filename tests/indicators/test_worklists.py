"""Doubtful attributions over HTTP: listed with what they rest on, decided, counted elsewhere."""

import itertools
from datetime import date, timedelta
from typing import Any

from contracts.events.membership import MemberRecorded
from contracts.events.referrals import PlatformAppointmentReported, ReferralAccepted
from contracts.rpps import has_right_check_digit
from contracts.topics import REFERRALS
from services.indicators.app import SERVICE
from services.messaging.database import open_pool
from services.messaging.replaying import rebuild
from tests.indicators.ordering import SECOND, Office, reason
from tests.indicators.story import told

DEMANDS = "sas_demandes_avec_rdv"
DECISIONS = "/attribution/decisions"


numbers = itertools.count(1)


def fresh_rpps(*, is_right: bool = True) -> str:
    """The RPPS of nobody yet, with its check digit or the next one."""
    start = f"81{next(numbers):09}"
    right = next(n for n in range(10) if has_right_check_digit(f"{start}{n}"))
    return f"{start}{right if is_right else (right + 1) % 10}"


def reported(office: Office, appointment_id: str, rpps: str, **more: Any) -> Any:
    now = office.clock.now()
    event = PlatformAppointmentReported(
        appointment_id=appointment_id,
        distribution_id=f"fr.health.ptfsas_{appointment_id}",
        sent_at=now,
        status="booked",
        created_at=now,
        starts_at=more.pop("starts_at", now + timedelta(hours=4)),
        practitioner_rpps=rpps,
        **{"category": "CPTS"} | more,
    )
    return told([event], appointment_id, "00", now)


async def two_cpts(office: Office) -> tuple[str, str, str]:
    """Two CPTS, and a professional who is a member of both, of the first for longer."""
    rpps = fresh_rpps()
    both = await office.new_cpts(), await office.new_cpts()
    for month, cpts_id in enumerate(both, start=1):
        member = MemberRecorded(
            cpts_id=cpts_id,
            member_id="m",
            rpps=rpps,
            profession="10",
            from_on=date(2026, month, 1),
        )
        await office.hear(told([member], cpts_id, "93", office.clock.now(), 2))
    return *both, rpps


async def demands(office: Office, *cpts_ids: str) -> list[int]:
    """The figures of demands of some CPTS."""
    values = [await office.values(cpts_id, SECOND.starts_on) for cpts_id in cpts_ids]
    return [one.get(DEMANDS, 0) for one in values]


def decision(appointment_id: str, what: str, **more: Any) -> dict[str, Any]:
    known = {"appointment_id": appointment_id, "decision": what, "acting_person": "agent-7"}
    return known | {"reason": "confirmed_by_practitioner"} | more


async def listed(office: Office, **query: Any) -> list[str]:
    page = await office.get("/worklists/attribution", **query)
    return [one["appointment_id"] for one in page["items"]]


async def test_a_decision_moves_the_figure_with_its_cause_and_erases_nothing(
    office: Office,
) -> None:
    a, b, rpps = await two_cpts(office)
    name = f"p/{a}"  # the platform's identifiers may hold any sign but white space and @
    await office.hear(reported(office, name, rpps), REFERRALS)
    assert await demands(office, a, b) == [1, 0]
    found = await office.get("/attribution", appointment_id=name)
    assert (found["case"]["kinds"], found["case"]["state"]) == (["ambiguous"], "open")
    assert found["case"]["candidates"] == [a, b]
    assert [one["from_on"] for one in found["memberships"]] == ["2026-01-01", "2026-02-01"]

    order = decision(name, "count_for", for_cpts_id=b)
    given = await office.order(DECISIONS, order, "POST", "caisse")
    assert (given.status_code, given.json()["case"]["cpts_id"]) == (201, b)
    assert await demands(office, a, b) == [0, 1]
    again = await office.order(DECISIONS, order, "POST", "caisse")
    assert (again.status_code, len(again.json()["decisions"])) == (200, 1)

    corrected = await office.done(
        DECISIONS, decision(name, "as_ruled", reason="decided_by_mistake"), "POST", "caisse"
    )
    assert [one["decision"] for one in corrected["decisions"]] == ["count_for", "as_ruled"]
    assert await demands(office, a, b) == [1, 0]
    rows = await office.run.pool.fetch(
        "select id::text, type, cause from history where type like 'indicators.%'"
        " and subject in ($1, $2) order by sequence",
        f"attributions/{name}",
        f"{b}/{DEMANDS}/{SECOND.starts_on}",
    )
    decided = [row["id"] for row in rows if row["type"] == "indicators.AttributionDecided.v1"]
    causes = [row["cause"] for row in rows if row["type"] == "indicators.FigureChanged.v1"]
    assert len(decided) == 2
    assert causes[-2:] == decided


async def test_worklists_are_filtered_by_kind_cpts_departement_and_state(office: Office) -> None:
    a, b, rpps = await two_cpts(office)
    starts = {"starts_at": office.clock.now() + timedelta(hours=5)}
    wrong = fresh_rpps(is_right=False)
    messages: tuple[tuple[str, dict[str, Any]], ...] = (
        (rpps, {}),
        (wrong, starts),
        (wrong, {"category": "SOS"} | starts),
        (rpps, {"starts_at": office.clock.now() + timedelta(hours=4, seconds=30)}),
    )
    for number, (whose, more) in enumerate(messages):
        await office.hear(reported(office, f"{a}-{number}", whose, **more), REFERRALS)
    assert await listed(office, cpts_id=a, kind="ambiguous") == [f"{a}-0", f"{a}-3"]
    assert await listed(office, cpts_id=b, kind="same_minute", departement="93") == [f"{a}-3"]
    assert await listed(office, cpts_id=b, departement="12") == []
    nobody = await listed(office, departement="00", kind="wrong_check_digit", limit=1000)
    assert f"{a}-1" in nobody
    assert f"{a}-2" not in nobody
    page = await office.get("/worklists/attribution", cpts_id=a, limit=1)
    assert page["next"] == f"{a}-0"
    assert await listed(office, cpts_id=a, after=page["next"]) == [f"{a}-3"]

    await office.done(DECISIONS, decision(f"{a}-0", "leave_out"), "POST", "caisse")
    assert await listed(office, cpts_id=a, state="decided") == [f"{a}-0"]
    # Left out, it no longer hides its twin; that is doubtful like before.
    assert await listed(office, cpts_id=a, state="open") == [f"{a}-3"]
    assert await demands(office, a, b) == [1, 0]
    await office.done(
        DECISIONS, decision(f"{a}-1", "count_for", for_cpts_id=b, reason="wrong_number"), "POST",
        "caisse",
    )  # fmt: skip
    assert await demands(office, a, b) == [1, 1]
    assert await listed(office, cpts_id=b, kind="no_cpts") == [f"{a}-1"]
    for query in ("kind=other", "state=other", "limit=1001"):
        answer = await office.client.get(f"/worklists/attribution?{query}")
        assert answer.status_code == 400, query


async def test_a_cpts_gives_away_what_it_counts_and_the_caisse_has_the_last_word(
    office: Office,
) -> None:
    a, b, rpps = await two_cpts(office)
    name = f"p-{a}"
    await office.hear(reported(office, name, rpps), REFERRALS)
    for acting, what, answer in (
        (b, {"decision": "leave_out"}, (403, "not_the_acting_cpts")),
        (a, {"decision": "as_ruled"}, (409, "not_given_away")),
        (a, {"decision": "count_for", "for_cpts_id": "nobody"}, (404, "unknown_cpts")),
        (a, {"appointment_id": "unheard-of"}, (404, "unknown_appointment")),
    ):
        order = decision(name, "leave_out") | what
        given = await office.order(DECISIONS, order, "POST", "cpts", Acting_Cpts=acting)
        assert reason(given) == answer
    for shape in ({"decision": "count_for"}, {"for_cpts_id": b}, {"reason": "other"}):
        given = await office.order(DECISIONS, decision(name, "leave_out") | shape, "POST", "caisse")
        assert given.status_code == 400, shape
    order = decision(name, "count_for", for_cpts_id=b, reason="confirmed_by_cpts")
    await office.done(DECISIONS, order, "POST", "cpts", Acting_Cpts=a)
    assert await demands(office, a, b) == [0, 1]
    await office.done(DECISIONS, decision(name, "as_ruled"), "POST", "caisse")
    assert await demands(office, a, b) == [1, 0]
    given = await office.order(DECISIONS, order, "POST", "cpts", Acting_Cpts=a)
    assert reason(given) == (409, "decided_by_the_caisse")


async def test_what_was_decided_is_the_same_built_anew_from_the_log(office: Office) -> None:
    a, b, rpps = await two_cpts(office)
    now = office.clock.now()
    ours = ReferralAccepted(
        referral_id=f"r-{a}",
        cpts_id=a,
        appointment_id=f"r-{a}",
        practitioner_rpps=rpps,
        received_at=now,
        accepted_at=now,
        starts_at=now + timedelta(hours=9),
    )
    later = {"starts_at": now + timedelta(hours=9)}
    await office.hear(told([ours], f"r-{a}", "93", now, 2), REFERRALS)
    await office.hear(
        [*reported(office, f"p-{a}-1", rpps, **later), *reported(office, f"p-{a}-2", rpps)],
        REFERRALS,
    )
    apart = decision(f"p-{a}-1", "count_apart", for_cpts_id=b, reason="two_appointments")
    await office.done(DECISIONS, apart, "POST", "caisse")
    await office.done(DECISIONS, decision(f"p-{a}-2", "leave_out"), "POST", "caisse")
    assert await demands(office, a, b) == [1, 1]
    await office.run.relayed()
    await rebuild(SERVICE, office.run.settings, "decided")
    pool = await open_pool(office.run.settings, "decided")
    try:
        for table, order in (
            ("attribution", "appointment_id"),
            ("figure", "cpts_id, indicator, starts_on"),
            ("entry", "subject"),
        ):
            every = f"select * from {table} order by {order}"
            assert await pool.fetch(every) == await office.run.pool.fetch(every), table
    finally:
        await pool.close()
    assert set((await office.get("/invariants")).values()) == {True}
