"""Simulations of a whole contract year: what is supposed, nothing else, makes the difference."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import YearSettled
from services.payments.domain.accounts import Account, Figure, price
from services.payments.domain.calendar import months_after
from services.payments.domain.dues import Aci, DueSum, Funded, Mission, years_of
from services.payments.domain.lines import Line
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal
from services.payments.domain.scale import FUNDINGS, PARTS, rate_on
from services.payments.domain.settlement import adjust, settle
from services.payments.domain.simulation import (
    DOCTORS,
    Known,
    Members,
    Stretch,
    Supposed,
    SupposedRate,
    YearWorth,
    suppose,
    worth,
)
from services.payments.store.dues_rules import load_dues_rules
from tests.payments.served import (
    DEMANDS,
    YEAR,
)
from tests.payments.written import (
    RATES,
    account_of,
    cases_with,
    funded_of,
    rules_of,
    validated,
)

RULES = load_dues_rules()
ACCESS = "acces_aux_soins"
YEAR_PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}"


def simulated(known: Known, supposed: Supposed) -> YearWorth:
    found = suppose(known, supposed, RULES)
    assert isinstance(found, Known), found
    return worth(found, RULES)


def told_of(due: DueSum) -> tuple[Any, ...]:
    """A sum, but for the rates it rests on: those supposed are nobody's."""
    return due.due_on, due.due_id, due.kind, due.amount_cents, due.explanation


@pytest.mark.parametrize(("_file", "case"), cases_with("suppose"))
def test_a_simulated_year_is_worth_the_cents_written_in_a_case(
    _file: dict[str, Any], case: dict[str, Any]
) -> None:
    present, rules, expected = case["present"], rules_of(case["present"]), case["attendu"]
    known = Known(
        account=account_of(present),
        funded=funded_of(present),
        rates=tuple(RATES),
        doctors=[f"rpps:{one}" for one in present.get("medecins", ())],
    )
    otherwise = suppose(known, msgspec.convert(case["suppose"], Supposed), rules)
    assert isinstance(otherwise, Known), otherwise
    found = worth(otherwise, rules)
    assert [
        {"le": due.due_on, "somme": due.due_id, "centimes": due.amount_cents} for due in found.dues
    ] == expected["sommes"]
    assert found.estimate.variable_cents == expected["variable"]
    assert found.total_cents == expected["total"]


LINES = (
    Line(mission=ACCESS, indicator=DEMANDS, mode="linear", max_cents=20_000_00, target=50),
    Line(mission=ACCESS, indicator=DOCTORS, mode="all_or_nothing", max_cents=20_000_00, target=9),
    Line(mission="prevention", indicator="local_a", mode="linear", max_cents=9_000_01, target=7),
)
DAYS = st.dates(date(2022, 2, 1), date(2027, 12, 31))


@st.composite
def years(draw: st.DrawFn) -> Known:
    """A contract year of an ACI of five, in full or ended early, with its missions and values."""
    first, taille = draw(DAYS), draw(st.integers(1, 4))
    ends_on = draw(st.none() | st.dates(first, months_after(first, 60)))
    spans = [
        (months_after(first, 12 * place), months_after(first, 12 * place + 12) - timedelta(days=1))
        for place in range(5)
    ]
    aci = Aci(
        aci_id="a",
        signed_on=first - timedelta(days=draw(st.integers(0, 90))),
        years=tuple(
            (one, min(end, ends_on or end)) for one, end in spans if one <= (ends_on or end)
        ),
    )
    starts_on = draw(st.sampled_from(aci.years))[0]
    starts = draw(st.dictionaries(st.sampled_from([ACCESS, "prevention", "crise_sanitaire"]), DAYS))
    values = st.integers(0, 60)
    funded = Funded(
        cpts_id="c1",
        years=years_of([aci], {one: taille for one, _ in aci.years}),
        missions=tuple(
            Mission(mission_id=kind, mission=kind, started_on=day) for kind, day in starts.items()
        ),
    )
    account = Account(
        cpts_id="c1",
        starts_on=starts_on,
        departement="95",
        taille=taille,
        lines=LINES,
        figures={one.indicator: Figure(value=draw(values), revision=1) for one in LINES},
        levels=validated({DEMANDS: draw(values)} if draw(st.booleans()) else {}),
    )
    doctors = [f"rpps:{number}" for number in range(account.figures[DOCTORS].value)]
    return Known(account=account, funded=funded, rates=tuple(RATES), doctors=doctors)


