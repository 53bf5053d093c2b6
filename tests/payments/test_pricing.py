"""What a line and an account bring: tables first, then properties for any figures and lines."""

from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.indicators import FigureChanged
from contracts.events.payments import (
    ContractLineSet,
    FundingEstimated,
    RatePublished,
    Step,
    VariableFundingChanged,
)
from contracts.recorded import Cause, Recorded, record
from services.payments.domain.accounts import (
    Account,
    Figure,
    Touch,
    figure_touches,
    postings,
    price,
    reprice,
)
from services.payments.domain.lines import (
    Line,
    check_line,
    line_amount_cents,
    line_of,
    set_line,
)
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate, check_rate, rate_on, says_the_same

YEAR = date(2026, 4, 15)
DEMANDS = "sas_demandes_avec_rdv"
DOCTORS = "sas_medecins_participants"


def line(mode: str, **changes: object) -> Line:
    values = {"mission": "acces_aux_soins", "indicator": DEMANDS, "max_cents": 9_000_00}
    return Line(**(values | {"mode": mode} | changes))  # type: ignore[arg-type]


def step(threshold: int, cents: int) -> Step:
    return Step(threshold=threshold, amount_cents=cents)


STEPS = (step(100, 3_000_00), step(200, 6_000_00), step(300, 9_000_00))
ALL_OR_NOTHING = line("all_or_nothing", target=40)
STEPPED = line("steps", steps=STEPS)
LINEAR = line("linear", target=7)


@pytest.mark.parametrize(
    ("contract_line", "value", "cents"),
    [
        # no figure yet brings nothing
        (ALL_OR_NOTHING, None, 0),
        (STEPPED, None, 0),
        (LINEAR, None, 0),
        # all or nothing: from the target on
        (ALL_OR_NOTHING, 39, 0),
        (ALL_OR_NOTHING, 40, 9_000_00),
        (ALL_OR_NOTHING, 4_000, 9_000_00),
        # steps: the highest step reached
        (STEPPED, 99, 0),
        (STEPPED, 100, 3_000_00),
        (STEPPED, 299, 6_000_00),
        (STEPPED, 300, 9_000_00),
        # linear: in proportion, rounded down to the cent, at most the maximum
        (LINEAR, 0, 0),
        (LINEAR, 1, 1_285_71),
        (LINEAR, 6, 7_714_28),
        (LINEAR, 7, 9_000_00),
        (LINEAR, 70, 9_000_00),
    ],
)
def test_a_line_brings_what_its_mode_says(
    contract_line: Line, value: int | None, cents: int
) -> None:
    assert line_amount_cents(contract_line, value) == cents


@pytest.mark.parametrize(
    ("contract_line", "refusal"),
    [
        (line("linear", indicator="inconnu", mission="inconnue"), Refusal.UNKNOWN_INDICATOR),
        (line("linear", mission="inconnue", max_cents=-1), Refusal.UNKNOWN_MISSION),
        (line("linear", mission="crise_sanitaire", max_cents=-1), Refusal.NO_VARIABLE_PART),
        (line("linear", max_cents=-1), Refusal.AMOUNT_NEGATIVE),
        (line("linear"), Refusal.TARGET_NEEDED),
        (line("all_or_nothing", target=0), Refusal.TARGET_NEEDED),
        (line("steps"), Refusal.STEPS_NEEDED),
        (line("steps", steps=STEPS[::-1]), Refusal.STEPS_NOT_INCREASING),
        # both the thresholds and the amounts rise
        (line("steps", steps=(STEPS[0], STEPS[0])), Refusal.STEPS_NOT_INCREASING),
        (line("steps", steps=(step(1, 10), step(1, 20))), Refusal.STEPS_NOT_INCREASING),
        (line("steps", steps=(step(1, 10), step(2, 10))), Refusal.STEPS_NOT_INCREASING),
        (line("steps", steps=(step(2, 10), step(1, 20))), Refusal.STEPS_NOT_INCREASING),
        # the last step is the highest
        (line("steps", steps=STEPS, max_cents=1), Refusal.AMOUNT_ABOVE_MAXIMUM),
        (line("steps", steps=STEPS, max_cents=8_999_99), Refusal.AMOUNT_ABOVE_MAXIMUM),
        (line("steps", steps=STEPS[:1], max_cents=2_999_99), Refusal.AMOUNT_ABOVE_MAXIMUM),
        (line("steps", steps=STEPS[:1], max_cents=3_000_00), None),
        # a line, or a step, may bring nothing
        (line("linear", target=1, max_cents=0), None),
        (line("steps", steps=(step(1, 0), step(2, 1))), None),
        (STEPPED, None),
        (LINEAR, None),
    ],
)
def test_a_line_is_refused_for_the_first_reason(
    contract_line: Line, refusal: Refusal | None
) -> None:
    assert check_line(contract_line) is refusal


