"""What the variable part of a contract year is worth now."""

from datetime import date

import msgspec


class LineAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What one line brings now: the figure it read and the cents it gives, before the envelope.

    `level` says how sure the value is: `live`, `verified`, `validated`, `visa`; None without a
    value, or where it was said before levels were told.
    """

    mission: str
    indicator: str
    value: int | None
    figure_revision: int
    amount_cents: int
    line_id: str | None = None
    level: str | None = None


class MissionAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What one mission brings now: the sum of its lines, capped at its envelope.

    `envelope_cents` is None while the taille or the rate is unknown; nothing is due then. Where the
    time that the mission ran counts, it is `year_part` of `year_whole` of the year's amount, in
    days or months; both are None where it does not count.
    """

    mission: str
    envelope_cents: int | None
    lines_cents: int
    amount_cents: int
    year_part: int | None = None
    year_whole: int | None = None


class FundingEstimated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="payments.FundingEstimated.v1"
):
    """The variable part was computed again, because of `reason`.

    `reason`: `figure` (then with the indicator and the figure's revision), `level` (the caisse or
    the ARS set one, then with the indicator), `line`, `rate`, `taille`, `contract`, `mission` (it
    ran another time, where that counts), `dialogue` (a value was validated, then with the
    indicator), `restore` (any of them, after a service came back from a backup). `variable_cents`
    is the sum of the missions, `taille` that of the year, None when not known.
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
    taille: int | None = None


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
