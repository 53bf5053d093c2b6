"""Demands that wait: for a territory that begins later, or for the part that their place needs.

Method: the pure rules, then the same over HTTP with membership on a real Kafka, where the clock is
moved past the midnight at which the territory begins, before or after the timer has run.
"""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from contracts.recorded import Cause
from deploy.local import databases
from deploy.local.stack import Stack
from services.messaging.replaying import rebuild
from services.messaging.timers import Due
from services.messaging.unit import Desk, open_unit
from services.referrals.app import SERVICE
from services.referrals.domain.referral import Referral, Stage
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import HeldReason, TerritoryEntry, next_look
from services.referrals.domain.waiting import locate, look, look_at_begun
from services.referrals.handlers import let_fall_due
from tests.referrals.published import cpts, member, place, told
from tests.referrals.referral_cases import ANSWER_WITHIN, NOON, RPPS, evolved, received, table
from tests.referrals.served import Served, acceptance, demand_body, serving
from tests.referrals.test_meeting import demand, in_unit
from tests.referrals.test_storing import hear, stage_of
from tests.referrals.test_territory import CITY, entry
from tests.referrals.test_territory import place as place_named
from tests.stack_fixtures import fresh_name

TODAY, TOMORROW, AFTER = (date(2026, 3, day) for day in (10, 11, 12))
MIDNIGHT = datetime.fromisoformat("2026-03-10T23:00:00Z")
NEXT_MIDNIGHT = MIDNIGHT + timedelta(days=1)
SEE_BY = NOON + timedelta(hours=48)
IN_THE_NIGHT = MIDNIGHT + timedelta(minutes=20)

LOOKS = table("""
    demand from  territories (place=cpts@first day)           next look
    31555        -                                            -
    31555        31555=a@2026-03-10                           -
    31555        31555=a@2026-03-11                           2026-03-11
    31555        31555=a@2026-03-12                           2026-03-12
    # not before its see_by: the 12th at noon
    31555        31555=a@2026-03-13                           -
    # the first that changes something
    31555        31555=a@2026-03-12+31555=b@2026-03-11        2026-03-11
    31555/est    31555/nord=a@2026-03-11                      2026-03-11
    31555/est    31555/nord=a@2026-03-11+31555/est=b@2026-03-12  2026-03-11
    # it begins to need its part
    31555        31555/nord=a@2026-03-11                      2026-03-11
    31555        31555/nord=a@2026-03-10+31555/sud=b@2026-03-11  -
    69381        69123=a@2026-03-11                           2026-03-11
    69382        69381=a@2026-03-11                           -
""")


def entries_of(text: str) -> list[TerritoryEntry]:
    entries = []
    for claim in text.split("+") if text != "-" else []:
        what, _, day = claim.partition("@")
        where, cpts_id = what.split("=")
        entries.append(entry(where, cpts_id, from_on=date.fromisoformat(day)))
    return entries


@pytest.mark.parametrize(("demand_from", "territories", "day"), LOOKS)
def test_when_a_waiting_demand_is_looked_at_again(
    demand_from: str, territories: str, day: str
) -> None:
    look = next_look(place_named(demand_from), entries_of(territories), after=NOON, before=SEE_BY)
    midnights = {"2026-03-11": MIDNIGHT, "2026-03-12": NEXT_MIDNIGHT}
    assert look == midnights.get(day)


def test_a_withdrawn_entry_is_not_waited_for() -> None:
    gone = entry("31555", "a", from_on=TOMORROW, is_withdrawn=True)
    assert next_look(place_named("31555"), [gone], after=NOON, before=SEE_BY) is None


def test_an_entry_of_the_last_days_of_the_calendar_is_no_midnight_to_wait_for() -> None:
    far = [entry("31555", "a", from_on=date.min), entry("31555", "a", from_on=date.max)]
    assert next_look(place_named("31555"), far, after=NOON, before=SEE_BY) is None


CAUSE = Cause(id="timer", recorded_at=NOON)


def waiting(*entries: TerritoryEntry) -> Referral:
    """A demand of 93066 that was held at noon, knowing these entries."""
    held = received(HeldReason.NO_CPTS_FOR_PLACE)
    events = look(held, entries, instant=NOON, answer_within=ANSWER_WITHIN)
    return evolved(held, events, NOON, "look")


def here(cpts_id: str = "c1", **changes: Any) -> TerritoryEntry:
    return entry("93066", cpts_id, **changes)


def test_a_late_look_is_dated_by_the_midnight_and_leaves_an_hour_from_then() -> None:
    entries = [here(from_on=TOMORROW)]
    held = waiting(*entries)
    assert held.look_again_at == MIDNIGHT
    (offered,) = look_at_begun(
        held, entries, until=NOON + timedelta(days=9), cause=CAUSE, answer_within=ANSWER_WITHIN
    )
    assert offered.occurred_at == MIDNIGHT
    assert (offered.event.offered_at, offered.event.answer_by) == (
        MIDNIGHT,
        MIDNIGHT + ANSWER_WITHIN,
    )


