"""Contract lines: what each indicator can bring."""

from datetime import date
from typing import Literal

import msgspec

LineMode = Literal["all_or_nothing", "steps", "linear"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a contract line: from `threshold` on, it pays `amount_cents`."""

    threshold: int
    amount_cents: int


class ContractLineSet(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.ContractLineSet.v1"
):
    """What one indicator can bring in one contract year; a later one for the same replaces it.

    `target` is the value at which `all_or_nothing` pays and `linear` reaches `max_cents`.
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