@pytest.mark.parametrize("contract_line", [ALL_OR_NOTHING, STEPPED, LINEAR])
def test_the_event_that_sets_a_line_holds_all_of_it(contract_line: Line) -> None:
    said = set_line(contract_line, cpts_id="c", starts_on=YEAR, is_withdrawn=False)
    assert isinstance(said, ContractLineSet)
    assert (said.cpts_id, said.contract_year_starts_on, said.is_withdrawn) == ("c", YEAR, False)
    assert line_of(said) == contract_line


def test_the_event_that_withdraws_a_line_leaves_none() -> None:
    said = set_line(LINEAR, cpts_id="c", starts_on=YEAR, is_withdrawn=True)
    assert isinstance(said, ContractLineSet)
    assert line_of(said) is None


def rate(
    cents: int, *, from_on: date = date(2022, 4, 1), sequence: int = 1, **changes: object
) -> Rate:
    values = {
        "rate_id": f"r{sequence}",
        "from_on": from_on,
        "to_on": None,
        "taille": 3,
        "mission": "acces_aux_soins",
        "part": "variable",
        "amount_cents": cents,
        "text": "avenant 2",
        "status": "two_contracts",
        "is_verified": False,
        "sequence": sequence,
    }
    return Rate(**(values | changes))  # type: ignore[arg-type]


def test_the_rate_in_force_is_the_latest_start_then_the_latest_published() -> None:
    old, new, newer = (
        rate(1, sequence=3),
        rate(2, from_on=date(2026, 1, 1), sequence=1),
        rate(3, from_on=date(2026, 1, 1), sequence=2),
    )
    ended = rate(4, from_on=date(2026, 2, 1), to_on=date(2026, 3, 1), sequence=4)
    asked = {"taille": 3, "mission": "acces_aux_soins", "part": "variable"}
    rates = [old, new, newer, ended]
    assert rate_on(rates, day=date(2025, 12, 31), **asked) == old  # type: ignore[arg-type]
    assert rate_on(rates, day=YEAR, **asked) == newer  # type: ignore[arg-type]
    assert rate_on(rates, day=date(2026, 3, 1), **asked) == ended  # type: ignore[arg-type]
    assert rate_on(rates, day=date(2022, 3, 31), **asked) is None  # type: ignore[arg-type]
    assert rate_on(rates, day=YEAR, **(asked | {"taille": None})) is None  # type: ignore[arg-type]


def test_a_rate_is_the_same_when_all_it_says_is_and_one_without_a_unit_fits_any() -> None:
    known = rate(1, unit="par année")
    fields = msgspec.structs.asdict(known)
    del fields["sequence"]
    assert says_the_same(known, RatePublished(**fields))
    assert not says_the_same(known, RatePublished(**(fields | {"unit": "par mois"})))
    assert not says_the_same(known, RatePublished(**(fields | {"amount_cents": 2})))
    before_units = rate(1)
    assert says_the_same(before_units, RatePublished(**fields))
    assert not says_the_same(before_units, RatePublished(**(fields | {"amount_cents": 2})))


def account(**changes: object) -> Account:
    values = {"cpts_id": "c1", "starts_on": YEAR, "departement": "95", "taille": 3}
    return Account(**(values | changes))  # type: ignore[arg-type]