def test_looks_follow_each_other_until_one_offers() -> None:
    entries = [here(part="nord", from_on=TOMORROW), here("c2", from_on=AFTER)]
    held = waiting(*entries)
    first, second = look_at_begun(
        held, entries, until=NEXT_MIDNIGHT, cause=CAUSE, answer_within=ANSWER_WITHIN
    )
    assert (first.event.reason, first.event.look_again_at) == ("part_needed", NEXT_MIDNIGHT)
    assert (second.event.cpts_id, second.event.offered_at) == ("c2", NEXT_MIDNIGHT)


LOCATED = table("""
    demand from  territories                        told            becomes
    31555        31555/nord=a+31555/sud=b           part=nord       a
    31555        31555/nord=a+31555/sud=b           part=est        unknown_part
    31555        31555/nord=a+31555/sud=b           commune=69381   unknown_part
    31555        31555/nord=a+31555/sud=b           commune=00000   unknown_part
    31555        31555=a                            part=nord       no_part_needed
    31555        -                                  part=nord       no_part_needed
    31555/est    31555/nord=a                       part=nord       a
    31555/est    31555/nord=a                       part=ouest      unknown_part
    31555/est    31555=a                            part=nord       no_part_needed
    69123        69381=a+69382=b                    commune=69382   b
    69123        69381=a+69382=b                    commune=69383   no_cpts_for_place
    69123        69381=a+69382=b                    commune=13201   unknown_part
    69123        69381=a+69382=b                    commune=69123   unknown_part
    69123        69381=a+69382=b                    part=nord       unknown_part
    69123        69381/pentes=a                     commune=69381   part_needed
    69381        69381/pentes=a+69381/quais=b       part=quais      b
""")


def demand_from(text: str) -> Referral:
    commune, _, part = text.partition("/")
    held = received(HeldReason.PART_NEEDED)
    return replace(held, commune=commune, part=part or None)


@pytest.mark.parametrize(("where", "territories", "told_as", "becomes"), LOCATED)
def test_what_a_part_told_later_makes_of_a_demand(
    where: str, territories: str, told_as: str, becomes: str
) -> None:
    entries = [entry(*claim.split("=")) for claim in territories.split("+") if territories != "-"]
    kind, _, value = told_as.partition("=")
    answer = locate(
        demand_from(where),
        entries,
        commune=value if kind == "commune" else None,
        part=value if kind == "part" else None,
        instant=NOON + timedelta(hours=1),
        answer_within=ANSWER_WITHIN,
    )
    if isinstance(answer, Refusal):
        assert answer == becomes
        return
    after = evolved(demand_from(where), answer, NOON + timedelta(hours=1), "locate")
    assert (after.cpts_id or after.outcome) == becomes
    assert after.demand == demand_from(where).demand


def test_a_part_comes_too_late_though_the_timer_has_not_run() -> None:
    entries = [entry("31555/nord", "a")]
    answer = locate(
        demand_from("31555"),
        entries,
        commune=None,
        part="nord",
        instant=SEE_BY,
        answer_within=ANSWER_WITHIN,
    )
    assert answer is Refusal.NO_PART_NEEDED


@pytest_asyncio.fixture(scope="module")
async def served(stack: Stack) -> AsyncIterator[Served]:
    """The service with two CPTS and a member of each."""
    name = fresh_name(stack, "w")
    urls = databases.create_databases(stack.admin_url, f"_{name}")
    async with serving(stack.kafka, urls["referrals"], f"{name}-") as up:
        await up.hear(
            told(cpts(), at=NOON),
            told(member(RPPS), sequence=2, at=NOON),
            told(cpts("c2"), at=NOON),
        )
        yield up
    databases.drop_databases(stack.admin_url, f"_{name}")


async def shown(served: Served, referral_id: str, *names: str) -> tuple[Any, ...]:
    found = await served.ask(f"/referrals/{referral_id}")
    return tuple(found[name] for name in names)


async def test_a_demand_is_offered_at_the_midnight_at_which_its_place_joins(
    served: Served,
) -> None:
    await served.hear(told(place("93005", from_on=TOMORROW), sequence=10, at=NOON))
    answer = await served.demand("joins", commune="93005")
    assert (answer["state"], answer["look_again_at"]) == ("held", "2026-03-10T23:00:00Z")
    served.clock.set(MIDNIGHT)
    await served.becomes(lambda: served.state(answer["referral_id"]), "offered")
    assert await shown(served, answer["referral_id"], "offered_at", "answer_by") == (
        "2026-03-10T23:00:00Z",
        "2026-03-11T00:00:00Z",
    )
    served.clock.set(NOON)


async def test_membership_may_tell_after_the_demand_of_a_place_that_joins_tomorrow(
    served: Served,
) -> None:
    answer = await served.demand("told-later", commune="93006")
    later = NOON + timedelta(minutes=5)
    await served.hear(told(place("93006", from_on=TOMORROW), sequence=11, at=later))
    id_ = answer["referral_id"]
    assert await shown(served, id_, "state", "look_again_at") == ("held", "2026-03-10T23:00:00Z")
    withdrawn = place("93006", from_on=TOMORROW, is_withdrawn=True)
    await served.hear(told(withdrawn, sequence=12, at=later + timedelta(minutes=5)))
    assert await shown(served, id_, "state", "look_again_at") == ("held", None)


