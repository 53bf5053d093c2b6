"""The missions of an ACI, from their start to their full deployment, and their deadlines.

A deadline is counted from the signature of the ACI. A mission that runs on from an earlier ACI has
met the deadlines of the next one. An ACI that has ended sets none after its last day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from contracts.events.membership import (
    AciSigned,
    MissionDeadline,
    MissionDeadlineMissed,
    MissionDeadlineNear,
    MissionDeadlinesSet,
    MissionRecorded,
)
from services.membership.domain import Cpts, have_common_day, is_on
from services.membership.domain.calendar import months_after
from services.membership.domain.founding import not_a_mission
from services.membership.domain.parameters import Missions
from services.membership.domain.refusals import Reason, Refusal, period_refusal, runs_on_refusal

DeadlineEvent = MissionDeadlineNear | MissionDeadlineMissed


class Step(StrEnum):
    """What a mission must have done by a deadline."""

    START = "start"
    DEPLOYMENT = "deployment"


class PendingDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline that is not met and was not said to be missed."""

    cpts_id: str
    aci_id: str
    mission: str
    step: str
    due_on: date
    is_near_said: bool


def check_mission(
    cpts: Cpts,
    mission: MissionRecorded,
    *,
    others: Iterable[MissionRecorded],
    signed: Iterable[AciSigned],
    missions: Missions,
) -> Refusal | None:
    """Why a mission is refused; `others` are the CPTS's missions, `signed` its ACI, as they are."""
    if mission.is_withdrawn:
        return None
    refusal = (
        runs_on_refusal(cpts, mission.ended_on)
        or not_a_mission(mission.mission, missions)
        or period_refusal(mission.started_on, mission.ended_on)
    )
    if refusal is not None:
        return refusal
    if mission.deployed_on is not None and mission.deployed_on < mission.started_on:
        return Refusal(
            reason=Reason.DEPLOYED_BEFORE_IT_STARTED,
            detail=f"La mission n'a commencé que le {mission.started_on}.",
        )
    years = [year for aci in signed for year in aci.contract_years]
    if not any(is_on(mission.started_on, year.starts_on, year.ends_on) for year in years):
        return Refusal(
            reason=Reason.NO_ACI_IN_FORCE,
            detail=f"Aucune ACI ne court le {mission.started_on}.",
        )
    for other in others:
        if (
            other.mission == mission.mission
            and other.mission_id != mission.mission_id
            and not other.is_withdrawn
            and have_common_day(
                mission.started_on, mission.ended_on, other.started_on, other.ended_on
            )
        ):
            return Refusal(
                reason=Reason.MISSION_UNDER_WAY,
                detail=f"Cette mission est déjà commencée (entrée {other.mission_id}).",
                extension={"mission_id": other.mission_id},
            )
    return None


def set_deadlines(
    signed: Iterable[AciSigned],
    *,
    recorded: Iterable[MissionRecorded],
    present: Mapping[str, Sequence[MissionDeadline]],
    missions: Missions,
) -> list[MissionDeadlinesSet]:
    """The deadlines of each ACI that has others than its `present` ones, which are by ACI."""
    entries = [one for one in recorded if not one.is_withdrawn]
    changed = []
    for aci in signed:
        deadlines = () if not aci.contract_years else _deadlines(aci, entries, missions)
        if deadlines != tuple(present.get(aci.aci_id, ())):
            changed.append(
                MissionDeadlinesSet(cpts_id=aci.cpts_id, aci_id=aci.aci_id, deadlines=deadlines)
            )
    return changed


def fall_due(deadline: PendingDeadline, today: date, missions: Missions) -> DeadlineEvent | None:
    """What there is to say today of a deadline that is not met; None when nothing is.

    One that is past without having been said near is said missed alone.
    """
    event_class: type[DeadlineEvent]
    if today > deadline.due_on:
        event_class = MissionDeadlineMissed
    elif not deadline.is_near_said and today >= near_on(deadline.due_on, missions):
        event_class = MissionDeadlineNear
    else:
        return None
    return event_class(
        cpts_id=deadline.cpts_id,
        aci_id=deadline.aci_id,
        mission=deadline.mission,
        step=deadline.step,
        due_on=deadline.due_on,
    )


def said_on(event: DeadlineEvent, missions: Missions) -> date:
    """The day at whose beginning a deadline came near, or was past."""
    if isinstance(event, MissionDeadlineMissed):
        return event.due_on + timedelta(days=1)
    return near_on(event.due_on, missions)


def near_on(due_on: date, missions: Missions) -> date:
    """The day from which a deadline is near."""
    return due_on - timedelta(days=missions.near_days)


def _deadlines(
    aci: AciSigned, entries: Sequence[MissionRecorded], missions: Missions
) -> tuple[MissionDeadline, ...]:
    starts_on, ends_on = aci.contract_years[0].starts_on, aci.contract_years[-1].ends_on
    found = []
    for rule in missions.missions:
        if rule.start_months is None or rule.deployment_months is None:
            continue
        held = [
            one
            for one in entries
            if one.mission == rule.mission
            and have_common_day(starts_on, ends_on, one.started_on, one.ended_on)
        ]
        started = min((one.started_on for one in held), default=None)
        deployed = min((one.deployed_on for one in held if one.deployed_on), default=None)
        for step, months, met_on in (
            (Step.START, rule.start_months, started),
            (Step.DEPLOYMENT, rule.deployment_months, deployed),
        ):
            due_on = months_after(aci.signed_on, months)
            if met_on is None and due_on > ends_on:
                continue
            found.append(
                MissionDeadline(mission=rule.mission, step=step.value, due_on=due_on, met_on=met_on)
            )
    return tuple(found)
