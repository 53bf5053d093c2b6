"""The hard cases of people, places and days, through the four services, each to its cents.

On the scale of avenant 2: fonctionnement T1 50 000, T2 60 000, T3 75 000, T4 90 000 €; the fixed
part of accès aux soins T1 55 000 €. A demand with an appointment brings 100 €.
"""

from datetime import date, timedelta

import pytest

from tests.journeys.hard_case import Case, begin, paris
from tests.journeys.story import Platform

DOCTORS = "sas_medecins_participants"
OF_DOCTORS = {"mode": "linear", "max_cents": 1_000_00, "target": 10}  # 100 € a doctor


async def test_a_member_who_leaves_and_comes_back_keeps_what_was_counted(hard: Platform) -> None:
    """Two doctors' demands, one before and one after an absence: 200 €; the doctor counts once."""
    case = await begin(hard, "comes-back", "78005", "2026-03-02", 1)
    await case.set_line()
    await case.set_line(DOCTORS, **OF_DOCTORS)
    await case.add_participation(case.doctor)
    await case.books()
    await case.becomes_worth(1, 200_00)
    left = paris("2026-03-10 09:00")
    member = f"{case.cpts_id}-{case.doctor}"
    await case.correct("members", member, to_on=left.date().isoformat())
    await hard.caught_up()
    case.at(left + timedelta(days=2))
    refused = await case.demand()
    body = case.accept_body(case.doctor)
    answer = await case.order("referrals", "POST", f"/referrals/{refused}/accept", body, "cpts")
    assert (answer.status_code, answer.json()["reason"]) == (409, "practitioner_not_a_member")
    await case.stays_worth(1, 200_00)
    case.at(left + timedelta(days=10))
    await case.add_member(case.doctor, member_id="again", from_on=case.now.date().isoformat())
    await hard.caught_up()
    await case.books()
    await case.becomes_worth(2, 300_00)
    assert await case.figure(DOCTORS) == 1


async def test_a_member_of_two_cpts_brings_each_only_what_it_answered(hard: Platform) -> None:
    """The demands of a commune are its CPTS's; the doctor counts in both."""
    one = await begin(hard, "two-one", "78007", "2026-03-02", 2)
    other = await begin(hard, "two-other", "78009", "2026-03-02", 3)
    await other.add_member(one.doctor)
    await one.add_participation(one.doctor)
    for case in (one, other):
        await case.set_line()
        await case.set_line(DOCTORS, **OF_DOCTORS)
    await hard.caught_up()
    await one.books()
    await one.becomes_worth(1, 200_00)
    await other.becomes_worth(0, 100_00)
    await other.books(one.doctor)
    await other.becomes_worth(1, 200_00)
    await one.stays_worth(1, 200_00)


async def test_a_commune_that_moves_in_mid_year_brings_its_demands_at_once_and_its_size_later(
    hard: Platform,
) -> None:
    """50 000 of the first one's 90 000 inhabitants (T3) go to the second one (25 000, T1).

    The tailles, hence fonctionnement, follow at the next anniversary: T2 for both.
    """
    of_first, of_second = {"nord": 40_000, "sud": 50_000}, {"est": 25_000}
    gives = await begin(hard, "gives", "31555", "2026-04-01", 4, parts=of_first)
    takes = await begin(hard, "takes", "31555", "2026-04-01", 5, parts=of_second)
    for case in (gives, takes):
        await case.set_line()
    await gives.books(part="sud")
    await gives.becomes_worth(1, 100_00)
    gives.at(paris("2026-10-01 09:00"))
    takes.at(gives.now)
    await gives.correct("territory", "sud", to_on="2026-09-30")
    await takes.hold_place(date(2026, 10, 1), entry_id="sud", part="sud", population=50_000)
    await hard.caught_up()
    await takes.books(part="sud")
    await takes.becomes_worth(1, 100_00)
    await gives.stays_worth(1, 100_00)
    gives.at(paris("2027-04-01 09:00"))
    signed, advance = "fonctionnement:signature", "fonctionnement:advance"
    await gives.become_due(
        {("2026-04-01", signed): 75_000_00, ("2027-04-01", advance): 45_000_00}, signed, advance
    )
    await takes.become_due(
        {("2026-04-01", signed): 50_000_00, ("2027-04-01", advance): 45_000_00}, signed, advance
    )


@pytest.mark.parametrize(
    ("number", "population", "cents"),
    [
        (6, 39_999, 50_000_00),
        (7, 40_000, 60_000_00),
        (8, 79_999, 60_000_00),
        (9, 80_000, 75_000_00),
        (10, 175_000, 75_000_00),
        (11, 175_001, 90_000_00),
    ],
)
async def test_the_bounds_of_the_tailles_are_those_of_the_text(
    hard: Platform, number: int, population: int, cents: int
) -> None:
    """40 000 inhabitants are T2, 80 000 are T3 (parameter, unverified), 175 000 are still T3."""
    commune = ("59350", "06088", "34172")[number % 3]
    parts = {f"p{number}": population}
    case = await begin(hard, f"bound-{population}", commune, "2026-03-02", number, parts=parts)
    signature = "fonctionnement:signature"
    await case.become_due({("2026-03-02", signature): cents}, signature)