def test_the_lines_of_a_mission_are_capped_at_its_envelope() -> None:
    worth = price(
        account(
            lines=(
                line("linear", target=1, max_cents=30_000_00),
                line("all_or_nothing", indicator=DOCTORS, target=1, max_cents=30_000_00),
            ),
            figures={DEMANDS: Figure(value=1, revision=1), DOCTORS: Figure(value=1, revision=2)},
        ),
        [rate(35_000_00)],
    )
    assert worth.variable_cents == 35_000_00
    assert worth.missions[0].lines_cents == 60_000_00


def test_without_a_taille_nothing_is_due_and_the_envelope_is_unknown() -> None:
    worth = price(
        account(taille=None, lines=(LINEAR,), figures={DEMANDS: Figure(value=7, revision=1)}),
        [rate(35_000_00)],
    )
    assert worth.variable_cents == 0
    assert worth.missions[0].envelope_cents is None


def touch(reason: str) -> Touch:
    cause = Cause(id=reason, recorded_at=datetime(2026, 5, 1, tzinfo=UTC))
    return Touch(cpts_id="c1", starts_on=YEAR, departement="95", reason=reason, cause=cause)


def test_every_touch_writes_an_estimate_and_only_a_difference_is_posted() -> None:
    worth_9000 = account(
        sequence=4, lines=(LINEAR,), figures={DEMANDS: Figure(value=7, revision=1)}
    )
    events = reprice(worth_9000, [rate(35_000_00)], [touch("figure"), touch("line")])
    assert [one.sequence for one in events] == [5, 6, 7]
    assert [type(one.event) for one in events] == [
        FundingEstimated,
        VariableFundingChanged,
        FundingEstimated,
    ]
    assert events[1].event.delta_cents == 9_000_00
    assert events[2].event.previous_cents == events[2].event.variable_cents == 9_000_00


def heard(value: int, revision: int, indicator: str = DEMANDS) -> Recorded[FigureChanged]:
    (one,) = record(
        [
            FigureChanged(
                cpts_id="c1",
                indicator=indicator,
                contract_year_starts_on=YEAR,
                contract_year_ends_on=date(2027, 4, 14),
                value=value,
                revision=revision,
            )
        ],
        subject=f"c1/{indicator}",
        after_sequence=revision - 1,
        departement="95",
        occurred_at=datetime(2026, 5, 1, tzinfo=UTC),
        cause=Cause(id=f"{indicator}-{revision}", recorded_at=datetime(2026, 5, 1, tzinfo=UTC)),
    )
    return one


def test_every_newer_figure_of_a_batch_is_priced_as_it_was_then() -> None:
    before = account(
        lines=(LINEAR, line("all_or_nothing", indicator=DOCTORS, target=1, max_cents=1_000_00)),
        figures={DEMANDS: Figure(value=0, revision=2)},
    )
    batch = [
        heard(9, 1),  # older than what is known
        heard(7, 5),
        heard(1, 1, DOCTORS),
        heard(3, 4),  # late in the batch itself
        heard(7, 5),  # again
        heard(0, 6),
    ]
    touches = figure_touches([before], batch)
    assert [(one.indicator, one.cause.id) for one in touches] == [
        (one.event.indicator, str(one.id)) for one in (batch[1], batch[2], batch[5])
    ]
    estimates = [
        one.event
        for one in reprice(before, [rate(35_000_00)], touches)
        if isinstance(one.event, FundingEstimated)
    ]
    assert {one.departement for one in touches} == {"95"}
    assert [(one.indicator, one.previous_cents, one.variable_cents) for one in estimates] == [
        (DEMANDS, 0, 9_000_00),
        (DOCTORS, 9_000_00, 10_000_00),
        (DEMANDS, 10_000_00, 1_000_00),
    ]
    assert [one.figure_revision for one in estimates] == [5, 1, 6]
    # by each line of the estimate, the revision that it read: none yet is 0
    assert [{one.indicator: one.figure_revision for one in each.lines} for each in estimates] == [
        {DEMANDS: 5, DOCTORS: 0},
        {DEMANDS: 5, DOCTORS: 1},
        {DEMANDS: 6, DOCTORS: 1},
    ]


