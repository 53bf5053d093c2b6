"""Contract lines: what one line of a contract can bring in one contract year.

A line reads one indicator; several may read the same, for different results. Values go up to the
target, or down to it where lower is better.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import assert_never

import msgspec

from contracts.events.payments import ContractLineSet, LineAmount, LineMode, Step
from contracts.indicators import LOCAL, indicators
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import MISSIONS, WITH_VARIABLE_PART


class Document(StrEnum):
    """What proves a result."""

    CAISSE_DATA = "caisse_data"
    ATTENDANCE_SHEET = "attendance_sheet"
    MINUTES = "minutes"
    AGREEMENT = "agreement"
    REPORT = "report"
    OTHER = "other"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one line can bring in a contract year."""

    mission: str
    indicator: str
    mode: LineMode
    max_cents: int
    target: int | None = None
    steps: tuple[Step, ...] = ()
    line_id: str = ""
    line_label: str = ""
    baseline: int | None = None
    is_lower_better: bool = False
    documents: tuple[str, ...] = ()
    carried_over_from_on: date | None = None

    def __post_init__(self) -> None:
        """A line without an id of its own has its indicator's."""
        if not self.line_id:
            msgspec.structs.force_setattr(self, "line_id", self.indicator)

    @property
    def label(self) -> str:
        """What a user reads: the line's own label, else its indicator's."""
        known = indicators().get(self.indicator)
        return self.line_label or (known.label if known else self.indicator)


class LineRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line of several cannot be set; `line_id` is None when it is about all of a mission."""

    reason: Refusal
    mission: str
    line_id: str | None = None


def check_line(line: Line) -> Refusal | None:
    """Why this line cannot be set, or None. Reasons come in the order of `Refusal`."""
    if line.indicator not in indicators() and not LOCAL.fullmatch(line.indicator):
        return Refusal.UNKNOWN_INDICATOR
    if line.mission not in MISSIONS:
        return Refusal.UNKNOWN_MISSION
    if line.mission not in WITH_VARIABLE_PART:
        return Refusal.NO_VARIABLE_PART
    if any(document not in tuple(Document) for document in line.documents):
        return Refusal.UNKNOWN_DOCUMENT
    if line.max_cents < 0 or any(step.amount_cents < 0 for step in line.steps):
        return Refusal.AMOUNT_NEGATIVE
    return _check_steps(line) if line.mode == "steps" else _check_target(line)


def check_lines(lines: Sequence[Line], envelopes: Mapping[str, int | None]) -> list[LineRefused]:
    """All that is wrong with the lines of a contract year; `envelopes` by mission, in cents.

    Each line by itself; two with one id; two that would pay for one and the same result; and the
    missions whose lines add up to more than their envelope, where that is known.
    """
    found = [
        LineRefused(reason=reason, mission=line.mission, line_id=line.line_id)
        for line in lines
        if (reason := check_line(line)) is not None
    ]
    seen: set[str] = set()
    results: set[tuple[str, str, int]] = set()
    for line in lines:
        here = {(line.mission, line.indicator, value) for value in _rewarded(line)}
        if line.line_id in seen:
            reason = Refusal.LINE_TWICE
        elif here & results:
            reason = Refusal.LINES_OVERLAP
        else:
            reason = None
        if reason is not None:
            found.append(LineRefused(reason=reason, mission=line.mission, line_id=line.line_id))
        seen.add(line.line_id)
        results |= here
    for mission, envelope in envelopes.items():
        total = sum(line.max_cents for line in lines if line.mission == mission)
        if envelope is not None and total > envelope:
            found.append(LineRefused(reason=Refusal.ENVELOPE_EXCEEDED, mission=mission))
    return found


def line_amount_cents(line: Line, value: int | None) -> int:
    """What a line brings for a figure, in cents: 0 without a figure, at most the line's maximum."""
    if value is None:
        return 0
    match line.mode:
        case "all_or_nothing":
            amount = line.max_cents if _has_reached(line, value, line.target or 0) else 0
        case "steps":
            reached = (s.amount_cents for s in line.steps if _has_reached(line, value, s.threshold))
            amount = max(reached, default=0)
        case "linear":
            baseline, target = line.baseline or 0, line.target or 0
            way, whole = abs(value - baseline), abs(target - baseline)
            is_on_the_way = (value < baseline) if line.is_lower_better else (value > baseline)
            amount = line.max_cents * min(way, whole) // whole if is_on_the_way else 0
        case _:
            assert_never(line.mode)
    return min(max(amount, 0), line.max_cents)


def set_line(
    line: Line, *, cpts_id: str, starts_on: date, is_withdrawn: bool
) -> ContractLineSet | Refusal:
    """The event that sets a line, or why it is refused."""
    refusal = check_line(line)
    return refusal or line_set(line, cpts_id, starts_on, is_withdrawn=is_withdrawn)


def line_set(
    line: Line, cpts_id: str, starts_on: date, *, is_withdrawn: bool = False
) -> ContractLineSet:
    """The event that sets a sound line."""
    return ContractLineSet(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        is_withdrawn=is_withdrawn,
        **msgspec.structs.asdict(line),
    )


def line_of(event: ContractLineSet) -> Line | None:
    """The line that an event sets, None when it withdraws it."""
    if event.is_withdrawn:
        return None
    fields = {name: getattr(event, name) for name in Line.__struct_fields__}
    return Line(**(fields | {"line_id": line_id_of(event)}))


def line_id_of(said: ContractLineSet | LineAmount) -> str:
    """The id of the line that an event or an amount is about; without one, its indicator's."""
    return said.line_id or said.indicator


def _check_target(line: Line) -> Refusal | None:
    lowest = 0 if line.is_lower_better else 1
    if line.target is None or line.target < lowest:
        return Refusal.TARGET_NEEDED
    if line.mode == "all_or_nothing":
        return None
    if line.is_lower_better and line.baseline is None:
        return Refusal.BASELINE_NEEDED
    baseline = line.baseline or 0
    is_beyond = line.target < baseline if line.is_lower_better else line.target > baseline
    return None if is_beyond else Refusal.TARGET_NOT_BEYOND_BASELINE


def _check_steps(line: Line) -> Refusal | None:
    if not line.steps:
        return Refusal.STEPS_NEEDED
    for one, following in pairwise(line.steps):
        is_further = (
            following.threshold < one.threshold
            if line.is_lower_better
            else following.threshold > one.threshold
        )
        if not is_further or following.amount_cents <= one.amount_cents:
            return Refusal.STEPS_NOT_INCREASING
    if line.steps[-1].amount_cents > line.max_cents:
        return Refusal.AMOUNT_ABOVE_MAXIMUM
    return None


def _has_reached(line: Line, value: int, bound: int) -> bool:
    return value <= bound if line.is_lower_better else value >= bound


def _rewarded(line: Line) -> list[int]:
    """The values that a line pays for."""
    if line.mode == "steps":
        return [step.threshold for step in line.steps]
    return [] if line.target is None else [line.target]
