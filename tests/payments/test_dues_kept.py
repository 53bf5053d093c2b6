"""Dues as the service keeps, says and posts them: when an input changes, and when time passes."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.payments import RatePublished
from contracts.recorded import Cause
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.store import answers
from tests.desks import empty
from tests.payments.owing import (
    FIRST,
    SCALE,
    aci,
    balances,
    dues,
    hear,
    let_time_pass,
    mission,
    publish,
    rate,
    registered,
    said_on,
    taille,
)

SIGNATURE = (date(2026, 4, 1), "fonctionnement:signature", 75_000_00, True)
START = date(2026, 10, 15)
SECOND = date(2027, 4, 15)
# 182 days of 365: 44 876.71 €, of which 75 % ahead
ADVANCE = (START, "acces_aux_soins:fixe:advance", 33_657_53, True)
ANNIVERSARY = [
    (SECOND, "acces_aux_soins:fixe:balance", 11_219_18, True),
    (SECOND, "acces_aux_soins:fixe:advance", 67_500_00, True),
    (SECOND, "fonctionnement:advance", 56_250_00, True),
]


async def under_contract(desk: Desk) -> None:
    await publish(desk, SCALE)
    tailles = [taille(3, date(2026 + place, 4, 15)) for place in range(5)]
    events = [registered(), aci(), *tailles]
    await hear(desk, *(said_on(event, place) for place, event in enumerate(events, start=1)))


async def test_a_sum_is_said_on_its_day_and_not_before(desk: Desk) -> None:
    await under_contract(desk)
    assert await dues(desk) == [SIGNATURE]
    await hear(desk, said_on(mission(START), 8, date(2026, 10, 20)))
    assert await dues(desk) == [SIGNATURE, ADVANCE]
    assert await let_time_pass(desk, date(2027, 4, 14)) == 0
    assert await let_time_pass(desk, date(2027, 4, 20)) == 1
    assert await dues(desk) == [SIGNATURE, ADVANCE, *ANNIVERSARY]
    assert await let_time_pass(desk, date(2027, 4, 20)) == 0, "it has been said"
    said = await desk.pool.fetch(
        "select occurred_at, cause from history where event->>'type' = 'payments.DueSet.v1'"
        " and event->>'due_on' = '2027-04-15'"
    )
    assert {row["occurred_at"] for row in said} == {datetime(2027, 4, 14, 22, tzinfo=UTC)}
    assert all(row["cause"].startswith("timer:dues:c1:") for row in said)


async def test_each_sum_is_posted_and_a_corrected_one_by_its_difference(desk: Desk) -> None:
    await under_contract(desk)
    await hear(desk, said_on(mission(START), 8, date(2026, 10, 20)))
    assert await balances(desk) == {
        "expense:aci:fonctionnement": 75_000_00,
        "expense:aci:fixe": 33_657_53,
        "held:c1:2026-04-15": -108_657_53,
    }
    # started on the first day after all: 75 % of the whole year
    await hear(desk, said_on(mission(FIRST), 9, date(2026, 10, 21)))
    assert (await balances(desk))["expense:aci:fixe"] == 67_500_00
    lines = await desk.pool.fetch(
        "select journal, cause, amount_cents from ledger_entry where account = 'expense:aci:fixe'"
        " order by occurred_at"
    )
    assert [one["amount_cents"] for one in lines] == [33_657_53, 67_500_00 - 33_657_53]
    assert {one["journal"] for one in lines} == {"dues"}
    assert all(one["cause"] for one in lines)
    await hear(desk, said_on(mission(FIRST, is_withdrawn=True), 10, date(2026, 10, 22)))
    assert await balances(desk) == {
        "expense:aci:fonctionnement": 75_000_00,
        "held:c1:2026-04-15": -75_000_00,
    }
    assert await dues(desk) == [SIGNATURE]


async def test_a_withdrawn_aci_takes_its_dues_with_it_and_gives_them_back(desk: Desk) -> None:
    await under_contract(desk)
    await hear(desk, said_on(aci(0), 8, date(2026, 5, 1)))
    assert (await dues(desk), await balances(desk)) == ([], {})
    await hear(desk, said_on(aci(), 9, date(2026, 5, 2)))
    assert await dues(desk) == [SIGNATURE]


async def test_an_aci_that_ends_early_recovers_what_was_advanced(desk: Desk) -> None:
    await under_contract(desk)
    await hear(desk, said_on(mission(FIRST), 8, FIRST))
    await hear(desk, said_on(aci(ended_on=date(2026, 7, 14)), 9, date(2026, 7, 1)))
    advance = (FIRST, "acces_aux_soins:fixe:advance", 67_500_00, True)
    assert await dues(desk) == [SIGNATURE, advance], "its last day has not passed"
    assert await let_time_pass(desk, date(2026, 7, 15)) == 1
    # 91 days of 365: 22 438.35 €
    recovery = (date(2026, 7, 15), "acces_aux_soins:fixe:recovery", 22_438_35 - 67_500_00, True)
    assert await dues(desk) == [SIGNATURE, advance, recovery]
    assert (await balances(desk))["expense:aci:recovery"] == 22_438_35 - 67_500_00


async def test_a_corrected_rate_changes_what_rests_on_it(desk: Desk) -> None:
    await under_contract(desk)
    await publish(desk, [rate("fonctionnement", "fonctionnement", 80_000, version=2)])
    assert await dues(desk) == [(date(2026, 4, 1), "fonctionnement:signature", 80_000_00, True)]


async def test_a_message_that_comes_late_takes_no_sum_away_whose_day_has_come(desk: Desk) -> None:
    await under_contract(desk)
    await hear(desk, said_on(mission(START), 8, date(2026, 10, 20)))
    await let_time_pass(desk, SECOND)
    prevention = mission(date(2026, 5, 1), "prevention")
    await hear(desk, said_on(prevention, 9, date(2026, 5, 1)))
    assert await dues(desk) == [SIGNATURE, ADVANCE, *ANNIVERSARY]


async def test_what_is_due_waits_for_the_key_of_its_cpts(desk: Desk) -> None:
    await publish(desk, SCALE)
    await hear(desk, said_on(taille(3), 3))
    await hear(desk, said_on(aci(), 2))
    await hear(desk, said_on(registered(), 1))
    assert await dues(desk) == [SIGNATURE]


FACTS = st.lists(
    st.one_of(
        st.builds(
            aci,
            st.integers(0, 3),
            first=st.sampled_from([FIRST, date(2026, 7, 1)]),
            ended_on=st.sampled_from([None, None, date(2027, 1, 31)]),
        ),
        st.builds(
            mission,
            st.dates(date(2026, 4, 1), date(2028, 1, 1)),
            st.sampled_from(["acces_aux_soins", "prevention", "crise_sanitaire"]),
            is_withdrawn=st.sampled_from([False, False, True]),
        ),
        st.builds(
            taille,
            st.integers(1, 2),
            st.sampled_from([FIRST, date(2026, 7, 1), date(2027, 4, 15), date(2027, 7, 1)]),
        ),
    ),
    max_size=4,
)
GROUND: list[Any] = [
    aci(3),
    *(taille(1, date(year, 4, 15)) for year in (2026, 2027, 2028)),
    mission(FIRST, "prevention"),
]
PARTS = [
    ("fonctionnement", "fonctionnement"),
    ("acces_aux_soins", "fixe"),
    ("prevention", "fixe"),
    ("crise_sanitaire", "fixe_plan"),
    ("crise_sanitaire", "fixe_mise_a_jour"),
]
WHOLE_SCALE = [
    rate(part[0], part[1], 1_000 * place + 100 * of, of)
    for place, part in enumerate(PARTS, start=1)
    for of in (1, 2)
]
CORRECTIONS = st.lists(
    st.builds(
        lambda part, euros, of, version: rate(part[0], part[1], euros, of, version),
        st.sampled_from(PARTS),
        st.integers(1, 1_000),
        st.integers(1, 2),
        st.integers(2, 4),
    ),
    max_size=3,
    unique_by=lambda one: one.rate_id,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    data=st.data(),
    facts=FACTS,
    corrections=CORRECTIONS,
    ticks=st.lists(st.dates(FIRST, date(2029, 1, 1)), max_size=3),
)
async def test_dues_are_the_same_in_whatever_order_their_facts_come(
    migrated: Desk,
    data: st.DataObject,
    facts: list[Any],
    corrections: list[RatePublished],
    ticks: list[date],
) -> None:
    said = [said_on(registered(), 1)]
    said += [said_on(fact, place, FIRST) for place, fact in enumerate([*GROUND, *facts], start=2)]
    last = date(2029, 6, 1)
    steps: list[Any] = [*said, *WHOLE_SCALE, *corrections, *ticks]
    found = []
    for order in (steps, data.draw(st.permutations(steps), label="arrivals")):
        await empty(migrated)
        for step in order:
            if isinstance(step, date):
                await let_time_pass(migrated, step)
            elif isinstance(step, RatePublished):
                await publish(migrated, [step])
            else:
                await hear(migrated, step)
        async with open_unit(migrated) as unit:
            cause = Cause(id="now", recorded_at=datetime(last.year, 6, 1, tzinfo=UTC))
            await handlers.lock_dues(unit, ["c1"])
            await handlers.announce_dues(unit, {"c1": cause})
        found.append((await dues(migrated), await balances(migrated)))
        async with migrated.pool.acquire() as connection:
            held = await answers.invariants(connection)
        assert held["dues_equal_postings"]
        assert held["postings_sum_to_zero"]
    assert found[0] == found[1]
