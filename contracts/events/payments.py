"""What the payments service says: rates, contract lines, and the variable funding that follows.

Amounts are integer cents of euro. Two aggregates: the scale of rates (`subject` `rates`, key `00`)
and the account of a CPTS and contract year (`subject` `<cpts_id>/<first day>`, the CPTS's key).
"""

from datetime import date
from typing import Literal

import msgspec

LineMode = Literal["all_or_nothing", "steps", "linear"]


class RatePublished(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.RatePublished.v1"
):
    """An amount of the scale, from a date on: taille (1 to 4), mission, part (`fixe`, `variable`).

    `text` is where it was read, `status` how sure that is (`confirmed`, `two_contracts`,
    `single_source`, `derived`, `hypothesis`); `is_verified` is False until a primary text was read.
    `unit` is what the amount is for, in French words.
    """

    rate_id: str
    from_on: date
    taille: int
    mission: str
    part: str
    amount_cents: int
    text: str
    status: str
    is_verified: bool
    to_on: date | None = None
    unit: str = ""


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


class LineAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What one line brings now: the figure it read and the cents it gives, before the envelope."""

    mission: str
    indicator: str
    value: int | None
    figure_revision: int
    amount_cents: int


class MissionAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What one mission brings now: the sum of its lines, capped at its envelope.

    `envelope_cents` is None while the taille or the rate is unknown; nothing is due then.
    """

    mission: str
    envelope_cents: int | None
    lines_cents: int
    amount_cents: int


class FundingEstimated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.FundingEstimated.v1"
):
    """The variable part was computed again, because of `reason`.

    `reason`: `figure` (then with the indicator and the figure's revision), `line`, `rate`,
    `taille`, `contract`, `restore` (any of them, after a service came back from a backup).
    `variable_cents` is the sum of the missions.
    """

    cpts_id: str
    contract_year_starts_on: date
    reason: str
    variable_cents: int
    previous_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]
    indicator: str | None = None
    figure_revision: int | None = None


class VariableFundingChanged(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="payments.VariableFundingChanged.v1",
):
    """The variable part is another amount; the difference was posted in the ledger as an accrual.

    `delta_cents` is positive when the caisse owes more.
    """

    cpts_id: str
    contract_year_starts_on: date
    variable_cents: int
    delta_cents: int


PaymentsEvent = RatePublished | ContractLineSet | FundingEstimated | VariableFundingChanged
