"""Sanitary crises that the ARS recognised, and the sum that each opens."""

from collections.abc import Iterable, Sequence
from datetime import date

from contracts.events.payments import CrisisRecorded
from services.payments.domain.dues import DueSum, Year
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate, rate_on

MISSION, RECOGNISED = "crise_sanitaire", "crise_reconnue"


def record_crisis(
    cpts_id: str,
    crisis_id: str,
    recognised_on: date,
    *,
    is_withdrawn: bool,
    years: Iterable[tuple[date, date]],
    present: CrisisRecorded | None,
    today: date,
) -> CrisisRecorded | Refusal:
    """The event that records a crisis, equal to `present` when it says nothing new; or the refusal.

    A crisis keeps its contract year: one of another year is another crisis.
    """
    if recognised_on > today:
        return Refusal.RECOGNISED_IN_THE_FUTURE
    held = [first_on for first_on, last_on in years if first_on <= recognised_on <= last_on]
    if present is not None and held != [present.contract_year_starts_on]:
        return Refusal.ANOTHER_CONTRACT_YEAR
    if not held:
        return Refusal.UNKNOWN_CONTRACT_YEAR
    return CrisisRecorded(
        cpts_id=cpts_id,
        contract_year_starts_on=held[0],
        crisis_id=crisis_id,
        recognised_on=recognised_on,
        is_withdrawn=is_withdrawn,
    )


def crisis_dues(
    years: Iterable[Year], crises: Iterable[CrisisRecorded], rates: Sequence[Rate]
) -> list[DueSum]:
    """The sum of each recognised crisis, by the rate of the day, on that day; nothing caps it."""
    by_day = {year.starts_on: year for year in years}
    dues = []
    for crisis in crises:
        year = by_day.get(crisis.contract_year_starts_on)
        if year is None or crisis.is_withdrawn:
            continue
        rate = rate_on(
            rates,
            taille=year.taille,
            mission=MISSION,
            part=RECOGNISED,
            day=crisis.recognised_on,
        )
        if rate is None:
            continue
        dues.append(
            DueSum(
                starts_on=year.starts_on,
                due_id=f"{RECOGNISED}:{crisis.crisis_id}",
                kind=RECOGNISED,
                amount_cents=rate.amount_cents,
                due_on=crisis.recognised_on,
                is_held=not rate.is_verified,
                mission=MISSION,
                rate_ids=(rate.rate_id,),
                explanation=f"Crise reconnue par l'ARS le {crisis.recognised_on},"
                f" hors plafond annuel = {rate.amount_cents}",
            )
        )
    return dues
