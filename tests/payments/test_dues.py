"""The calendar of dues, for any ACI, missions and amounts: what always holds of it."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import DueSet
from services.payments.domain.calendar import months_after, share_of_year
from services.payments.domain.dues import (
    Aci,
    DueSum,
    Funded,
    Mission,
    differences,
    next_due_on,
    postings,
    years_of,
)
from services.payments.domain.dues_rules import DuesRules
from services.payments.domain.dues_schedule import dues_of
from services.payments.domain.scale import Rate
from services.payments.domain.words import french_euros
from services.payments.store.dues_rules import load_dues_rules

WHOLE = ("snp", "lettre_intention")  # due at once, without an advance
MISSIONS = ("acces_aux_soins", "prevention", "crise_sanitaire")
days = st.dates(date(2022, 10, 1), date(2029, 12, 31))
amounts = st.integers(1, 10_000_00)


@st.composite
def rates(draw: Any) -> list[Rate]:
    keys = [
        ("fonctionnement", "fonctionnement"),
        *((mission, "fixe") for mission in MISSIONS[:2]),
        ("crise_sanitaire", "fixe_plan"),
        ("crise_sanitaire", "fixe_mise_a_jour"),
        ("acces_aux_soins", "snp"),
        ("fonctionnement", "lettre_intention"),
    ]
    return [
        Rate(
            rate_id=f"{mission}/{part}",
            from_on=date(2022, 1, 1),
            to_on=None,
            taille=1,
            mission=mission,
            part=part,
            amount_cents=draw(amounts),
            text="a test",
            status="hypothesis",
            is_verified=draw(st.booleans()),
            sequence=1,
        )
        for mission, part in keys
    ]


@st.composite
def rules(draw: Any) -> DuesRules:
    known = load_dues_rules()
    calendar = msgspec.structs.replace(
        known.calendar[0],
        pro_rata=draw(st.sampled_from(["days", "months"])),
        advance_percent=draw(st.integers(0, 100)),
    )
    fonctionnement = draw(st.sampled_from(["no_pro_rata", "pro_rata"]))
    switches = [
        msgspec.structs.replace(known.snp[0], is_applied=draw(st.booleans())) for _ in range(2)
    ]
    return msgspec.structs.replace(
        known,
        calendar=(calendar,),
        snp=(switches[0],),
        lettre_intention=(switches[1],),
        termination=msgspec.structs.replace(known.termination, fonctionnement=fonctionnement),
    )


@st.composite
def funded(draw: Any, *, may_end_early: bool = True) -> Funded:
    """An ACI from any day, 29 February included, perhaps ended early, with missions."""
    first = draw(
        st.one_of(st.dates(date(2022, 10, 1), date(2025, 1, 1)), st.just(date(2024, 2, 29)))
    )
    firsts = [months_after(first, 12 * place) for place in range(draw(st.integers(1, 5)) + 1)]
    years = [(one, following - timedelta(days=1)) for one, following in pairwise(firsts)]
    if may_end_early and draw(st.booleans()):
        ended_on = draw(st.dates(years[0][0], years[-1][1]))
        years = [(one, min(last, ended_on)) for one, last in years if one <= ended_on]
    missions = [
        Mission(
            mission_id=str(number),
            mission=draw(st.sampled_from(MISSIONS)),
            started_on=started_on,
            ended_on=draw(st.none() | st.dates(started_on, date(2030, 12, 31)))
            if may_end_early
            else None,
        )
        for number, started_on in enumerate(draw(st.lists(days, max_size=4)))
    ]
    aci = Aci(aci_id="a", signed_on=draw(st.none() | st.just(first)), years=tuple(years))
    return Funded(
        cpts_id="c1",
        years=years_of([aci], {one: 1 for one, _ in years}),
        missions=tuple(missions),
        lettre_validated_on=draw(st.none() | st.just(first)),
        confirmed=frozenset(draw(st.lists(st.just("acces_aux_soins/fixe"), max_size=1))),
    )


@given(funded(may_end_early=False), rates(), rules())
def test_an_advance_and_its_balance_add_up_to_the_years_amount_to_the_cent(
    one: Funded, scale: list[Rate], rule: DuesRules
) -> None:
    amount = {rate.rate_id: rate.amount_cents for rate in scale if rate.part not in WHOLE}
    for year in one.years:
        dues = [due for due in dues_of(one, scale, rule) if due.starts_on == year.starts_on]
        for rate_id, cents in amount.items():
            found = [due for due in dues if due.rate_ids == (rate_id,)]
            expected = [
                year.share(
                    max(mission.started_on, year.starts_on),
                    year.ends_on,
                    rule.calendar[0].pro_rata,
                ).of(cents)
                for mission in one.missions
                if any(due.mission == mission.mission for due in found)
                and mission.started_on <= year.ends_on
            ]
            if rate_id == "fonctionnement/fonctionnement":
                expected = [cents]
            assert sum(due.amount_cents for due in found) == sum(expected)


@given(funded(), rates(), rules())
def test_nothing_but_a_recovery_is_below_zero_and_nothing_is_due_twice(
    one: Funded, scale: list[Rate], rule: DuesRules
) -> None:
    dues = dues_of(one, scale, rule)
    for due in dues:
        assert (due.amount_cents < 0) == (due.kind == "recovery")
        assert due.amount_cents
    assert len({(due.starts_on, due.due_id) for due in dues}) == len(dues)
    assert [due.due_on for due in dues] == sorted(due.due_on for due in dues)
    years = {year.starts_on: year for year in one.years}
    paid: dict[tuple[date, str], int] = {}
    for due in dues:
        key = (due.starts_on, due.mission or "")
        paid[key] = paid.get(key, 0) + due.amount_cents
        assert due.due_on <= years[due.starts_on].ends_on + timedelta(days=1)
    assert all(cents >= 0 for cents in paid.values()), "a recovery takes back what was due, no more"


@given(funded(), rates(), rules())
def test_each_sum_says_its_arithmetic_in_euros(
    one: Funded, scale: list[Rate], rule: DuesRules
) -> None:
    for due in dues_of(one, scale, rule):
        assert due.explanation.endswith(f" = {french_euros(due.amount_cents)}")
        assert "None" not in due.explanation


@given(funded(), rates(), rules(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_came_changes_nothing(
    one: Funded, scale: list[Rate], rule: DuesRules, chance: Any
) -> None:
    years, missions, shuffled = list(one.years), list(one.missions), list(scale)
    for facts in (missions, shuffled):
        chance.shuffle(facts)
    again = msgspec.structs.replace(one, years=tuple(years), missions=tuple(missions))
    assert dues_of(again, shuffled, rule) == dues_of(one, scale, rule)


@given(funded(), rates(), rules())
def test_a_sum_is_held_until_its_rate_is_verified_or_confirmed(
    one: Funded, scale: list[Rate], rule: DuesRules
) -> None:
    unverified = {rate.rate_id for rate in scale if not rate.is_verified}
    for due in dues_of(one, scale, rule):
        assert due.is_held == bool(unverified & set(due.rate_ids) - one.confirmed)
    everything = frozenset(rate.rate_id for rate in scale)
    confirmed = msgspec.structs.replace(one, confirmed=everything)
    assert not any(due.is_held for due in dues_of(confirmed, scale, rule))


def kept_after(kept: dict[Any, DueSum], said: list[DueSet]) -> dict[Any, DueSum]:
    changed = {
        (event.contract_year_starts_on, event.due_id): DueSum(
            starts_on=event.contract_year_starts_on,
            **{
                name: getattr(event, name)
                for name in DueSum.__struct_fields__
                if name != "starts_on"
            },
        )
        for event in said
    }
    return kept | changed


@given(st.lists(st.tuples(funded(), days), min_size=1, max_size=4), rates(), rules(), st.booleans())
def test_what_is_kept_and_posted_is_what_the_last_facts_give_whatever_was_said_before(
    history: list[tuple[Funded, date]], scale: list[Rate], rule: DuesRules, is_confirmed: bool
) -> None:
    kept: dict[Any, DueSum] = {}
    last_said: dict[Any, DueSet] = {}
    ledger: dict[str, int] = {}
    for one, today in history:
        said = differences("c1", dues_of(one, scale, rule), kept.values(), today)
        for event in said:
            key = (event.contract_year_starts_on, event.due_id)
            lines = postings(last_said.get(key), event)
            assert sum(cents for _, cents in lines) == 0
            for account, cents in lines:
                ledger[account] = ledger.get(account, 0) + cents
            last_said[key] = event
        kept = kept_after(kept, said)
        assert differences("c1", dues_of(one, scale, rule), kept.values(), today) == []
    assert not any(due.is_held for due in kept.values() if not due.amount_cents)
    one, today = history[-1]
    due_today = [due for due in dues_of(one, scale, rule) if due.due_on <= today]
    assert {key: due for key, due in kept.items() if due.amount_cents} == {
        (due.starts_on, due.due_id): due for due in due_today
    }
    expected: dict[str, int] = {}
    for due in due_today:
        payable = f"{'held' if due.is_held else 'owed'}:c1:{due.starts_on}"
        for account, sign in ((f"expense:aci:{due.kind}", 1), (payable, -1)):
            expected[account] = expected.get(account, 0) + sign * due.amount_cents
    assert {account: cents for account, cents in ledger.items() if cents} == {
        account: cents for account, cents in expected.items() if cents
    }


@given(funded(), rates(), rules(), days)
def test_the_next_day_is_the_first_one_after_today_on_which_something_falls_due(
    one: Funded, scale: list[Rate], rule: DuesRules, today: date
) -> None:
    dues = dues_of(one, scale, rule)
    following = next_due_on(dues, today)
    assert (following is None) == all(due.due_on <= today for due in dues)
    if following is not None:
        assert following > today
        assert not any(today < due.due_on < following for due in dues)


@pytest.mark.parametrize(
    ("first_on", "last_on", "by", "expected"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), "days", (365, 365)),
        (date(2026, 1, 1), date(2026, 12, 31), "months", (12, 12)),
        (date(2026, 12, 31), date(2026, 12, 31), "days", (1, 365)),
        (date(2026, 12, 31), date(2026, 12, 31), "months", (1, 12)),
        (date(2026, 1, 31), date(2026, 2, 1), "months", (2, 12)),
        (date(2026, 7, 1), date(2026, 12, 31), "months", (6, 12)),
        (date(2026, 7, 2), date(2026, 12, 31), "months", (6, 12)),
    ],
)
def test_a_share_counts_both_its_days_and_a_month_that_has_begun(
    first_on: date, last_on: date, by: Any, expected: tuple[int, int]
) -> None:
    share = share_of_year(
        first_on,
        last_on,
        year_starts_on=date(2026, 1, 1),
        year_ends_on=date(2026, 12, 31),
        by=by,
    )
    assert (share.part, share.whole) == expected


def test_the_years_of_a_29_february_follow_each_other_without_a_gap() -> None:
    firsts = [months_after(date(2024, 2, 29), 12 * place) for place in range(6)]
    ends = [(one, following - timedelta(days=1)) for one, following in pairwise(firsts)]
    years = years_of([Aci(aci_id="a", signed_on=None, years=tuple(ends))], {})
    assert [year.whole_ends_on for year in years] == [last for _, last in ends]
    assert years[3].whole_ends_on == date(2028, 2, 28)
    assert years[4].starts_on == date(2028, 2, 29)
    early = years_of([Aci(aci_id="a", signed_on=None, years=((ends[0][0], date(2024, 9, 1)),))], {})
    assert early[0].ends_early
    assert early[0].whole_ends_on == date(2025, 2, 27)