def own_values(known: Known, *, by_members: bool) -> Supposed:
    """What is, written as what is supposed."""
    account = known.account
    (year,) = (one for one in known.funded.years if one.starts_on == account.starts_on)
    figures = {one.indicator: one.value for one in price(account, known.rates).lines}
    values = {name: value for name, value in figures.items() if value is not None}
    if by_members:
        del values[DOCTORS]
    in_force = {
        (fund, part): rate_on(
            RATES, taille=account.taille, mission=fund, part=part, day=account.starts_on
        )
        for fund, part in product(FUNDINGS, PARTS)
    }
    return Supposed(
        taille=account.taille,
        signed_on=year.signed_on,
        starts_on=year.starts_on,
        ends_on=year.ends_on,
        missions={
            one.mission: (Stretch(started_on=one.started_on),) for one in known.funded.missions
        },
        values=values,
        rates=tuple(
            SupposedRate(mission=fund, part=part, amount_cents=rate.amount_cents)
            for (fund, part), rate in in_force.items()
            if rate is not None
        ),
        members=Members(joining=("0",), leaving=("x",)) if by_members else None,
    )


@given(years(), st.booleans(), st.sets(st.sampled_from(Supposed.__struct_fields__)))
def test_to_suppose_what_is_changes_no_sum_and_no_cent(
    known: Known, by_members: bool, left_out: set[str]
) -> None:
    by_members = by_members and known.account.figures[DOCTORS].value > 0
    own = own_values(known, by_members=by_members)
    nothing = Supposed()
    kept = {name: getattr(nothing, name) for name in left_out}
    found = simulated(known, msgspec.structs.replace(own, **kept))
    real = worth(known, RULES)
    assert [told_of(due) for due in found.dues] == [told_of(due) for due in real.dues]
    assert found.estimate.variable_cents == real.estimate.variable_cents
    assert [one.amount_cents for one in found.estimate.lines] == [
        one.amount_cents for one in real.estimate.lines
    ]
    assert found.total_cents == real.total_cents


@given(years(), DAYS)
def test_the_sums_of_a_moved_year_are_those_of_an_aci_that_began_then(
    known: Known, day: date
) -> None:
    """Of a first year whose ACI does not end early: every sum on its day, as if signed so."""
    (first, *_) = known.funded.years
    if known.funded.years[-1].ends_early or len(known.funded.years) < 5:
        return
    account = msgspec.structs.replace(known.account, starts_on=first.starts_on)
    known = msgspec.structs.replace(known, account=account)
    spans = [
        (months_after(day, 12 * place), months_after(day, 12 * place + 12) - timedelta(days=1))
        for place in range(5)
    ]
    aci = Aci(aci_id="a", signed_on=first.signed_on, years=tuple(spans))
    began = msgspec.structs.replace(
        known,
        account=msgspec.structs.replace(account, starts_on=day),
        funded=msgspec.structs.replace(
            known.funded, years=years_of([aci], {one: first.taille or 0 for one, _ in spans})
        ),
    )
    found, expected = simulated(known, Supposed(starts_on=day)), worth(began, RULES)
    assert (found.dues, found.total_cents) == (expected.dues, expected.total_cents)


def settled_year() -> Known:
    """A year settled at 30 demands, then corrected to 40 within it."""
    known = Known(
        account=Account(
            cpts_id="c1",
            starts_on=YEAR.starts_on,
            departement="95",
            taille=3,
            lines=LINES[:1],
            levels=validated({DEMANDS: 30}),
        ),
        funded=Funded(
            cpts_id="c1",
            years=years_of(
                [
                    Aci(
                        aci_id="a",
                        signed_on=YEAR.starts_on,
                        years=((YEAR.starts_on, YEAR.ends_on),),
                    )
                ],
                {YEAR.starts_on: 3},
            ),
        ),
        rates=tuple(RATES),
    )
    day = date(2027, 6, 1)
    settled = settle(known.account, day, RATES, 12_000_00, day)
    assert isinstance(settled, YearSettled)
    adjusted = adjust(
        settled,
        (),
        {DEMANDS: 40},
        indicator=DEMANDS,
        due_year_starts_on=YEAR.starts_on,
        number=1,
        today=day,
    )
    assert adjusted is not None
    return msgspec.structs.replace(
        known,
        account=msgspec.structs.replace(
            known.account, settled=settled, levels=validated({DEMANDS: 40})
        ),
        funded=msgspec.structs.replace(known.funded, settled=(settled,), adjusted=(adjusted,)),
    )


def test_a_settled_year_counts_once_and_is_simulated_as_if_it_were_not_settled() -> None:
    known = settled_year()
    real = worth(known, RULES)
    assert [due.kind for due in real.dues] == ["fonctionnement", "adjustment", "variable"]
    assert real.total_cents == 75_000_00 + 12_000_00 + 4_000_00
    own = simulated(known, Supposed(values={DEMANDS: 40}))
    assert [due.kind for due in own.dues] == ["fonctionnement"]
    assert own.total_cents == real.total_cents
    assert simulated(known, Supposed(values={DEMANDS: 10})).total_cents == 79_000_00
    assert simulated(known, Supposed()) == real