async def test_the_night_the_clocks_go_back_has_both_its_hours(hard: Platform) -> None:
    """On 25 October 2026 half past two comes twice; both demands are of that day's year.

    At 22:30 UTC it is 23:30 in winter time: still the last day of the year that ends then.
    """
    case = await begin(hard, "october", "78013", "2025-10-26", 12)
    await case.set_line()
    for instant in (
        paris("2026-10-25 02:30"),
        paris("2026-10-25 02:30").replace(fold=1),
        paris("2026-10-25 23:30"),
    ):
        case.at(instant)
        await case.books()
    await case.becomes_worth(3, 300_00)
    case.at(paris("2026-10-26 00:10"))
    await case.books()
    await case.stays_worth(3, 300_00)


async def test_the_night_the_clocks_go_forward_is_an_hour_shorter(hard: Platform) -> None:
    """At 22:30 UTC on 28 March 2027 it is half past midnight in summer time: the next year."""
    case = await begin(hard, "march", "78015", "2026-03-29", 13)
    await case.set_line()
    case.at(paris("2027-03-28 23:50"))
    await case.books()
    await case.becomes_worth(1, 100_00)
    case.at(paris("2027-03-29 00:30"))
    await case.books()
    await case.stays_worth(1, 100_00)
    case.year = date(2027, 3, 29)
    await case.set_line()
    await case.becomes_worth(1, 100_00)


async def test_a_demand_accepted_before_midnight_and_recorded_after_is_of_the_day_it_was_accepted(
    hard: Platform,
) -> None:
    """What counts is when the CPTS said yes, not when the figures heard of it."""
    case = await begin(hard, "midnight", "78020", "2026-05-04", 14)
    await case.set_line()
    case.now = paris("2027-05-03 23:59")
    hard.clock.set(paris("2027-05-04 00:05"))
    await case.books()
    await case.becomes_worth(1, 100_00)
    case.year = date(2027, 5, 4)
    await case.set_line()
    await case.stays_worth(0, 0)


async def test_a_merger_ends_the_first_cpts_on_the_eve_and_its_demands_go_to_the_second(
    hard: Platform,
) -> None:
    """Half a year (183 of 365 days) of the fixed part of T1: 55 000 × 183/365 = 27 575,34 €;

    41 250 € were advanced, 13 674,66 € come back.
    """
    merged = await begin(hard, "merged", "78029", "2026-04-01", 15)
    into = await begin(hard, "into", "78030", "2026-04-01", 16)
    for case in (merged, into):
        await case.set_line()
    await merged.starts_mission()
    await merged.books()
    await merged.becomes_worth(1, 100_00)
    into.at(paris("2026-10-01 09:00"))
    body = {"into_cpts_id": into.cpts_id, "merged_on": "2026-10-01"}
    await into.done("membership", "POST", f"/cpts/{merged.cpts_id}/merger", body, "ars")
    await hard.caught_up()
    await into.books(merged.doctor, commune=merged.commune)
    await into.becomes_worth(1, 100_00)
    await merged.stays_worth(1, 100_00)
    await merged.become_due(
        {
            ("2026-04-01", "acces_aux_soins:fixe:advance"): 41_250_00,
            ("2026-04-01", "acces_aux_soins:fixe:recovery"): -13_674_66,
        },
        "acces_aux_soins:fixe",
    )


async def test_a_split_leaves_the_past_where_it_was_and_the_new_cpts_begins_without_money(
    hard: Platform,
) -> None:
    """The new one answers from its first day on; what it is worth waits for its own ACI."""
    case = await begin(hard, "split", "78031", "2026-04-01", 17)
    await case.hold_place(entry_id="going", commune="78033")
    await case.set_line()
    await hard.caught_up()
    await case.books(commune="78033")
    await case.becomes_worth(1, 100_00)
    case.at(paris("2026-10-01 09:00"))
    new = Case(hard, "78033", case.now, "split-off", case.doctor)
    body = {
        "new_cpts_id": new.cpts_id,
        "new_cpts_name": "Nouvelle",
        "seat_commune": "78033",
        "split_on": "2026-10-01",
        "entry_ids": ["going"],
    }
    await case.done("membership", "POST", f"/cpts/{case.cpts_id}/split", body, "ars")
    await new.add_member(case.doctor)
    await hard.caught_up()
    await new.books()
    await case.stays_worth(1, 100_00)
    await new.sign_aci()
    await hard.caught_up()
    await new.set_line()
    await new.becomes_worth(1, 100_00)
    signature = "fonctionnement:signature"
    await new.become_due({("2026-10-01", signature): 50_000_00}, signature)
