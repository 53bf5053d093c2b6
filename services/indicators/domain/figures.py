"""Figures: which facts each counts, and what to announce when they change.

A figure belongs to a CPTS, an indicator and a contract year. It is the sum of what the distinct
facts that it counts now add to it, one each for most, never a running sum: the order and the
repetition of facts do not matter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from contracts.events.indicators import FactChange, FigureChanged
from contracts.indicators import indicators
from services.indicators.domain.days import Period

DOCTORS: Final = "sas_medecins_participants"
DOCTORS_VIA_CPTS: Final = "sas_medecins_participants_via_cpts"
DEMANDS: Final = "sas_demandes_avec_rdv"
# The indicators that are computed from events: those of the catalogue and one that is shown beside
# them. Each has a figure from the moment a contract year is known; a figure of another indicator
# exists from its first fact on.
INDICATOR_LABELS: Final[Mapping[str, str]] = {
    **{code: one.label for code, one in indicators().items() if one.source == "events"},
    DOCTORS_VIA_CPTS: "Médecins participant au SAS par l'intermédiaire de la CPTS",
}


def label_of(indicator: str) -> str:
    """What a user reads for an indicator."""
    return INDICATOR_LABELS.get(indicator) or indicators()[indicator].label


# An event stays far under Kafka's limit of one megabyte a message: a fact takes some 110 bytes.
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


class Counted(msgspec.Struct, frozen=True, gc=False):
    """What a fact adds to a figure that counts it, and the first day on which it does.

    `from_on` is None of a fact that was said before days were told.
    """

    quantity: int = 1
    from_on: date | None = None


# The figures that count a fact, or should, each with what the fact adds.
Places = Mapping[FigureKey, Counted]


class Change(msgspec.Struct, frozen=True):
    """What a figure says of a fact, and by how much its value differs for it."""

    fact: FactChange
    difference: int


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
) -> dict[FigureKey, Counted]:
    """The figure that counts a demand booked with `cpts_id` on `day`; none outside its ACI."""
    return {
        FigureKey(cpts_id, DEMANDS, year.period.first): Counted(from_on=day)
        for year in years.get(cpts_id, ())
        if year.period.holds(day)
    }


def fact_changes(
    wanted: Mapping[str, Places], counted: Mapping[str, Places], within: Collection[str]
) -> dict[FigureKey, list[Change]]:
    """What each figure of the CPTS `within` must say of its facts, in order of their id.

    `wanted` names every fact looked at, with the figures that should count it; `counted` the
    figures that count it now.
    """
    changes: defaultdict[FigureKey, list[Change]] = defaultdict(list)
    for fact_id in sorted(wanted):
        right, present = wanted[fact_id], counted.get(fact_id, {})
        for key in right.keys() | present.keys():
            if key.cpts_id in within:
                change = _change(fact_id, right.get(key), present.get(key))
                if change is not None:
                    changes[key].append(change)
    return dict(changes)


def _change(fact_id: str, right: Counted | None, present: Counted | None) -> Change | None:
    """What a figure must say of a fact; None when it counts it as it should."""
    before = present.quantity if present is not None else 0
    if right is None:
        return Change(FactChange(fact_id=fact_id, is_counted=False, quantity=before), -before)
    if (
        present is not None
        and present.quantity == right.quantity
        and present.from_on in {None, right.from_on}
    ):
        return None
    told = FactChange(
        fact_id=fact_id, is_counted=True, quantity=right.quantity, from_on=right.from_on
    )
    return Change(told, right.quantity - before)


def figure_changes(figure: Figure, changes: Sequence[Change]) -> list[FigureChanged]:
    """The events that tell the changes, several when the facts are too many for one.

    Without changes, one event tells the figure as it stands: so it is when a contract year opens.
    """
    value, revision = figure.value, figure.revision
    events: list[FigureChanged] = []
    for first in range(0, max(len(changes), 1), FACTS_PER_EVENT_MAX):
        told = changes[first : first + FACTS_PER_EVENT_MAX]
        value += sum(change.difference for change in told)
        revision += len(told)
        events.append(
            FigureChanged(
                cpts_id=figure.key.cpts_id,
                indicator=figure.key.indicator,
                contract_year_starts_on=figure.key.starts_on,
                contract_year_ends_on=figure.ends_on,
                value=value,
                revision=revision,
                facts=tuple(change.fact for change in told),
            )
        )
    return events


def opened_figures(
    keys: Iterable[FigureKey],
    ends: Mapping[tuple[str, date], date],
    departements: Mapping[str, str],
) -> dict[FigureKey, Figure]:
    """Figures at 0; `ends` gives the last day of each contract year, by CPTS and first day."""
    return {
        key: Figure(
            key=key,
            ends_on=ends[key.cpts_id, key.starts_on],
            departement=departements[key.cpts_id],
        )
        for key in keys
    }


def last_days(years: Mapping[str, Sequence[ContractYear]]) -> dict[tuple[str, date], date]:
    """The last day of each contract year, by CPTS and first day. ValueError without one."""
    return {
        (year.cpts_id, year.period.first): _last_day(year)
        for there in years.values()
        for year in there
    }


def _last_day(year: ContractYear) -> date:
    if year.period.last is None:
        raise ValueError(f"the contract year of {year.cpts_id} has no end")
    return year.period.last