def test_what_another_year_made_due_follows_a_year_that_moves_onto_a_later_aci() -> None:
    """The adjustment of a year of before is due in this one; the ACI of after makes way."""
    known, moved_on = settled_year(), months_after(YEAR.starts_on, 12)
    funded, before = known.funded, months_after(YEAR.starts_on, -12)
    later = Aci(aci_id="b", signed_on=moved_on, years=((moved_on, months_after(moved_on, 12)),))
    funded = msgspec.structs.replace(
        funded,
        years=(*funded.years, *years_of([later], {moved_on: 3})),
        settled=tuple(
            msgspec.structs.replace(one, contract_year_starts_on=before) for one in funded.settled
        ),
        adjusted=tuple(
            msgspec.structs.replace(one, contract_year_starts_on=before) for one in funded.adjusted
        ),
    )
    known = msgspec.structs.replace(known, funded=funded)
    found = simulated(known, Supposed(starts_on=moved_on))
    assert [due.kind for due in found.dues] == ["fonctionnement", "adjustment"]
    assert found.total_cents == 75_000_00 + 4_000_00 + 16_000_00


def test_what_a_supposed_or_unread_amount_brings_is_marked_unverified() -> None:
    known = msgspec.structs.replace(
        settled_year(),
        rates=tuple(msgspec.structs.replace(rate, is_verified=True) for rate in RATES),
    )
    assert worth(known, RULES).unverified_cents == 0
    rate = SupposedRate(mission="fonctionnement", part="fonctionnement", amount_cents=80_000_00)
    found = simulated(known, Supposed(rates=(rate,)))
    assert [due.is_held for due in found.dues] == [True]
    assert (found.total_cents, found.unverified_cents) == (96_000_00, 80_000_00)
    rate = SupposedRate(mission=ACCESS, part="variable", amount_cents=1_000_00)
    found = simulated(known, Supposed(rates=(rate,)))
    assert (found.total_cents, found.unverified_cents) == (76_000_00, 1_000_00)


def with_rates(*parts: tuple[str, str, int]) -> Supposed:
    return Supposed(
        rates=tuple(
            SupposedRate(mission=fund, part=part, amount_cents=cents) for fund, part, cents in parts
        )
    )


def running(*days: tuple[int, int | None]) -> Supposed:
    stretches = [
        Stretch(
            started_on=date(2026, first, 1), ended_on=None if last is None else date(2026, last, 1)
        )
        for first, last in days
    ]
    return Supposed(missions={ACCESS: tuple(stretches)})


@pytest.mark.parametrize(
    ("supposed", "refusal"),
    [
        (Supposed(ends_on=date(2026, 4, 14)), Refusal.ENDS_OUTSIDE_YEAR),
        (Supposed(ends_on=date(2027, 4, 15)), Refusal.ENDS_OUTSIDE_YEAR),
        (Supposed(missions={"ailleurs": ()}), Refusal.UNKNOWN_MISSION),
        (running((6, 5)), Refusal.PERIOD_ENDS_BEFORE_IT_STARTS),
        (running((8, None), (6, 8)), Refusal.PERIODS_OVERLAP),
        (running((6, None), (8, None)), Refusal.PERIODS_OVERLAP),
        (with_rates(("ailleurs", "fixe", 1)), Refusal.UNKNOWN_MISSION),
        (with_rates((ACCESS, "autre", 1)), Refusal.UNKNOWN_PART),
        (with_rates((ACCESS, "fixe", -1)), Refusal.AMOUNT_NEGATIVE),
        (with_rates((ACCESS, "fixe", 1), (ACCESS, "fixe", 2)), Refusal.RATE_TWICE),
        (Supposed(values={"sas_demandes": 1}), Refusal.UNKNOWN_INDICATOR),
        (Supposed(values={DOCTORS: 1}, members=Members()), Refusal.MEMBERS_AND_VALUE),
        (Supposed(members=Members(joining=("1",), leaving=("1",))), Refusal.MEMBER_BOTH_WAYS),
    ],
)
def test_what_cannot_be_is_refused(supposed: Supposed, refusal: Refusal) -> None:
    assert suppose(settled_year(), supposed, RULES) == refusal
    assert REFUSAL_TEXTS[refusal]


def test_of_a_year_that_no_aci_has_neither_dates_nor_amounts_without_a_taille_are_supposed() -> (
    None
):
    known = settled_year()
    account = msgspec.structs.replace(known.account, taille=None, settled=None)
    known = msgspec.structs.replace(known, account=account, funded=Funded(cpts_id="c1"))
    assert suppose(known, Supposed(signed_on=YEAR.starts_on), RULES) == (
        Refusal.UNKNOWN_CONTRACT_YEAR
    )
    assert suppose(known, with_rates((ACCESS, "fixe", 1)), RULES) == Refusal.TAILLE_NEEDED
    assert simulated(known, Supposed(taille=3)).total_cents == 16_000_00