def test_a_lower_figure_takes_the_euros_back() -> None:
    events = reprice(account(variable_cents=9_000_00), [rate(35_000_00)], [touch("figure")])
    change = events[1].event
    assert isinstance(change, VariableFundingChanged)
    assert (change.variable_cents, change.delta_cents) == (0, -9_000_00)
    assert sum(cents for _, cents in postings(change)) == 0


values = st.one_of(st.none(), st.integers(0, 10_000))
cents = st.integers(0, 10_000_000)
increasing_steps = st.lists(
    st.tuples(st.integers(1, 10_000), st.integers(1, 10_000_000)), min_size=1, max_size=5
).map(
    lambda pairs: tuple(
        Step(threshold=threshold, amount_cents=amount)
        for threshold, amount in zip(
            sorted({pair[0] for pair in pairs}), sorted({pair[1] for pair in pairs}), strict=False
        )
    )
)
any_line = st.one_of(
    st.builds(line, st.just("all_or_nothing"), target=st.integers(1, 10_000), max_cents=cents),
    st.builds(line, st.just("linear"), target=st.integers(1, 10_000), max_cents=cents),
    st.builds(line, st.just("steps"), steps=increasing_steps, max_cents=cents),
)


@given(any_line, values, values)
def test_a_line_never_pays_less_for_more_nor_above_its_maximum(
    contract_line: Line, one: int | None, other: int | None
) -> None:
    low, high = sorted((one or 0, other or 0))
    paid_low = line_amount_cents(contract_line, low)
    assert 0 <= paid_low <= line_amount_cents(contract_line, high) <= contract_line.max_cents


@given(st.lists(any_line, max_size=2), values, values, cents)
def test_an_account_is_never_worth_more_than_its_envelope_nor_than_its_lines(
    lines: list[Line], demands: int | None, doctors: int | None, envelope: int
) -> None:
    figures = {
        name: Figure(value=value, revision=1)
        for name, value in ((DEMANDS, demands), (DOCTORS, doctors))
        if value is not None
    }
    worth = price(account(lines=tuple(lines), figures=figures), [rate(envelope)])
    assert 0 <= worth.variable_cents <= envelope or not lines
    assert worth.variable_cents <= sum(one.amount_cents for one in worth.lines)


@given(st.lists(st.integers(0, 20), max_size=20))
def test_the_changes_of_an_account_add_up_to_what_it_is_worth(figures: list[int]) -> None:
    state, total = account(lines=(LINEAR,)), 0
    for revision, value in enumerate(figures, start=1):
        state = account(
            lines=(LINEAR,),
            figures={DEMANDS: Figure(value=value, revision=revision)},
            variable_cents=state.variable_cents,
            sequence=state.sequence,
        )
        for one in reprice(state, [rate(35_000_00)], [touch("figure")]):
            if isinstance(one.event, VariableFundingChanged):
                total += one.event.delta_cents
                state = account(variable_cents=one.event.variable_cents, sequence=one.sequence)
    assert total == state.variable_cents


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"mission": "inconnue", "part": "inconnue"}, Refusal.UNKNOWN_MISSION),
        ({"part": "inconnue", "taille": 5}, Refusal.UNKNOWN_PART),
        ({"taille": 5, "text": " "}, Refusal.UNKNOWN_TAILLE),
        ({"text": " ", "to_on": date(2020, 1, 1)}, Refusal.TEXT_NEEDED),
        ({"to_on": date(2020, 1, 1), "amount_cents": -1}, Refusal.PERIOD_ENDS_BEFORE_IT_STARTS),
        ({"amount_cents": -1}, Refusal.AMOUNT_NEGATIVE),
        ({"amount_cents": 0, "to_on": YEAR, "taille": 4}, None),
        ({}, None),
    ],
)
def test_a_rate_is_refused_for_the_first_reason(
    changes: dict[str, object], refusal: Refusal | None
) -> None:
    values = {
        "rate_id": "r",
        "from_on": YEAR,
        "taille": 1,
        "mission": "prevention",
        "part": "fixe",
        "amount_cents": 1,
        "text": "avenant 2",
        "status": "derived",
        "is_verified": False,
    }
    assert check_rate(RatePublished(**(values | changes))) is refusal  # type: ignore[arg-type]
