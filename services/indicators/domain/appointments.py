"""Appointments that the SAS platform tells about: their state, their CPTS, and their twins.

The platform sends whole states, in any order: the latest `sent_at` stands, then the strongest
status, then the distribution id. An appointment that counts goes to one CPTS, or to none; one that
is already counted under another id is dropped. What is doubtful in that is listed, and decided
(`deciding`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from contracts.rpps import has_right_check_digit
from services.indicators.domain.days import local_day, start_minute
from services.indicators.domain.doctors import Membership, Participation, counted_participation
from services.indicators.domain.figures import appointment_fact
from services.indicators.domain.rule import CountingRule, Name

TwinKey = tuple[str, int]

STATUS_RANKS: Final[Mapping[str, int]] = {
    "pending": 1,
    "booked": 2,
    "fulfilled": 3,
    "noshow": 4,
    "cancelled": 5,
}


class Outcome(StrEnum):
    """What becomes of a platform appointment."""

    COUNTED = "counted"
    DUPLICATE = "duplicate"
    UNATTRIBUTED = "unattributed"
    LEFT_OUT = "left_out"
    EXCLUDED = "excluded"
    NOT_STANDING = "not_standing"


class Doubt(StrEnum):
    """What may be wrong in where an appointment counts, with the label that a user reads."""

    AMBIGUOUS = "ambiguous"  # plusieurs CPTS possibles
    NO_CPTS = "no_cpts"  # aucune CPTS trouvée
    SAME_MINUTE = "same_minute"  # même professionnel, même minute
    WRONG_CHECK_DIGIT = "wrong_check_digit"  # clé du numéro RPPS fausse


class State(StrEnum):
    """Where a doubtful case stands, with the label that a user reads."""

    OPEN = "open"  # à décider
    REOPENED = "reopened"  # décidé, mais les faits ont changé
    DECIDED = "decided"  # décidé


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of an appointment of the platform."""

    appointment_id: str
    status: str
    created_at: datetime
    starts_at: datetime
    category: str | None = None
    finess: str | None = None
    rpps: str | None = None

    def twin_key(self) -> TwinKey | None:
        """What twins share: practitioner and start minute. None without a practitioner."""
        return None if self.rpps is None else (self.rpps, start_minute(self.starts_at))


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """Where an appointment counts, and why not.

    `cpts_id` is set when it counts or is a duplicate; `candidates` are all the CPTS that the rule
    allowed, in order of preference. `twin` is the fact id that counts in its place; `reason` says
    why nobody counts it. `doubts` are in the order of their names; `concerned` are the CPTS that
    have to do with it: candidates, those of which the practitioner is a member on another day when
    nobody counts it, and the one that a decision names.
    """

    appointment_id: str
    outcome: Outcome
    booked_on: date
    cpts_id: str | None = None
    candidates: tuple[str, ...] = ()
    twin: str | None = None
    reason: str | None = None
    doubts: tuple[Doubt, ...] = ()
    concerned: tuple[str, ...] = ()
    state: State = State.OPEN

    def counted_for(self) -> tuple[str, date] | None:
        """The CPTS that counts it and the booking day; None when it does not count."""
        if self.outcome is not Outcome.COUNTED or self.cpts_id is None:
            return None
        return self.cpts_id, self.booked_on


