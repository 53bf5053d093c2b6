"""What an account is worth: a CPTS and a contract year of its ACI, priced from all its inputs.

CPTS: communauté professionnelle territoriale de santé; ACI: accord conventionnel
interprofessionnel.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from contracts.events.indicators import FigureChanged
from contracts.events.payments import (
    FundingEstimated,
    LineAmount,
    MissionAmount,
    VariableFundingChanged,
    YearSettled,
)
from contracts.recorded import Cause, Recorded, record
from services.payments.domain.calendar import YearPart
from services.payments.domain.levels import LIVE, SETTLING, Standing
from services.payments.domain.lines import Line, line_amount_cents
from services.payments.domain.scale import VARIABLE_PART, Rate, rate_on

AccountKey = tuple[str, date]
"""A CPTS and the first day of a contract year."""
EXPENSE_ACCOUNT = "expense:aci:variable"
UnknownInput = Literal["contract_year", "taille", "rate"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator's value, the revision of the live figure, and how sure the value is."""

    value: int
    revision: int
    level: str | None = LIVE


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All that pricing reads of one CPTS and contract year, and what it was worth before.

    `taille` is None until the contract year and its taille are both known; a year that a corrected
    ACI no longer has is not a contract year. `levels` are the values, by indicator, that count
    before the live figures. `parts_run` is how much of the year each mission ran, None where that
    does not count. A settled year is worth what its settlement says.
    """

    cpts_id: str
    starts_on: date
    departement: str
    sequence: int = 0
    variable_cents: int = 0
    is_contract_year: bool = True
    taille: int | None = None
    lines: tuple[Line, ...] = ()
    figures: Mapping[str, Figure] = {}
    levels: Mapping[str, Standing] = {}
    parts_run: Mapping[str, YearPart] | None = None
    settled: YearSettled | None = None

    @property
    def subject(self) -> str:
        """The aggregate's id in the log."""
        return f"{self.cpts_id}/{self.starts_on.isoformat()}"

    @property
    def validated(self) -> dict[str, int]:
        """The value of each indicator by which the year may be settled."""
        return {
            indicator: standing.value
            for indicator, standing in self.levels.items()
            if standing.level in SETTLING
        }

    def line(self, line_id: str) -> Line | None:
        """A present line, None without one."""
        return next((line for line in self.lines if line.line_id == line_id), None)


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """An input of an account changed: which one, and what caused it.

    A `figure` is the indicator's from this touch on; other inputs are in the account already.
    """

    cpts_id: str
    starts_on: date
    departement: str
    reason: str
    cause: Cause
    indicator: str | None = None
    figure: Figure | None = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is worth, with every amount that leads to it."""

    variable_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]


def variable_rate(account: Account, rates: Sequence[Rate], mission: str) -> Rate | None:
    """The rate that gives a mission's envelope: of the year's taille, on the year's first day."""
    return rate_on(
        rates,
        taille=account.taille,
        mission=mission,
        part=VARIABLE_PART,
        day=account.starts_on,
    )


def unknown_input(account: Account, rate: Rate | None) -> UnknownInput | None:
    """What keeps a mission's envelope unknown, given its rate; None when it is known."""
    if rate is not None:
        return None
    if not account.is_contract_year:
        return "contract_year"
    return "taille" if account.taille is None else "rate"


def line_amount(line: Line, figure: Figure | None) -> LineAmount:
    """What a line brings for a figure, None before the first."""
    value = figure.value if figure else None
    return LineAmount(
        mission=line.mission,
        indicator=line.indicator,
        value=value,
        figure_revision=figure.revision if figure else 0,
        amount_cents=line_amount_cents(line, value),
        line_id=line.line_id,
        level=figure.level if figure else None,
    )


def line_amounts(account: Account) -> dict[str, LineAmount]:
    """What each line of an account brings, by its id, in order of mission, indicator and id."""
    lines = sorted(account.lines, key=lambda line: (line.mission, line.indicator, line.line_id))
    return {
        line.line_id: line_amount(
            line, best_figure(account, line.indicator, account.figures.get(line.indicator))
        )
        for line in lines
    }


def best_figure(account: Account, indicator: str, figure: Figure | None) -> Figure | None:
    """A figure with the value of the best level known."""
    standing = account.levels.get(indicator)
    if standing is None:
        return figure
    revision = figure.revision if figure else 0
    return Figure(value=standing.value, revision=revision, level=standing.level)


def envelopes_of(account: Account, rates: Sequence[Rate]) -> dict[str, int | None]:
    """The most that each mission of an account's lines can bring, in cents; None: not known yet.

    Where the time run counts, it is that part of the year's amount: nothing if it did not run.
    """
    missions = sorted({line.mission for line in account.lines})
    found = {mission: variable_rate(account, rates, mission) for mission in missions}
    return {
        mission: _part_of(account, mission, rate.amount_cents) if rate else None
        for mission, rate in found.items()
    }


def _part_of(account: Account, mission: str, amount_cents: int) -> int:
    if account.parts_run is None:
        return amount_cents
    part = account.parts_run.get(mission)
    return part.of(amount_cents) if part else 0


