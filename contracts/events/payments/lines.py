"""Contract lines: what each indicator can bring."""

from datetime import date
from typing import Literal

import msgspec

LineMode = Literal["all_or_nothing", "steps", "linear"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a contract line: from `threshold` on, it pays `amount_cents`.

    Of a line whose lower values are better: from `threshold` down.
    """

    threshold: int
    amount_cents: int


class ContractLineSet(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.ContractLineSet.v1"
):
    """What one line can bring in one contract year; a later one of the same id replaces it.

    `line_id` is unique in the contract year; when None it is the indicator. `target` is the value
    at which `all_or_nothing` pays and at which `linear`, which begins at `baseline` (0 when None),
    reaches `max_cents`. `is_lower_better`: values go down to the target. `documents`, which prove
    the result: `caisse_data`, `attendance_sheet`, `minutes`, `agreement`, `report`, `other`.
    `carried_over_from_on` is the contract year whose unreached line is put back.
    """

    cpts_id: str
    contract_year_starts_on: date
    mission: str
    indicator: str
    mode: LineMode
    max_cents: int
    target: int | None = None
    steps: tuple[Step, ...] = ()
    is_withdrawn: bool = False
    line_id: str | None = None
    line_label: str = ""
    baseline: int | None = None
    is_lower_better: bool = False
    documents: tuple[str, ...] = ()
    carried_over_from_on: date | None = None
