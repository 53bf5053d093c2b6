"""Values that a CPTS declares, or that a file of the caisse gives: the figure is the value."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from contracts.events.indicators import ValueRecorded
from contracts.indicators import Indicator, Source, indicators
from services.indicators.domain.figures import ContractYear, Counted, FigureKey
from services.indicators.domain.refusals import Refusal

# The most that an indicator of a unit can be; others have no such bound.
MAXIMA: Final[Mapping[str, int]] = {"basis_points": 10_000, "boolean": 1, "days": 366}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A value to record; without `true_on`, that of the day of the order, or of the year's last."""

    indicator: str
    value: int
    true_on: date | None
    evidence_ids: tuple[str, ...] = ()
    file_sha256: str | None = None
    is_withdrawn: bool = False
    said_by: str | None = None
    reason: str | None = None


def indicator_in(code: str, source: Source) -> Indicator | Refusal:
    """The indicator, if its values come from this source."""
    indicator = indicators().get(code)
    if indicator is None:
        return Refusal.UNKNOWN_INDICATOR
    if indicator.source != source:
        return Refusal.NOT_DECLARED if source == "declared" else Refusal.NOT_OF_THE_CAISSE
    return indicator


def year_of(years: Sequence[ContractYear], starts_on: date) -> ContractYear | Refusal:
    """The contract year that begins on a day."""
    found = next((year for year in years if year.period.first == starts_on), None)
    return found or Refusal.UNKNOWN_CONTRACT_YEAR


def record_value(
    asked: Asked,
    *,
    year: ContractYear,
    indicator: Indicator,
    present: ValueRecorded | None,
    today: date,
) -> ValueRecorded | Refusal | None:
    """The event of a value; None when it is recorded already. `today` is the day of the order."""
    period = year.period
    if not indicator.holds(period.first):
        return Refusal.INDICATOR_NOT_OF_THAT_YEAR
    if asked.value > MAXIMA.get(indicator.unit, asked.value):
        return Refusal.VALUE_OUT_OF_RANGE
    latest = min(today, period.last or today)
    true_on = asked.true_on or latest
    if not period.first <= true_on <= latest:
        return Refusal.DAY_OUTSIDE_CONTRACT_YEAR
    event = ValueRecorded(
        cpts_id=year.cpts_id,
        indicator=asked.indicator,
        contract_year_starts_on=period.first,
        value=asked.value,
        true_on=true_on,
        by="caisse" if indicator.source == "caisse" else "cpts",
        evidence_ids=asked.evidence_ids,
        file_sha256=asked.file_sha256,
        is_withdrawn=asked.is_withdrawn,
        said_by=asked.said_by,
        reason=asked.reason,
    )
    return None if present is not None and _says_the_same(event, present, asked) else event


def _says_the_same(event: ValueRecorded, present: ValueRecorded, asked: Asked) -> bool:
    """Whether nothing is new: neither who says it, nor the file that does, nor a day that nobody
    told, is.
    """
    known = msgspec.structs.replace(
        present,
        file_sha256=event.file_sha256,
        said_by=event.said_by,
        reason=event.reason,
        true_on=present.true_on if asked.true_on else event.true_on,
    )
    return known == event


def value_facts(
    values: Iterable[ValueRecorded], years: Mapping[str, Sequence[ContractYear]]
) -> dict[str, dict[FigureKey, Counted]]:
    """The facts that values are: one a CPTS, which counts in the figure of each of them."""
    facts: dict[str, dict[FigureKey, Counted]] = {}
    for value in values:
        starts_on = value.contract_year_starts_on
        is_there = any(year.period.first == starts_on for year in years.get(value.cpts_id, ()))
        if is_there and not value.is_withdrawn:
            key = FigureKey(value.cpts_id, value.indicator, starts_on)
            there = facts.setdefault(f"value:{value.cpts_id}", {})
            there[key] = Counted(value.value, value.true_on)
    return facts


def value_subject(cpts_id: str, indicator: str, starts_on: date) -> str:
    """The aggregate's id of a value."""
    return f"{FigureKey(cpts_id, indicator, starts_on).subject}/value"
