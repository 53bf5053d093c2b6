"""The oracle's half about ACI: contract years, an end before the term, missions.

Written from the rules; shares no code with the services.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

MISSIONS = {
    *("acces_aux_soins", "parcours_pluriprofessionnel", "prevention", "crise_sanitaire"),
    *("qualite_et_pertinence", "accompagnement"),
}
TERMINATION_REASONS = {
    *("deadlines_missed", "missions_not_carried_out"),
    *("at_the_request_of_the_cpts", "dissolution"),
}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Mission:
    """A mission of the ACI, from its start to its end, if it has one; fully deployed on a day."""

    mission: str
    started_on: date
    ended_on: date | None = None
    deployed_on: date | None = None


@dataclass(frozen=True)
class Year:
    """A contract year; `whole_end` is the eve of the anniversary, also where the ACI ends early."""

    start: date
    end: date
    whole_end: date
    signed_on: date
    is_first: bool


@dataclass(frozen=True)
class Aci:
    """An ACI signed for some years from a day on; `ended_on` is its last day if it ends early."""

    signed_on: date
    starts_on: date
    count: int
    ended_on: date | None = None

    @property
    def years(self) -> list[Year]:
        """Its contract years, those that begin after its end left out."""
        starts = [anniversary(self.starts_on, number) for number in range(self.count + 1)]
        return [
            Year(
                start=start,
                end=min(following - DAY, self.ended_on or date.max),
                whole_end=following - DAY,
                signed_on=self.signed_on,
                is_first=start == self.starts_on,
            )
            for start, following in pairwise(starts)
            if start <= (self.ended_on or date.max)
        ]


def anniversary(day: date, number: int) -> date:
    """The same day so many years later; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year + number)
    except ValueError:
        return day.replace(year=day.year + number, day=28)


def end_refusal(aci: Aci, body: dict[str, Any]) -> str | None:
    """Why an ACI cannot end before its term as an order says; None when it can."""
    if body["reason"] not in TERMINATION_REASONS:
        return "unknown_termination_reason"
    ended_on = date.fromisoformat(body["ended_on"])
    is_within = aci.starts_on <= ended_on <= aci.years[-1].end
    return None if is_within else "not_within_the_aci"


def mission_of(
    body: dict[str, Any], others: Iterable[Mission], years: Iterable[tuple[date, date]]
) -> Mission | str:
    """The mission that an order records, or why it is refused; `years` are the CPTS's."""
    told = {
        name: date.fromisoformat(body[name])
        for name in ("started_on", "deployed_on", "ended_on")
        if body.get(name) is not None
    }
    started_on, ended_on = told["started_on"], told.get("ended_on")
    if body["mission"] not in MISSIONS:
        return "not_a_mission"
    if ended_on is not None and ended_on < started_on:
        return "period_ends_before_it_starts"
    if told.get("deployed_on", date.max) < started_on:
        return "deployed_before_it_started"
    if not any(start <= started_on <= end for start, end in years):
        return "no_aci_in_force"
    for other in others:
        is_over = other.ended_on is not None and other.ended_on < started_on
        is_later = ended_on is not None and ended_on < other.started_on
        if other.mission == body["mission"] and not is_over and not is_later:
            return "mission_under_way"
    return Mission(body["mission"], started_on, ended_on, told.get("deployed_on"))
