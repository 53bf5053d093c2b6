"""The sums that fall due to a CPTS: what they rest on, what is to be said of them, what is posted.

CPTS: communauté professionnelle territoriale de santé; ACI: accord conventionnel
interprofessionnel. A sum belongs to the account of its contract year; a positive amount is owed by
the caisse, a negative one (a recovery, an adjustment) by the CPTS. A sum that rests on a rate which
nobody has verified or confirmed is held. Which sums there are: `dues_schedule`.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from contracts.events.payments import DueSet, YearAdjusted, YearSettled
from services.payments.domain.calendar import DAY, MONTHS, Convention, Share, months_after
from services.payments.domain.calendar import share_of_year as _share_of_year

WITHDRAWN = "n'est plus dû"


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year. `whole_ends_on` is the eve of the anniversary, also where it ends early."""

    starts_on: date
    ends_on: date
    whole_ends_on: date
    aci_id: str
    signed_on: date
    is_first: bool
    taille: int | None = None

    @property
    def ends_early(self) -> bool:
        """Whether the ACI ends before the anniversary."""
        return self.ends_on < self.whole_ends_on

    def share(self, first_on: date, last_on: date, by: Convention) -> Share:
        """The share of the whole year that these days are."""
        return _share_of_year(
            first_on,
            last_on,
            year_starts_on=self.starts_on,
            year_ends_on=self.whole_ends_on,
            by=by,
        )


class Aci(msgspec.Struct, frozen=True, kw_only=True):
    """An ACI with the first and last days of its contract years; `tailles` by first day."""

    aci_id: str
    signed_on: date | None
    years: tuple[tuple[date, date], ...]


class Mission(msgspec.Struct, frozen=True, kw_only=True):
    """A mission of the ACI from the day it started."""

    mission_id: str
    mission: str
    started_on: date
    ended_on: date | None = None


class Crisis(msgspec.Struct, frozen=True, kw_only=True):
    """A crisis that the ARS recognised in the département of a CPTS, from a day on."""

    crisis_id: str
    from_on: date


class DueSum(msgspec.Struct, frozen=True, kw_only=True):
    """A sum of an account: how much, from when on, on what it rests, and why."""

    starts_on: date
    due_id: str
    kind: str
    amount_cents: int
    due_on: date
    is_held: bool
    mission: str | None = None
    rate_ids: tuple[str, ...] = ()
    explanation: str = ""


class Funded(msgspec.Struct, frozen=True, kw_only=True):
    """All of one CPTS that its dues rest on; `confirmed` are the rates that somebody confirmed.

    `lettre_validated_on` is the first day on which a lettre d'intention of its own was validated.
    """

    cpts_id: str
    years: tuple[Year, ...] = ()
    missions: tuple[Mission, ...] = ()
    crises: tuple[Crisis, ...] = ()
    lettre_validated_on: date | None = None
    confirmed: frozenset[str] = frozenset()
    settled: tuple[YearSettled, ...] = ()
    adjusted: tuple[YearAdjusted, ...] = ()


def years_of(acis: Iterable[Aci], tailles: Mapping[date, int]) -> tuple[Year, ...]:
    """The contract years of a CPTS, in order, each with its taille where that is known.

    An anniversary of 29 February is counted from the first year, so that a year which begins on 28
    February may have 366 days.
    """
    years = []
    for aci in acis:
        first_on = min(starts_on for starts_on, _ in aci.years)
        for starts_on, ends_on in aci.years:
            months = MONTHS * (starts_on.year - first_on.year + 1)
            years.append(
                Year(
                    starts_on=starts_on,
                    ends_on=ends_on,
                    whole_ends_on=max(ends_on, months_after(first_on, months) - DAY),
                    aci_id=aci.aci_id,
                    signed_on=aci.signed_on or first_on,
                    is_first=starts_on == first_on,
                    taille=tailles.get(starts_on),
                )
            )
    return tuple(sorted(years, key=lambda year: year.starts_on))


def differences(
    cpts_id: str, planned: Iterable[DueSum], kept: Iterable[DueSum], today: date
) -> list[DueSet]:
    """What is to be said so that what is kept becomes what is due today, in order of the days.

    A sum that is no longer due is set to 0, and is not held: what was paid of it is recovered.
    """
    present = {(due.starts_on, due.due_id): due for due in kept}
    wanted = {(due.starts_on, due.due_id): due for due in planned if due.due_on <= today}
    changed = [due for key, due in wanted.items() if present.get(key) != due]
    changed += [
        msgspec.structs.replace(due, amount_cents=0, is_held=False, explanation=WITHDRAWN)
        for key, due in present.items()
        if due.amount_cents and key not in wanted
    ]
    return [
        DueSet(
            cpts_id=cpts_id,
            contract_year_starts_on=due.starts_on,
            due_id=due.due_id,
            kind=due.kind,
            amount_cents=due.amount_cents,
            due_on=due.due_on,
            is_held=due.is_held,
            mission=due.mission,
            rate_ids=due.rate_ids,
            explanation=due.explanation,
        )
        for due in sorted(changed, key=lambda due: (due.due_on, due.starts_on, due.due_id))
    ]


def next_due_on(planned: Iterable[DueSum], today: date) -> date | None:
    """The next day on which something falls due, None when nothing is to come."""
    return min((due.due_on for due in planned if due.due_on > today), default=None)


def postings(before: DueSet | None, after: DueSet) -> tuple[tuple[str, int], ...]:
    """The ledger lines by which a sum becomes another, in signed cents that sum to zero; may be
    none.

    The expense is debited (positive); what is owed, or held, is credited (negative).
    """
    cents: dict[str, int] = {}
    for due, sign in ((before, -1), (after, 1)):
        if due is None:
            continue
        year = f"{due.cpts_id}:{due.contract_year_starts_on.isoformat()}"
        payable = f"{'held' if due.is_held else 'owed'}:{year}"
        for account, amount in ((f"expense:aci:{due.kind}", 1), (payable, -1)):
            cents[account] = cents.get(account, 0) + sign * amount * due.amount_cents
    return tuple((account, amount) for account, amount in cents.items() if amount)
