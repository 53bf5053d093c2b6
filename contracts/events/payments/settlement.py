"""The dialogue de gestion of a contract year, its settlement, and corrections after it."""

from datetime import date

import msgspec

from contracts.events.payments.estimates import LineAmount, MissionAmount
from contracts.events.payments.lines import LineMode, Step


class DialogueOpened(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.DialogueOpened.v1"
):
    """The dialogue de gestion of a contract year that is over began: CPTS, caisse and ARS."""

    cpts_id: str
    contract_year_starts_on: date
    opened_on: date


class DialogueLineSet(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.DialogueLineSet.v1"
):
    """Where one indicator stands in the dialogue; a later one for the same replaces it.

    `validated_value` is what both sides hold to be true, None while they do not; what indicators
    validates later stands before it. `cpts_stance` and `caisse_stance`: `none`, `agrees`,
    `contests`, `evidence_missing`, `evidence_to_check`. The first is what the CPTS itself had said
    of this value by then; the second, `by_role` and `said_by` are of who set the line.
    """

    cpts_id: str
    contract_year_starts_on: date
    indicator: str
    validated_value: int | None = None
    cpts_stance: str = "none"
    caisse_stance: str = "none"
    by_role: str | None = None
    said_by: str | None = None


class SettledTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A contract line as it was settled; its fields are those of `ContractLineSet`."""

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


class SettledRate(msgspec.Struct, frozen=True, kw_only=True):
    """The rate that gave a mission's envelope."""

    mission: str
    rate_id: str
    amount_cents: int


class YearSettled(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.YearSettled.v1"
):
    """The variable part of a contract year is settled; its estimates stay as they are.

    All that the amount rests on is here: each line's validated value (with the revision that its
    figure had), its terms, each mission's envelope and the rate that gave it. `accrued_cents` is
    what the estimates had accrued; it is reversed, and `variable_cents` becomes due.
    `without_agreement` and `without_visa` are the indicators whose value the CPTS had not agreed
    with, or that had no visa of the ARS: they settle the year like the others, and are told; None
    where that was not kept yet.
    """

    cpts_id: str
    contract_year_starts_on: date
    settled_on: date
    variable_cents: int
    accrued_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]
    terms: tuple[SettledTerms, ...]
    rates: tuple[SettledRate, ...]
    without_agreement: tuple[str, ...] | None = None
    without_visa: tuple[str, ...] | None = None


class YearAdjusted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.YearAdjusted.v1"
):
    """A validated value was corrected after the settlement: the difference is due, or taken back.

    The correction was said in the dialogue or, as a level of the figure, by indicators.
    `amount_cents` is `variable_cents` (by the values as they are now) less what was settled and
    what was adjusted before. It is the sum `due_id` of the account of `due_year_starts_on`, the
    contract year that was open when the correction was recorded.
    """

    cpts_id: str
    contract_year_starts_on: date
    adjusted_on: date
    due_year_starts_on: date
    due_id: str
    amount_cents: int
    variable_cents: int
    settled_cents: int
    adjusted_before_cents: int
    indicator: str
