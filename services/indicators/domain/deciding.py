"""Decisions about doubtful appointments: who may decide what, and what a decision makes of one.

A decision is a fact beside what the platform told: it changes no state and no membership, and the
counting rule holds wherever nobody decided. What was decided stays: a correction is one more, and
the last one stands. It says what was looked at, so that a case is open again once that is another.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from contracts.events.indicators import AttributionDecided
from contracts.roles import Role
from services.indicators.domain.appointments import (
    Appointment,
    Attribution,
    Doubt,
    Merger,
    Outcome,
    State,
    Surroundings,
    TwinKey,
    attribute,
    drop_twins,
    whole_of,
)
from services.indicators.domain.figures import appointment_fact
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule

BEYOND_DECISION: Final = frozenset({Outcome.NOT_STANDING, Outcome.EXCLUDED})


class Decision(StrEnum):
    """What may be decided, with the label that a user reads."""

    COUNT_FOR = "count_for"  # compter pour cette CPTS
    COUNT_APART = "count_apart"  # compter à part : ce n'est pas le même rendez-vous
    LEAVE_OUT = "leave_out"  # ne compter pour aucune CPTS
    AS_RULED = "as_ruled"  # suivre la règle


class Why(StrEnum):
    """Why it is decided, with the label that a user reads."""

    CONFIRMED_BY_CPTS = "confirmed_by_cpts"  # la CPTS l'a confirmé
    CONFIRMED_BY_PRACTITIONER = "confirmed_by_practitioner"  # le professionnel l'a confirmé
    CONFIRMED_BY_PLATFORM = "confirmed_by_platform"  # la plateforme SAS l'a confirmé
    MEMBERSHIP_NOT_RECORDED = "membership_not_recorded"  # l'adhésion n'est pas enregistrée
    WRONG_NUMBER = "wrong_number"  # un numéro RPPS ou FINESS est faux
    SAME_APPOINTMENT = "same_appointment"  # c'est le même rendez-vous
    TWO_APPOINTMENTS = "two_appointments"  # ce sont deux rendez-vous à la même minute
    OUTSIDE_CPTS = "outside_cpts"  # le rendez-vous ne relève d'aucune CPTS
    DECIDED_BY_MISTAKE = "decided_by_mistake"  # la décision d'avant était une erreur


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as somebody gives it; `by_cpts_id` is None in any role but that of a CPTS."""

    decision: Decision
    reason: Why
    by_role: Role
    decided_by: str
    by_cpts_id: str | None = None
    for_cpts_id: str | None = None


def decision_subject(appointment_id: str) -> str:
    """The aggregate's id of the decisions about an appointment."""
    return f"attributions/{appointment_id}"


def decide(
    asked: Asked,
    present: Attribution,
    *,
    standing: AttributionDecided | None,
    known_cpts: Mapping[str, str],
    mergers: Mapping[str, Merger],
) -> AttributionDecided | Refusal | None:
    """The event of a decision; None when it stands already.

    `present` is where the appointment counts now, and `standing` what was last decided of it.
    `known_cpts` holds the CPTS that the decision names if it is one, `mergers` what became of it.
    A CPTS only gives away what it counts: that it is its own, whoever calls has seen.
    """
    named = asked.for_cpts_id
    if named is not None and named not in known_cpts:
        return Refusal.UNKNOWN_CPTS
    if not present.doubts and standing is None:
        return Refusal.NOT_DOUBTFUL
    if asked.by_cpts_id is not None:
        if standing is not None and standing.by_role == Role.CAISSE:
            return Refusal.DECIDED_BY_THE_CAISSE
        gives_away = asked.decision is Decision.LEAVE_OUT or (
            asked.decision is Decision.COUNT_FOR
            and named in present.candidates
            and named != asked.by_cpts_id
        )
        if not gives_away:
            return Refusal.NOT_GIVEN_AWAY
    if asked.decision is Decision.COUNT_APART and Doubt.SAME_MINUTE not in present.doubts:
        return Refusal.NO_TWIN
    if named is not None and whole_of(named, mergers, present.booked_on) != named:
        return Refusal.PART_OF_ANOTHER
    looked_at = {*(standing.twins if standing else ()), *((present.twin,) if present.twin else ())}
    event = AttributionDecided(
        appointment_id=present.appointment_id,
        decision=asked.decision.value,
        reason=asked.reason.value,
        by_role=asked.by_role.value,
        decided_by=asked.decided_by,
        by_cpts_id=asked.by_cpts_id,
        for_cpts_id=named,
        candidates=present.candidates,
        twins=tuple(sorted(looked_at)),
    )
    return None if event == standing else event


def settle(
    appointments: Collection[Appointment],
    known: Surroundings,
    rule: CountingRule,
    *,
    referrals: Mapping[TwinKey, Collection[str]],
    decisions: Mapping[str, AttributionDecided],
) -> list[Attribution]:
    """Where appointments count by the rule and by what was decided, twins dropped.

    `appointments` and `referrals` are those of `drop_twins`; `decisions` are the last ones, by
    their subject.
    """
    decided = {one.appointment_id: one for one in decisions.values()}
    attributed = {
        one.appointment_id: as_decided(attribute(one, known, rule), decided.get(one.appointment_id))
        for one in appointments
    }
    apart = {
        appointment_fact(one.appointment_id): one.twins
        for one in decided.values()
        if one.decision == Decision.COUNT_APART
    }
    return [
        msgspec.structs.replace(one, state=state_of(one, decided.get(one.appointment_id)))
        for one in drop_twins(attributed, appointments, referrals, apart).values()
    ]


def as_decided(ruled: Attribution, decided: AttributionDecided | None) -> Attribution:
    """Where an appointment counts by what was decided, of where it counts by the rule.

    What does not stand, or is excluded, counts nowhere whatever was decided.
    """
    if decided is None or ruled.outcome in BEYOND_DECISION:
        return ruled
    named = decided.for_cpts_id
    concerned = tuple(sorted({*ruled.concerned, *((named,) if named else ())}))
    attribution = msgspec.structs.replace(ruled, concerned=concerned)
    if decided.decision == Decision.LEAVE_OUT:
        return msgspec.structs.replace(
            attribution, outcome=Outcome.LEFT_OUT, cpts_id=None, reason=decided.reason
        )
    if named is not None:
        return msgspec.structs.replace(
            attribution, outcome=Outcome.COUNTED, cpts_id=named, reason=None
        )
    return attribution


def state_of(attribution: Attribution, decided: AttributionDecided | None) -> State:
    """Whether a case is decided, or open again: its candidates or its twin are others now."""
    if decided is None or attribution.outcome in BEYOND_DECISION:
        return State.OPEN
    is_same = attribution.candidates == decided.candidates and (
        attribution.twin is None or attribution.twin in decided.twins
    )
    return State.DECIDED if is_same else State.REOPENED
