"""A settled year comes back from its event alone, to the cent, whatever lines and values it had."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import LineMode, Step, YearAdjusted, YearSettled
from services.payments.domain.accounts import Account, price
from services.payments.domain.calendar import YearPart
from services.payments.domain.dues import Aci, DueSum, Funded, years_of
from services.payments.domain.dues_schedule import dues_of
from services.payments.domain.lines import Line, check_line
from services.payments.domain.scale import WITH_VARIABLE_PART
from services.payments.domain.settlement import adjust, settle, variable_now
from services.payments.store.dues_rules import load_dues_rules
from tests.payments.served import YEAR
from tests.payments.written import RATES, validated

Event = TypeVar("Event", YearSettled, YearAdjusted)
MODES: tuple[LineMode, ...] = ("all_or_nothing", "steps", "linear")
TODAY = date(2027, 6, 1)
RULES = load_dues_rules()
MISSIONS = sorted(WITH_VARIABLE_PART)
INDICATORS = ("depistage_sein", "local_a", "local_b", "local_c")
VALUES = st.fixed_dictionaries({name: st.integers(0, 1_000) for name in INDICATORS})


@st.composite
def sound_lines(draw: st.DrawFn) -> Line:
    """A line of any mode, either way."""
    is_down = draw(st.booleans())
    bounds = draw(st.lists(st.integers(1, 1_000), min_size=2, max_size=4, unique=True))
    bounds.sort(reverse=is_down)
    cents = sorted(draw(st.lists(st.integers(1, 30_000_00), min_size=4, max_size=4, unique=True)))
    terms: dict[str, Any] = {"baseline": bounds[0], "target": bounds[-1]}
    mode = draw(st.sampled_from(MODES))
    if mode == "steps":
        steps = (
            Step(threshold=bound, amount_cents=one)
            for bound, one in zip(bounds, cents, strict=False)
        )
        terms = {"steps": tuple(steps)}
    return Line(
        mission=draw(st.sampled_from(MISSIONS)),
        indicator=draw(st.sampled_from(INDICATORS)),
        mode=mode,
        max_cents=cents[-1],
        is_lower_better=is_down,
        carried_over_from_on=draw(st.none() | st.just(date(2025, 4, 15))),
        **terms,
    )


def named(lines: Sequence[Line]) -> tuple[Line, ...]:
    """These lines, each with an id of its own."""
    return tuple(
        msgspec.structs.replace(line, line_id=f"l{place}") for place, line in enumerate(lines)
    )


PARTS = st.none() | st.dictionaries(
    st.sampled_from(MISSIONS), st.builds(YearPart, part=st.integers(0, 365), whole=st.just(365))
)
ACCOUNTS = st.builds(
    Account,
    cpts_id=st.just("c1"),
    starts_on=st.just(YEAR.starts_on),
    departement=st.just("95"),
    variable_cents=st.integers(0, 10**7),
    taille=st.sampled_from((1, 2, 3, 4)),
    lines=st.lists(sound_lines(), max_size=5).map(named),
    levels=VALUES.map(validated),
    parts_run=PARTS,
)


def again(event: Event) -> Event:
    """The event as the log gives it back."""
    return msgspec.json.decode(msgspec.json.encode(event), type=type(event))


def dues_by(settled: YearSettled, adjusted: Sequence[YearAdjusted]) -> list[DueSum]:
    aci = Aci(aci_id="a", signed_on=YEAR.starts_on, years=((YEAR.starts_on, YEAR.ends_on),))
    funded = Funded(
        cpts_id="c1",
        years=years_of([aci], {YEAR.starts_on: 3}),
        settled=(settled,),
        adjusted=tuple(adjusted),
    )
    return dues_of(funded, RATES, RULES)


@given(ACCOUNTS, VALUES)
def test_a_year_settled_and_rebuilt_is_worth_the_same(
    account: Account, corrected: dict[str, int]
) -> None:
    assert not any(check_line(line) for line in account.lines)
    agreed = price(account, RATES)
    settled = settle(account, TODAY, RATES, agreed.variable_cents, TODAY)
    assert isinstance(settled, YearSettled)
    rebuilt = again(settled)
    assert rebuilt == settled
    values = account.validated
    assert variable_now(rebuilt, values) == rebuilt.variable_cents == agreed.variable_cents
    # Of all that may change after, nothing is read again: neither lines, values nor scale.
    bare = msgspec.structs.replace(account, settled=rebuilt, lines=(), levels={}, parts_run=None)
    assert price(bare, []) == agreed
    correction = adjust(
        rebuilt,
        [],
        values | corrected,
        indicator=INDICATORS[0],
        due_year_starts_on=YEAR.starts_on,
        number=1,
        today=TODAY,
    )
    adjusted = [correction] if correction else []
    dues = dues_by(settled, adjusted)
    assert dues_by(rebuilt, [again(one) for one in adjusted]) == dues
    posted = [one.amount_cents for one in dues if one.kind in ("variable", "adjustment")]
    then = msgspec.structs.replace(account, levels=validated(values | corrected))
    assert sum(posted) == price(then, RATES).variable_cents