class Merger(msgspec.Struct, frozen=True):
    """From a day on a CPTS is a part of another."""

    on: date
    into_cpts_id: str


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What attribution reads: CPTS by FINESS, memberships and participations by RPPS.

    `mergers` are those of the CPTS by FINESS and of all that these became parts of.
    """

    cpts_by_finess: Mapping[str, str]
    memberships: Mapping[str, Sequence[Membership]]
    participations: Mapping[str, Sequence[Participation]]
    mergers: Mapping[str, Merger] = msgspec.field(default_factory=dict)


def attribute(appointment: Appointment, known: Surroundings, rule: CountingRule) -> Attribution:
    """The CPTS of one appointment by the rule, and the doubts in it; twins left aside.

    In order: the status must count and the category not be excluded; the CPTS named by the
    organisation's FINESS, or the one of which it is a part on the booking day; for the categories
    of members, a CPTS of which the practitioner is a member on the booking day; for the categories
    of participants, if they also take part that day.
    """
    day = local_day(appointment.created_at)
    memberships = known.memberships.get(appointment.rpps or "", ())

    def outcome(what: Outcome, candidates: Sequence[str] = (), reason: str = "") -> Attribution:
        is_unattributed = what is Outcome.UNATTRIBUTED
        concerned = {one.cpts_id for one in memberships} if is_unattributed else candidates
        return Attribution(
            appointment_id=appointment.appointment_id,
            outcome=what,
            booked_on=day,
            cpts_id=candidates[0] if candidates else None,
            candidates=tuple(candidates),
            reason=reason or None,
            doubts=_doubts(appointment, what, candidates),
            concerned=tuple(sorted(concerned)),
        )

    if appointment.status not in rule.on(Name.PLATFORM_STATUSES, day):
        return outcome(Outcome.NOT_STANDING)
    if appointment.category in rule.on(Name.EXCLUDED_CATEGORIES, day):
        return outcome(Outcome.EXCLUDED)
    named = known.cpts_by_finess.get(appointment.finess or "")
    if named is not None:
        return outcome(Outcome.COUNTED, [whole_of(named, known.mergers, day)])
    is_for_member = appointment.category in rule.on(Name.MEMBER_CATEGORIES, day)
    is_for_participant = appointment.category in rule.on(Name.PARTICIPANT_CATEGORIES, day)
    if not (is_for_member or is_for_participant):
        return outcome(Outcome.UNATTRIBUTED, reason="category_not_attributed")
    if appointment.rpps is None:
        return outcome(Outcome.UNATTRIBUTED, reason="no_practitioner")
    candidates = candidate_cpts(memberships, day)
    if not candidates:
        return outcome(Outcome.UNATTRIBUTED, reason="not_a_member")
    takes_part = any(
        period.holds(day)
        for period in counted_participation(known.participations.get(appointment.rpps, ()), rule)
    )
    if not (is_for_member or takes_part):
        return outcome(Outcome.UNATTRIBUTED, reason="not_taking_part")
    return outcome(Outcome.COUNTED, candidates)


def _doubts(
    appointment: Appointment, outcome: Outcome, candidates: Sequence[str]
) -> tuple[Doubt, ...]:
    """What is doubtful in an appointment that stands and is not excluded, twins left aside."""
    if outcome not in {Outcome.COUNTED, Outcome.UNATTRIBUTED}:
        return ()
    rpps = appointment.rpps
    found = {
        Doubt.AMBIGUOUS: len(candidates) > 1,
        Doubt.NO_CPTS: outcome is Outcome.UNATTRIBUTED,
        Doubt.WRONG_CHECK_DIGIT: rpps is not None and not has_right_check_digit(rpps),
    }
    return tuple(doubt for doubt, is_so in found.items() if is_so)


def whole_of(cpts_id: str, mergers: Mapping[str, Merger], day: date) -> str:
    """The CPTS of which one is a part on a day: itself, or where its mergers have led by then."""
    left = dict(mergers)
    while (merger := left.pop(cpts_id, None)) is not None and merger.on <= day:
        cpts_id = merger.into_cpts_id
    return cpts_id


def candidate_cpts(memberships: Iterable[Membership], day: date) -> list[str]:
    """The CPTS of which a professional is a member on `day`: oldest membership, then smallest id.

    A message of the platform names no place, so the territory cannot decide between them.
    """
    oldest: dict[str, date] = {}
    for membership in memberships:
        if membership.period.holds(day):
            first = membership.period.first
            oldest[membership.cpts_id] = min(first, oldest.get(membership.cpts_id, first))
    return sorted(oldest, key=lambda cpts_id: (oldest[cpts_id], cpts_id))


def drop_twins(
    attributed: Mapping[str, Attribution],
    appointments: Collection[Appointment],
    referrals: Mapping[TwinKey, Collection[str]],
    apart: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Attribution]:
    """The attributions, those of twins turned into duplicates.

    `appointments` must hold every appointment of the practitioner and minute of each one, and
    `attributed` the attribution of each; `referrals` gives the fact ids of our referrals that
    count for a practitioner and minute. Of twins, our referral counts; without one, the
    appointment created first, then of the smallest id. `apart` gives, by fact id, the facts of
    which somebody decided that it is no twin.
    """
    kept = {key: sorted(fact_ids) for key, fact_ids in referrals.items()}
    settled: dict[str, Attribution] = {}
    for appointment in sorted(appointments, key=_age):
        attribution = attributed[appointment.appointment_id]
        key = appointment.twin_key()
        if key is not None and attribution.counted_for() is not None:
            fact_id = appointment_fact(appointment.appointment_id)
            before = kept.setdefault(key, [])
            twins = [
                one
                for one in before
                if one not in apart.get(fact_id, ()) and fact_id not in apart.get(one, ())
            ]
            if before:
                doubts = sorted({*attribution.doubts, Doubt.SAME_MINUTE})
                attribution = msgspec.structs.replace(attribution, doubts=tuple(doubts))
            if twins:
                attribution = msgspec.structs.replace(
                    attribution, outcome=Outcome.DUPLICATE, twin=twins[0]
                )
            else:
                before.append(fact_id)
        settled[appointment.appointment_id] = attribution
    return settled


def _age(appointment: Appointment) -> tuple[datetime, str]:
    return appointment.created_at, appointment.appointment_id
