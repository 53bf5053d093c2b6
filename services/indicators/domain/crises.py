"""Crises: plans, crises that the ARS recognises, what CPTS did in them.

A plan is conform when it covers every typology of the rule on the day on which it was written, and
was sent to the ARS; it then counts in the contract year of that day and in all that follow. An
update counts in its contract year when the plan is conform: it keeps up a plan that is one. A
response counts in the contract year in which the crisis began, for a CPTS of its départements.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from contracts.departements import NATIONAL, departements_by_code
from contracts.events.indicators import (
    CrisisPlanRecorded,
    CrisisRecognised,
    CrisisResponseRecorded,
)
from contracts.indicators import indicators
from services.indicators.domain.figures import ContractYear, Counted, FigureKey
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule, Name

PLAN, UPDATE = "crise_plan", "crise_mise_a_jour"
PROFESSIONALS, ACTIONS = "crise_professionnels", "crise_actions"

Facts = dict[str, dict[FigureKey, Counted]]
Years = Mapping[str, Sequence[ContractYear]]


def check_plan(plan: CrisisPlanRecorded, *, rule: CountingRule, today: date) -> Refusal | None:
    """Why a plan is refused; None when it is sound."""
    if not _are_typologies(plan.typologies, rule):
        return Refusal.UNKNOWN_TYPOLOGY
    later = [*plan.updated_on]
    if plan.sent_to_ars_on is not None:
        later.append(plan.sent_to_ars_on)
    if any(day < plan.written_on for day in later):
        return Refusal.DAYS_OUT_OF_ORDER
    if max([plan.written_on, *later]) > today:
        return Refusal.DAY_TO_COME
    return None


def check_crisis(crisis: CrisisRecognised, *, rule: CountingRule) -> Refusal | None:
    """Why the recognition of a crisis is refused; None when it is sound."""
    if not _are_typologies([crisis.typology], rule):
        return Refusal.UNKNOWN_TYPOLOGY
    known = departements_by_code().keys() - {NATIONAL}
    if not known >= {*crisis.departements}:
        return Refusal.UNKNOWN_DEPARTEMENT
    if crisis.to_on is not None and crisis.to_on < crisis.from_on:
        return Refusal.DAYS_OUT_OF_ORDER
    return None


def check_response(
    crisis: CrisisRecognised | None, *, departement: str, is_withdrawn: bool, today: date
) -> Refusal | None:
    """Why a CPTS of a département cannot respond to a crisis; None when it can."""
    if crisis is None:
        return Refusal.UNKNOWN_CRISIS
    if is_withdrawn:
        return None
    if crisis.is_withdrawn:
        return Refusal.CRISIS_WITHDRAWN
    if departement not in crisis.departements:
        return Refusal.CRISIS_ELSEWHERE
    return Refusal.DAY_TO_COME if crisis.from_on > today else None


def plan_facts(plans: Iterable[CrisisPlanRecorded], years: Years, rule: CountingRule) -> Facts:
    """The fact that a plan is, in each contract year in which it was there, or was updated."""
    facts: Facts = {}
    for plan in plans:
        if plan.is_withdrawn:
            continue
        there = facts.setdefault(f"plan:{plan.cpts_id}", {})
        asked = rule.on(Name.CRISIS_TYPOLOGIES, plan.written_on)
        is_conform = plan.sent_to_ars_on is not None and {*plan.typologies} >= {*asked}
        for year in years.get(plan.cpts_id, ()):
            first, last = year.period.first, year.period.last or date.max
            if not indicators()[PLAN].holds(first):
                continue
            if is_conform and plan.sent_to_ars_on is not None and plan.sent_to_ars_on <= last:
                since = max(plan.sent_to_ars_on, first)
                there[FigureKey(plan.cpts_id, PLAN, first)] = Counted(from_on=since)
            updates = [day for day in plan.updated_on if year.period.holds(day)]
            if is_conform and updates:
                key = FigureKey(plan.cpts_id, UPDATE, first)
                there[key] = Counted(from_on=min(updates))
    return facts


def counting_responses(
    responses: Iterable[CrisisResponseRecorded],
    crises: Mapping[str, CrisisRecognised],
    departements: Mapping[str, str],
) -> list[tuple[CrisisResponseRecorded, date]]:
    """The responses that count, each with the day on which its crisis began, in order of days."""
    found = []
    for response in responses:
        crisis = crises.get(response.crisis_id)
        if crisis is None or crisis.is_withdrawn or response.is_withdrawn:
            continue
        if departements.get(response.cpts_id) in crisis.departements:
            found.append((response, crisis.from_on))
    return sorted(found, key=lambda one: (one[1], one[0].crisis_id))


def response_facts(counting: Sequence[tuple[CrisisResponseRecorded, date]], years: Years) -> Facts:
    """The facts of responses: a professional counts once a contract year, actions add up."""
    facts: Facts = {}
    for response, day in counting:
        whose = response.cpts_id
        for year in years.get(whose, ()):
            if not (year.period.holds(day) and indicators()[ACTIONS].holds(year.period.first)):
                continue
            actions = FigureKey(whose, ACTIONS, year.period.first)
            if response.actions_count:
                fact_id = f"response:{whose}/{response.crisis_id}"
                facts.setdefault(fact_id, {})[actions] = Counted(response.actions_count, day)
            professionals = FigureKey(whose, PROFESSIONALS, year.period.first)
            for rpps in response.professionals:
                there = facts.setdefault(f"mobilised:{whose}/{rpps}", {})
                there.setdefault(professionals, Counted(from_on=day))
    return facts


def plan_subject(cpts_id: str) -> str:
    """The aggregate's id of a CPTS's plan."""
    return f"{cpts_id}/crisis-plan"


def crisis_subject(crisis_id: str) -> str:
    """The aggregate's id of a crisis."""
    return f"crises/{crisis_id}"


def response_subject(cpts_id: str, crisis_id: str) -> str:
    """The aggregate's id of a CPTS's response to a crisis."""
    return f"{cpts_id}/crises/{crisis_id}/response"


def _are_typologies(words: Iterable[str], rule: CountingRule) -> bool:
    known = {word for _, named in rule.all_periods(Name.CRISIS_TYPOLOGIES) for word in named}
    return known >= {*words}
