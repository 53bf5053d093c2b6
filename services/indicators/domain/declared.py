"""From what CPTS declare to the facts that their figures count.

A fact names its CPTS, for ids of entries are a CPTS's own. Nothing here is remembered: the facts
are worked out from all entries as they stand, so that their order does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from contracts.events.indicators import (
    ActivityRecorded,
    CrisisPlanRecorded,
    CrisisRecognised,
    CrisisResponseRecorded,
    ValueRecorded,
)
from contracts.indicators import indicators
from services.indicators.domain.activities import ActivityRule, Added
from services.indicators.domain.crises import (
    ACTIONS,
    PLAN,
    PROFESSIONALS,
    UPDATE,
    counting_responses,
    plan_facts,
    response_facts,
)
from services.indicators.domain.figures import ContractYear, Counted, FigureKey
from services.indicators.domain.rule import CountingRule
from services.indicators.domain.values import value_facts

# The indicators whose facts are worked out here, all others from what other services say.
DECLARED: Final = frozenset(
    code for code, indicator in indicators().items() if indicator.source != "events"
)

Entry = TypeVar("Entry", bound=msgspec.Struct)
Facts = dict[str, dict[FigureKey, Counted]]
Years = Mapping[str, Sequence[ContractYear]]


class Why(StrEnum):
    """Why an entry is corrected or withdrawn, with the label that a user reads."""

    MISTYPED = "mistyped"  # erreur de saisie
    EVIDENCE_CHANGED = "evidence_changed"  # des pièces sont venues ou ont été retirées
    FACTS_CHANGED = "facts_changed"  # les faits ont changé
    ASKED_BY_CAISSE = "asked_by_caisse"  # à la demande de la caisse


class Declarations(msgspec.Struct, frozen=True, kw_only=True):
    """All that some CPTS declared, as it stands, withdrawn entries included.

    `crises` are those of the responses, by id; `departements` gives the key of each CPTS.
    """

    activities: Sequence[ActivityRecorded] = ()
    values: Sequence[ValueRecorded] = ()
    plans: Sequence[CrisisPlanRecorded] = ()
    responses: Sequence[CrisisResponseRecorded] = ()
    crises: Mapping[str, CrisisRecognised] = {}
    departements: Mapping[str, str] = {}

    def counting_responses(self) -> list[tuple[CrisisResponseRecorded, date]]:
        """The responses that count, each with the day on which its crisis began."""
        return counting_responses(self.responses, self.crises, self.departements)


def says_the_same(event: Entry, present: Entry | None) -> bool:
    """Whether an entry stands already as `event` says it, whoever says it now and why."""
    if present is None:
        return False
    told = msgspec.structs.asdict(present)
    who = {name: told[name] for name in ("by_role", "said_by", "reason") if name in told}
    return msgspec.structs.replace(event, **who) == present


def declared_facts(declared: Declarations, years: Years, rule: CountingRule) -> Facts:
    """The facts that CPTS declare, with the figures that should count each."""
    return (
        activity_facts(declared.activities, years, rule.activities)
        | value_facts(declared.values, years)
        | plan_facts(declared.plans, years, rule)
        | response_facts(declared.counting_responses(), years)
    )


def activity_facts(
    activities: Iterable[ActivityRecorded], years: Years, rule: ActivityRule
) -> Facts:
    """The facts of activities, each with the figures that count it and what it adds to them.

    A professional who took part several times in a contract year is one fact, from the first time.
    """
    facts: Facts = {}
    for activity in activities:
        if activity.is_withdrawn:
            continue
        for added in rule.added_on(activity.kind, activity.held_on):
            for key in _figures(activity.cpts_id, added.indicator, activity.held_on, years):
                for fact_id, quantity in _added(activity, added):
                    _add(facts, fact_id, key, Counted(quantity, activity.held_on))
    return facts


def evidence_of(
    key: FigureKey, year: ContractYear, declared: Declarations, rule: CountingRule
) -> set[str]:
    """The evidence behind a figure: that of each entry that it counts."""
    found = [
        one
        for one in declared.activities
        if not one.is_withdrawn and year.period.holds(one.held_on)
        if key.indicator
        in {added.indicator for added in rule.activities.added_on(one.kind, one.held_on)}
    ]
    of_values = [
        one
        for one in declared.values
        if not one.is_withdrawn
        and (one.indicator, one.contract_year_starts_on) == (key.indicator, key.starts_on)
    ]
    of_crises: list[CrisisPlanRecorded | CrisisResponseRecorded] = []
    if key.indicator in {PLAN, UPDATE}:
        of_crises += [one for one in declared.plans if not one.is_withdrawn]
    elif key.indicator in {PROFESSIONALS, ACTIONS}:
        of_crises += [one for one, day in declared.counting_responses() if year.period.holds(day)]
    return {
        evidence_id for one in (*found, *of_values, *of_crises) for evidence_id in one.evidence_ids
    }


def _added(activity: ActivityRecorded, added: Added) -> list[tuple[str, int]]:
    """The facts that an activity is for one indicator, with what each adds."""
    whose = activity.cpts_id
    if added.counts == "professionals":
        return [(f"participant:{whose}/{rpps}", 1) for rpps in activity.participants]
    fact_id = f"activity:{whose}/{activity.activity_id}"
    if added.counts == "sessions":
        return [(fact_id, 1)]
    total = sum(one.count for one in activity.quantities if one.unit == added.unit)
    return [(fact_id, total)] if total else []


def _figures(cpts_id: str, indicator: str, day: date, years: Years) -> list[FigureKey]:
    """The figures of an indicator that count what was so on `day`; none outside an ACI."""
    return [
        FigureKey(cpts_id, indicator, year.period.first)
        for year in years.get(cpts_id, ())
        if year.period.holds(day) and indicators()[indicator].holds(year.period.first)
    ]


def _add(facts: Facts, fact_id: str, key: FigureKey, counted: Counted) -> None:
    """Adds a fact; of one that is there already, the first day stands."""
    there = facts.setdefault(fact_id, {})
    known = there.get(key)
    if known is None or (counted.from_on or date.max) < (known.from_on or date.max):
        there[key] = counted
