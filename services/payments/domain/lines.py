"""Contract lines: what one indicator can bring in one contract year."""

from datetime import date
from itertools import pairwise
from typing import assert_never

import msgspec

from contracts.events.payments import ContractLineSet, LineMode, Step
from contracts.indicators import indicators
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import MISSIONS, WITH_VARIABLE_PART


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one indicator can bring in a contract year."""

    mission: str
    indicator: str
    mode: LineMode
    max_cents: int
    target: int | None = None
    steps: tuple[Step, ...] = ()


def check_line(line: Line) -> Refusal | None:
    """Why this line cannot be set, or None. Reasons come in the order of `Refusal`."""
    if line.indicator not in indicators():
        return Refusal.UNKNOWN_INDICATOR
    if line.mission not in MISSIONS:
        return Refusal.UNKNOWN_MISSION
    if line.mission not in WITH_VARIABLE_PART:
        return Refusal.NO_VARIABLE_PART
    if line.max_cents < 0 or any(step.amount_cents < 0 for step in line.steps):
        return Refusal.AMOUNT_NEGATIVE
    if line.mode in ("all_or_nothing", "linear") and (line.target is None or line.target < 1):
        return Refusal.TARGET_NEEDED
    if line.mode == "steps":
        if not line.steps:
            return Refusal.STEPS_NEEDED
        pairs = pairwise(line.steps)
        if any(b.threshold <= a.threshold or b.amount_cents <= a.amount_cents for a, b in pairs):
            return Refusal.STEPS_NOT_INCREASING
        if line.steps[-1].amount_cents > line.max_cents:
            return Refusal.AMOUNT_ABOVE_MAXIMUM
    return None


def line_amount_cents(line: Line, value: int | None) -> int:
    """What a line brings for a figure, in cents: 0 without a figure, at most the line's maximum."""
    if value is None:
        return 0
    match line.mode:
        case "all_or_nothing":
            amount = line.max_cents if value >= (line.target or 0) else 0
        case "steps":
            reached = [step.amount_cents for step in line.steps if value >= step.threshold]
            amount = max(reached, default=0)
        case "linear":
            target = line.target or 1
            amount = line.max_cents * min(value, target) // target
        case _:
            assert_never(line.mode)
    return min(max(amount, 0), line.max_cents)


def set_line(
    line: Line, *, cpts_id: str, starts_on: date, is_withdrawn: bool
) -> ContractLineSet | Refusal:
    """The event that sets a line, or why it is refused."""
    refusal = check_line(line)
    if refusal is not None:
        return refusal
    return ContractLineSet(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        mission=line.mission,
        indicator=line.indicator,
        mode=line.mode,
        max_cents=line.max_cents,
        target=line.target,
        steps=line.steps,
        is_withdrawn=is_withdrawn,
    )


def line_of(event: ContractLineSet) -> Line | None:
    """The line that an event sets, None when it withdraws it."""
    if event.is_withdrawn:
        return None
    return Line(
        mission=event.mission,
        indicator=event.indicator,
        mode=event.mode,
        max_cents=event.max_cents,
        target=event.target,
        steps=event.steps,
    )