def estimate_of(
    lines: Iterable[LineAmount],
    envelopes: Mapping[str, int | None],
    parts_run: Mapping[str, YearPart] | None = None,
) -> Estimate:
    """What an account is worth by what its lines bring.

    The lines of a mission together are capped at the mission's envelope. An unknown envelope gives
    nothing. `parts_run`, where they count, are in the envelopes already.
    """
    parts = parts_run or {}
    totals = dict.fromkeys(envelopes, 0)
    lines = tuple(lines)
    for line in lines:
        totals[line.mission] += line.amount_cents
    missions = tuple(
        MissionAmount(
            mission=mission,
            envelope_cents=envelopes[mission],
            lines_cents=total,
            amount_cents=min(total, envelopes[mission] or 0),
            year_part=parts[mission].part if mission in parts else None,
            year_whole=parts[mission].whole if mission in parts else None,
        )
        for mission, total in totals.items()
    )
    return Estimate(
        variable_cents=sum(mission.amount_cents for mission in missions),
        missions=missions,
        lines=lines,
    )


def price(account: Account, rates: Sequence[Rate]) -> Estimate:
    """What the account is worth now; once it is settled, what it was settled at."""
    settled = account.settled
    if settled is not None:
        return Estimate(
            variable_cents=settled.variable_cents, missions=settled.missions, lines=settled.lines
        )
    envelopes = envelopes_of(account, rates)
    return estimate_of(line_amounts(account).values(), envelopes, account.parts_run)


def reprice(
    account: Account, rates: Sequence[Rate], touches: Sequence[Touch]
) -> list[Recorded[FundingEstimated | VariableFundingChanged]]:
    """The events of pricing an account again: one estimate a touch, and the change if any.

    `account` has the figures from before the touches; each touch that brings one is priced with it
    and those before. Its other inputs are the present ones. A settled account stays as it is.
    """
    if account.settled is not None:
        return []
    envelopes, amounts = envelopes_of(account, rates), line_amounts(account)
    announced: list[Recorded[FundingEstimated | VariableFundingChanged]] = []
    previous_cents, sequence = account.variable_cents, account.sequence
    for touch in touches:
        if touch.figure is not None:
            amounts |= {
                line.line_id: line_amount(line, best_figure(account, line.indicator, touch.figure))
                for line in account.lines
                if line.indicator == touch.indicator
            }
        estimate = estimate_of(amounts.values(), envelopes, account.parts_run)
        events: list[FundingEstimated | VariableFundingChanged] = [
            FundingEstimated(
                cpts_id=account.cpts_id,
                contract_year_starts_on=account.starts_on,
                reason=touch.reason,
                variable_cents=estimate.variable_cents,
                previous_cents=previous_cents,
                missions=estimate.missions,
                lines=estimate.lines,
                indicator=touch.indicator,
                figure_revision=touch.figure.revision if touch.figure else None,
                taille=account.taille,
            )
        ]
        if estimate.variable_cents != previous_cents:
            events.append(
                VariableFundingChanged(
                    cpts_id=account.cpts_id,
                    contract_year_starts_on=account.starts_on,
                    variable_cents=estimate.variable_cents,
                    delta_cents=estimate.variable_cents - previous_cents,
                )
            )
        announced += record(
            events,
            subject=account.subject,
            after_sequence=sequence,
            departement=account.departement,
            occurred_at=touch.cause.recorded_at,
            cause=touch.cause,
        )
        sequence += len(events)
        previous_cents = estimate.variable_cents
    return announced


def counts_acceptance(figure: FigureChanged) -> bool:
    """Whether a demand that a CPTS accepted counts in this figure from now on."""
    return any(fact.is_counted and fact.fact_id.startswith("referral:") for fact in figure.facts)


def figure_touches(
    accounts: Iterable[Account], heard: Iterable[Recorded[FigureChanged]]
) -> list[Touch]:
    """A touch for every figure that is newer than what was known when it was heard, in order.

    `accounts` have the figures from before.
    """
    revisions = {
        (account.cpts_id, account.starts_on, indicator): figure.revision
        for account in accounts
        for indicator, figure in account.figures.items()
    }
    touches = []
    for one in heard:
        event = one.event
        key = (event.cpts_id, event.contract_year_starts_on, event.indicator)
        if key in revisions and event.revision <= revisions[key]:
            continue
        revisions[key] = event.revision
        touches.append(
            Touch(
                cpts_id=event.cpts_id,
                starts_on=event.contract_year_starts_on,
                departement=one.departement,
                reason="figure",
                cause=one.as_cause(),
                indicator=event.indicator,
                figure=Figure(value=event.value, revision=event.revision),
            )
        )
    return touches


def postings(change: VariableFundingChanged) -> tuple[tuple[str, int], tuple[str, int]]:
    """The two ledger lines of an accrual, in signed cents that sum to zero.

    The expense is debited (positive) and the CPTS's payable credited (negative) when more is due.
    """
    payable = f"payable:{change.cpts_id}:{change.contract_year_starts_on.isoformat()}"
    return (EXPENSE_ACCOUNT, change.delta_cents), (payable, -change.delta_cents)