async def test_an_answer_in_the_night_is_taken_though_the_timer_has_not_run(
    served: Served,
) -> None:
    await served.hear(told(place("93007", from_on=TOMORROW), sequence=13, at=NOON))
    answer = await served.demand("in-the-night", commune="93007")
    path = f"/referrals/{answer['referral_id']}/accept"
    body = acceptance(starts_at=(MIDNIGHT + timedelta(hours=9)).isoformat())
    early = await served.order(path, body, at=MIDNIGHT - timedelta(seconds=1))
    assert early.json()["reason"] == "not_awaiting_answer"
    taken = await served.order(path, body, at=IN_THE_NIGHT)
    assert (taken.status_code, taken.json()["state"]) == (200, "booked"), taken.text
    assert taken.json()["offered_at"] == "2026-03-10T23:00:00Z"


async def test_what_membership_tells_in_the_night_comes_after_the_midnight(
    served: Served,
) -> None:
    """The timer is late: the place had joined at midnight, and was withdrawn a little later."""
    await served.hear(told(place("93008", from_on=TOMORROW), sequence=14, at=NOON))
    answer = await served.demand("late-timer", commune="93008")
    gone = place("93008", from_on=TOMORROW, is_withdrawn=True)
    await served.hear(told(gone, sequence=15, at=IN_THE_NIGHT))
    assert await shown(served, answer["referral_id"], "state", "offered_at") == (
        "offered",
        "2026-03-10T23:00:00Z",
    )


async def test_a_held_demand_is_given_its_part_and_offered(served: Served) -> None:
    await served.hear(
        told(place("93010", part="nord", population=1), sequence=16, at=NOON),
        told(place("93010", "c2", part="sud", population=1), sequence=2, at=NOON),
    )
    held = await served.demand("divided", commune="93010")
    assert (held["state"], held["outcome"]) == ("held", "part_needed")
    path = f"/referrals/{held['referral_id']}/part"
    for body in ({}, {"part": "nord", "commune": "93010"}, {"where": "nord"}):
        assert (await served.order(path, body, role="regulation")).status_code == 400
    assert (await served.order(path, {"part": "nord"}, role="cpts")).status_code == 403
    unknown = await served.order(path, {"part": "est"}, role="regulation")
    assert (unknown.status_code, unknown.json()["reason"]) == (409, "unknown_part")
    located = await served.order(path, {"part": "sud"}, role="regulation")
    assert located.status_code == 200, located.text
    found = located.json()
    assert (found["state"], found["cpts_id"], found["located_part"]) == ("offered", "c2", "sud")
    again = await served.order(path, {"part": "sud"}, role="regulation")
    assert again.json()["reason"] == "no_part_needed"
    same = await served.order("/demands", demand_body("divided", commune="93010"))
    assert (same.status_code, same.json()["state"]) == (200, "offered")
    nowhere = await served.order("/referrals/r-0/part", {"part": "sud"}, role="regulation")
    assert nowhere.status_code == 404


async def test_a_held_demand_of_a_city_is_given_its_arrondissement(served: Served) -> None:
    await served.hear(
        told(place("69381"), sequence=17, at=NOON), told(place("69382", "c2"), sequence=3, at=NOON)
    )
    held = await served.demand("city", commune=CITY)
    path = f"/referrals/{held['referral_id']}/part"
    located = await served.order(path, {"commune": "69382"}, role="regulation")
    assert (located.json()["state"], located.json()["cpts_id"]) == ("offered", "c2")
    assert located.json()["commune"] == CITY
    history = (await served.ask(f"/referrals/{held['referral_id']}"))["history"]
    assert [one["type"].split(".")[1] for one in history] == [
        "DemandReceived",
        "DemandHeld",
        "DemandLocated",
        "ReferralOffered",
    ]


async def test_the_state_rebuilt_from_the_log_knows_places_and_looks(served: Served) -> None:
    await served.hear(told(place("93013", from_on=TOMORROW), sequence=18, at=NOON))
    waiting_one = await served.demand("rebuilt", commune="93013")
    assert waiting_one["look_again_at"] is not None
    await served.run.relayed()
    await rebuild(SERVICE, served.run.settings, "rebuilt", served.clock)
    live = await served.run.pool.fetch("select * from public.referral order by 1")
    again = await served.run.pool.fetch("select * from rebuilt.referral order by 1")
    assert live == again


async def test_the_timer_offers_and_gives_back_what_is_due_in_one_jump(desk: Desk) -> None:
    """A clock that jumps past both the midnight and `see_by`: the midnight comes first."""
    await hear(desk, told(cpts()), told(place(from_on=TOMORROW), sequence=2))
    await in_unit(desk, demand)
    assert (await stage_of(desk))[0] == Stage.HELD
    for expected in (Stage.OFFERED, Stage.EXPIRED):
        async with open_unit(desk) as unit:
            assert await let_fall_due(unit, Due(now=NOON + timedelta(days=9), limit=200)) == 1
        assert (await stage_of(desk))[0] == expected
