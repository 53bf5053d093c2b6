"""The inputs of an account in any order, repeated, in any batches: the same cents, every time.

`expected_cents` is a model of its own: it reads the inputs as a whole and shares no code with the
service.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.indicators import FigureChanged, FigureLevelSet
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered, TailleDetermined
from contracts.events.payments import ContractLineSet, RatePublished, Step
from contracts.recorded import Cause, Recorded
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.store import answers
from tests.desks import empty
from tests.payments.served import NOW, told

DECIDED = ("verified", "validated")
YEARS = (date(2026, 4, 15), date(2027, 4, 15))
ENDS = {YEARS[0]: date(2027, 4, 14), YEARS[1]: date(2028, 4, 14)}
INDICATORS = ("sas_medecins_participants", "sas_demandes_avec_rdv")
MISSIONS = ("acces_aux_soins", "prevention")
TOPICS: dict[type[Any], Any] = {
    CptsRegistered: handlers.on_membership,
    AciSigned: handlers.on_membership,
    TailleDetermined: handlers.on_membership,
    FigureChanged: handlers.on_indicators,
    FigureLevelSet: handlers.on_indicators,
}
OF_MONEY = ("ledger_sums_to_zero", "postings_sum_to_zero", "accounts_equal_postings")
years = st.sampled_from(YEARS)


@st.composite
def membership(draw: Any) -> list[Recorded[Any]]:
    """What membership says of one CPTS: its ACI, corrected or withdrawn, and its tailles."""
    said: list[Any] = [CptsRegistered(cpts_id="c1", cpts_name="C1", seat_commune="95018")]
    for _ in range(draw(st.integers(1, 3))):
        held = draw(st.lists(years, unique=True))
        signed = tuple(ContractYear(starts_on=one, ends_on=ENDS[one]) for one in held)
        said.append(
            AciSigned(
                cpts_id="c1",
                aci_id="a",
                signed_on=YEARS[0],
                contract_years=signed,
                is_withdrawn=not signed,
            )
        )
        said += [
            TailleDetermined(
                cpts_id="c1",
                contract_year_starts_on=one,
                taille=draw(st.integers(1, 2)),
                population=1,
            )
            for one in held
        ]
    return [told(event, "c1", place) for place, event in enumerate(said, start=1)]


@st.composite
def figures(draw: Any) -> list[Recorded[Any]]:
    """The revisions of some figures."""
    said = []
    for indicator in INDICATORS:
        for year in YEARS:
            values = draw(st.lists(st.integers(0, 9), max_size=3))
            said += [
                told(
                    FigureChanged(
                        cpts_id="c1",
                        indicator=indicator,
                        contract_year_starts_on=year,
                        contract_year_ends_on=ENDS[year],
                        value=value,
                        revision=revision,
                    ),
                    f"c1/{indicator}/{year}",
                    revision,
                )
                for revision, value in enumerate(values, start=1)
            ]
    return said


@st.composite
def levels(draw: Any) -> list[Recorded[Any]]:
    """What the caisse verified and validated of one figure a year, its revisions in order."""
    said = []
    for year in YEARS:
        decided = draw(st.lists(st.tuples(st.sampled_from(DECIDED), st.integers(0, 9)), max_size=3))
        said += [
            told(
                FigureLevelSet(
                    cpts_id="c1",
                    indicator=INDICATORS[0],
                    contract_year_starts_on=year,
                    level=level,
                    value=value,
                    decided_on=year,
                    by_role="caisse",
                    revision=revision,
                ),
                f"c1/{INDICATORS[0]}/{year}/levels",
                revision,
            )
            for revision, (level, value) in enumerate(decided, start=1)
        ]
    return said


@st.composite
def line(draw: Any) -> ContractLineSet:
    mode = draw(st.sampled_from(["all_or_nothing", "steps", "linear"]))
    return ContractLineSet(
        cpts_id="c1",
        contract_year_starts_on=draw(years),
        mission=draw(st.sampled_from(MISSIONS)),
        indicator=draw(st.sampled_from(INDICATORS)),
        mode=mode,
        max_cents=draw(st.integers(0, 1_000)),
        target=draw(st.integers(1, 9)),
        steps=(Step(threshold=2, amount_cents=100), Step(threshold=5, amount_cents=400)),
        is_withdrawn=draw(st.integers(0, 3)) == 0,
    )


@st.composite
def rates(draw: Any) -> list[RatePublished]:
    """Amounts of the scale; no two begin on one day for the same."""
    keys = st.tuples(
        st.sampled_from(MISSIONS),
        st.integers(1, 2),
        st.sampled_from([date(2022, 4, 1), date(2026, 4, 15), date(2026, 12, 1)]),
    )
    return [
        RatePublished(
            rate_id=f"{mission}/{taille}/{from_on}",
            from_on=from_on,
            taille=taille,
            mission=mission,
            part="variable",
            amount_cents=draw(st.integers(0, 1_500)),
            text="a test",
            status="hypothesis",
            is_verified=False,
            to_on=draw(st.sampled_from([None, None, date(2026, 12, 31)])),
        )
        for mission, taille, from_on in draw(st.lists(keys, unique=True, max_size=8))
    ]


def line_cents(line: ContractLineSet, value: int) -> int:
    if line.mode == "all_or_nothing":
        return line.max_cents if value >= (line.target or 0) else 0
    if line.mode == "linear":
        return min(line.max_cents, line.max_cents * value // (line.target or 1))
    reached = [step.amount_cents for step in line.steps if value >= step.threshold]
    return min(line.max_cents, max(reached, default=0))


def expected_cents(
    heard: Sequence[Recorded[Any]], lines: Sequence[ContractLineSet], scale: list[RatePublished]
) -> dict[date, int]:
    """What each contract year is worth, from all inputs as a whole."""
    last_signed = max(
        (one for one in heard if isinstance(one.event, AciSigned)), key=lambda one: one.sequence
    )
    found = {}
    for year in YEARS:
        tailles = [
            one
            for one in heard
            if isinstance(one.event, TailleDetermined) and one.event.contract_year_starts_on == year
        ]
        has_year = year in {one.starts_on for one in last_signed.event.contract_years}
        if not has_year or not tailles:
            found[year] = 0
            continue
        taille = max(tailles, key=lambda one: one.sequence).event.taille
        present = {one.indicator: one for one in lines if one.contract_year_starts_on == year}
        total = dict.fromkeys(MISSIONS, 0)
        for indicator, one in present.items():
            value = best_value(heard, indicator, year)
            if value is not None and not one.is_withdrawn:
                total[one.mission] += line_cents(one, value)
        found[year] = sum(
            min(cents, envelope(scale, taille, mission, year)) for mission, cents in total.items()
        )
    return found


def best_value(heard: Sequence[Recorded[Any]], indicator: str, year: date) -> int | None:
    """What was validated last, else verified last, else counted last; None: nothing was."""
    said: dict[str, list[Any]] = {}
    for one in heard:
        event = one.event
        if not isinstance(event, FigureChanged | FigureLevelSet):
            continue
        if (event.indicator, event.contract_year_starts_on) == (indicator, year):
            said.setdefault(getattr(event, "level", "live"), []).append(event)
    for level in ("validated", "verified", "live"):
        if level in said:
            return int(max(said[level], key=lambda event: event.revision).value)
    return None


def envelope(scale: list[RatePublished], taille: int, mission: str, day: date) -> int:
    in_force = [
        one
        for one in scale
        if (one.taille, one.mission) == (taille, mission)
        and one.from_on <= day
        and (one.to_on is None or day <= one.to_on)
    ]
    return max(in_force, key=lambda one: one.from_on).amount_cents if in_force else 0


async def arrive(desk: Desk, inputs: Sequence[Any]) -> None:
    """One transaction with inputs of one kind, as an order or a batch would bring them."""
    async with open_unit(desk) as unit:
        if isinstance(inputs[0], RatePublished):
            await handlers.lock_rates(unit)
            cause = Cause(id=inputs[0].rate_id, recorded_at=NOW)
            await handlers.publish_rates(unit, inputs, cause)
        elif isinstance(inputs[0], tuple):
            (number, line) = inputs[0]
            key = (line.cpts_id, line.contract_year_starts_on)
            cause = Cause(id=f"line-{number}", recorded_at=NOW)
            await handlers.set_lines(unit, key, "95", lambda _: [line], cause)
        else:
            await TOPICS[type(inputs[0].event)](unit, inputs)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    data=st.data(),
    said=membership(),
    counted=figures(),
    decided=levels(),
    lines=st.lists(line(), max_size=5),
    scale=rates(),
)
async def test_an_account_is_worth_the_same_however_its_inputs_come(
    migrated: Desk,
    data: st.DataObject,
    said: list[Recorded[Any]],
    counted: list[Recorded[Any]],
    decided: list[Recorded[Any]],
    lines: list[ContractLineSet],
    scale: list[RatePublished],
) -> None:
    await empty(migrated)
    again = data.draw(st.lists(st.sampled_from(said), max_size=3), label="told again")
    batches: list[list[Any]] = [[one] for one in (*said, *again, *scale)]
    batches += [decided[first : first + 2] for first in range(0, len(decided), 2)]
    batches += [[*decided[:1], *counted[:1]]] if decided and counted else []
    batches += [counted[first : first + 3] for first in range(0, len(counted), 3)]
    batches += [counted[:2]] if counted else []
    places = [*range(len(batches)), *["line"] * len(lines)]
    numbered = iter(enumerate(lines))
    for place in data.draw(st.permutations(places), label="arrivals"):
        # Orders for lines replace each other: these alone keep their order.
        await arrive(migrated, [next(numbered)] if place == "line" else batches[int(place)])
    rows = await migrated.pool.fetch("select starts_on, variable_cents from account")
    found = {row["starts_on"]: row["variable_cents"] for row in rows}
    expected = expected_cents([*said, *counted, *decided], lines, scale)
    assert {year: found.get(year, 0) for year in YEARS} == expected
    async with migrated.pool.acquire() as connection:
        found_true = await answers.invariants(connection)
    assert all(found_true[name] for name in OF_MONEY)


async def test_a_rate_prices_the_account_of_a_cpts_whose_registration_comes_later(
    migrated: Desk,
) -> None:
    await empty(migrated)
    year = ContractYear(starts_on=YEARS[0], ends_on=ENDS[YEARS[0]])
    of_cpts: Any = {"cpts_id": "c1"}
    of_year: Any = of_cpts | {"contract_year_starts_on": year.starts_on}
    of_line: Any = {"mission": MISSIONS[0], "indicator": INDICATORS[0]}
    signed = AciSigned(**of_cpts, aci_id="a", signed_on=YEARS[0], contract_years=(year,))
    await arrive(migrated, [told(signed, "c1", 2)])
    await arrive(migrated, [told(TailleDetermined(**of_year, taille=1, population=1), "c1", 3)])
    set_line = ContractLineSet(**of_year, **of_line, mode="linear", max_cents=100, target=1)
    await arrive(migrated, [(0, set_line)])
    told_value = FigureChanged(
        **of_year,
        indicator=INDICATORS[0],
        contract_year_ends_on=year.ends_on,
        value=1,
        revision=1,
    )
    await arrive(migrated, [told(told_value, "c1/figure", 1)])
    rate = RatePublished(
        rate_id="r",
        from_on=YEARS[0],
        taille=1,
        mission=MISSIONS[0],
        part="variable",
        amount_cents=70,
        text="a test",
        status="hypothesis",
        is_verified=False,
    )
    await arrive(migrated, [rate])
    registered = CptsRegistered(**of_cpts, cpts_name="C1", seat_commune="95018")
    await arrive(migrated, [told(registered, "c1", 1)])
    assert await migrated.pool.fetchval("select variable_cents from account") == 70


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_entry set amount_cents = 0",
        "delete from ledger_entry",
        "truncate ledger_entry",
        "update estimate set variable_cents = 0",
        "delete from estimate",
        "truncate estimate",
        "delete from history",
    ],
)
async def test_what_was_written_about_money_is_neither_changed_nor_removed(
    migrated: Desk, statement: str
) -> None:
    with pytest.raises(Exception, match="only grows"):
        await migrated.pool.execute(statement)


async def test_a_posting_that_does_not_balance_is_refused(migrated: Desk) -> None:
    await empty(migrated)
    insert = (
        "insert into ledger_entry values (gen_random_uuid(), 1, 'payable:c1', 'c1', '2026-04-15',"
        " 100, now())"
    )
    with pytest.raises(Exception, match="does not sum to zero"):
        await migrated.pool.execute(insert)
