"""Figures: how many facts each counts, and what to announce when their set changes.

A figure belongs to a CPTS, an indicator and a contract year. It is the number of distinct facts it
counts now, never a running sum, so that the order and the repetition of facts do not matter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from contracts.events.indicators import FactChange, FigureChanged
from services.indicators.domain.days import Period

DOCTORS: Final = "sas_medecins_participants"
DOCTORS_VIA_CPTS: Final = "sas_medecins_participants_via_cpts"
DEMANDS: Final = "sas_demandes_avec_rdv"
# The indicators that there are: each has a figure from the moment a contract year is known.
INDICATOR_LABELS: Final[Mapping[str, str]] = {
    DOCTORS: "Médecins de la CPTS participant au SAS",
    DOCTORS_VIA_CPTS: "Médecins participant au SAS par l'intermédiaire de la CPTS",
    DEMANDS: "Demandes du SAS ayant abouti à un rendez-vous par la CPTS",
}

# An event stays far under Kafka's limit of one megabyte a message: a fact takes some 70 bytes.
FACTS_PER_EVENT_MAX: Final = 2000


class ContractYear(msgspec.Struct, frozen=True, kw_only=True):
    """A year of a CPTS's ACI (accord conventionnel interprofessionnel), between anniversaries."""

    cpts_id: str
    period: Period


class FigureKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Which figure: a CPTS, an indicator and the first day of a contract year."""

    cpts_id: str
    indicator: str
    starts_on: date

    @property
    def subject(self) -> str:
        """The aggregate's id on the bus."""
        return f"{self.cpts_id}/{self.indicator}/{self.starts_on.isoformat()}"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as it stands. `revision` counts the facts recorded behind it since its opening.

    `sequence` is that of its last event, 0 before the first; `departement` is its CPTS's key.
    """

    key: FigureKey
    ends_on: date
    departement: str
    value: int = 0
    revision: int = 0
    sequence: int = 0


def referral_fact(referral_id: str) -> str:
    """The id under which a figure counts one of our referrals."""
    return f"referral:{referral_id}"


def appointment_fact(appointment_id: str) -> str:
    """The id under which a figure counts an appointment that the SAS platform told about."""
    return f"appointment:{appointment_id}"


def doctor_fact(rpps: str) -> str:
    """The id under which a figure counts a professional."""
    return f"rpps:{rpps}"


def rpps_of(fact_id: str) -> str | None:
    """The RPPS of a fact that is a professional, None of another."""
    kind, _, rest = fact_id.partition(":")
    return rest if kind == "rpps" else None


def demand_figures(
    cpts_id: str, day: date, years: Mapping[str, Sequence[ContractYear]]
) -> set[FigureKey]:
    """The figure that counts a demand booked with `cpts_id` on `day`; none outside its ACI."""
    return {
        FigureKey(cpts_id, DEMANDS, year.period.first)
        for year in years.get(cpts_id, ())
        if year.period.holds(day)
    }


def fact_changes(
    wanted: Mapping[str, Collection[FigureKey]],
    counted: Mapping[str, Collection[FigureKey]],
    within: Collection[str],
) -> dict[FigureKey, list[FactChange]]:
    """What each figure of the CPTS `within` must begin or cease to count, facts in order of id.

    `wanted` names every fact looked at, with the figures that should count it; `counted` the
    figures that count it now.
    """
    changes: defaultdict[FigureKey, list[FactChange]] = defaultdict(list)
    for fact_id in sorted(wanted):
        right, present = set(wanted[fact_id]), set(counted.get(fact_id, ()))
        for key in right ^ present:
            if key.cpts_id in within:
                changes[key].append(FactChange(fact_id=fact_id, is_counted=key in right))
    return dict(changes)


def figure_changes(figure: Figure, facts: Sequence[FactChange]) -> list[FigureChanged]:
    """The events that tell the change, several when the facts are too many for one.

    Without facts, one event tells the figure as it stands: so it is when a contract year opens.
    """
    value, revision = figure.value, figure.revision
    events: list[FigureChanged] = []
    for first in range(0, max(len(facts), 1), FACTS_PER_EVENT_MAX):
        told = tuple(facts[first : first + FACTS_PER_EVENT_MAX])
        value += sum(1 if fact.is_counted else -1 for fact in told)
        revision += len(told)
        events.append(
            FigureChanged(
                cpts_id=figure.key.cpts_id,
                indicator=figure.key.indicator,
                contract_year_starts_on=figure.key.starts_on,
                contract_year_ends_on=figure.ends_on,
                value=value,
                revision=revision,
                facts=told,
            )
        )
    return events


def opened_figures(years: Iterable[ContractYear], departements: Mapping[str, str]) -> list[Figure]:
    """The figures that exist from the moment a contract year is known, all at 0."""
    return [
        Figure(
            key=FigureKey(year.cpts_id, indicator, year.period.first),
            ends_on=_last_day(year),
            departement=departements[year.cpts_id],
        )
        for year in years
        for indicator in INDICATOR_LABELS
    ]


def _last_day(year: ContractYear) -> date:
    if year.period.last is None:
        raise ValueError(f"the contract year of {year.cpts_id} has no end")
    return year.period.last
