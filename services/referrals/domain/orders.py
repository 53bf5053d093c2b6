"""What people may order about a referral, and why not.

In each decision the reasons are listed in their precedence. An order that comes at or after a due
time is refused, and for the same reason whether the timer has already run or not.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

import msgspec

from contracts.communes import Commune
from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    ReferralAccepted,
    ReferralDeclined,
    ReferralReturned,
)
from services.referrals.domain.needs import Need
from services.referrals.domain.referral import (
    Demand,
    Events,
    Referral,
    Stage,
    cpts_of,
    due_at,
    given_back_at,
)
from services.referrals.domain.refusal import Refusal, first_that_holds
from services.referrals.domain.told import stamp_of_person

SAS_SINCE = datetime(
    2019, 9, 9, tzinfo=UTC
)  # announced that day (pacte de refondation des urgences)


class DeclineReason(StrEnum):
    """Why a CPTS says no."""

    NO_AVAILABILITY = "no_availability"
    OUTSIDE_COMPETENCE = "outside_competence"
    NOT_UNSCHEDULED_CARE = "not_unscheduled_care"
    NEEDS_EMERGENCY_CARE = "needs_emergency_care"
    PLACE_NOT_COVERED = "place_not_covered"


class ReturnReason(StrEnum):
    """Why somebody gives a demand back; the timer's own reason is not among them."""

    BY_CPTS = "by_cpts"
    BY_REGULATION = "by_regulation"
    PRACTITIONER_UNAVAILABLE = "practitioner_unavailable"


class Side(StrEnum):
    """Who cancels an appointment; the SAS platform cancels by its messages only."""

    PATIENT = "patient"
    PRACTITIONER = "practitioner"
    CPTS = "cpts"
    REGULATION = "regulation"


class Accept(msgspec.Struct, frozen=True, kw_only=True):
    """The CPTS takes the demand; `is_member`: its practitioner belongs to it that day."""

    cpts_id: str
    practitioner_rpps: str
    starts_at: datetime
    is_member: bool


class Decline(msgspec.Struct, frozen=True, kw_only=True):
    """The CPTS says no."""

    cpts_id: str
    reason: str


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """The demand goes back to the regulation."""

    reason: str


class ReportHonoured(msgspec.Struct, frozen=True, kw_only=True):
    """The appointment took place."""


class ReportMissed(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody came."""


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """The appointment no longer stands."""

    by: str


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Another time, another practitioner, or both; `is_member` is about the one it names.

    `within` is how long after `see_by` the person may yet be seen.
    """

    is_member: bool
    within: timedelta
    starts_at: datetime | None = None
    practitioner_rpps: str | None = None


Order = Accept | Decline | Return | ReportHonoured | ReportMissed | Cancel | Move

_REPORTABLE = (Stage.BOOKED, Stage.HONOURED, Stage.MISSED)
_ANSWERABLE = (Stage.OFFERED, Stage.EXPIRED)
_RETURNABLE = (Stage.HELD, Stage.OFFERED, Stage.BOOKED, Stage.EXPIRED)


def refuse_new_demand(
    demand: Demand, *, commune: Commune | None, instant: datetime, tolerance: timedelta
) -> Refusal | None:
    """Why a demand that is not known yet cannot be taken; None when it can.

    `tolerance` is by how much the clock of the SAS may be ahead of ours.
    """
    return first_that_holds(
        (Refusal.UNKNOWN_COMMUNE, commune is None),
        (Refusal.UNKNOWN_NEED, demand.need not in set(Need)),
        (Refusal.RECEIVED_BEFORE_THE_SAS, demand.received_at < SAS_SINCE),
        (Refusal.RECEIVED_IN_THE_FUTURE, demand.received_at > instant + tolerance),
    )


def decide(referral: Referral, order: Order, instant: datetime) -> Events | Refusal:
    """What an order given at `instant` makes of the referral; no event when nothing changes."""
    match order:
        case Accept():
            return _accept(referral, order, instant)
        case Decline():
            return _decline(referral, order, instant)
        case Return():
            return _return(referral, order, instant)
        case ReportHonoured():
            return _report(referral, Stage.HONOURED, instant)
        case ReportMissed():
            return _report(referral, Stage.MISSED, instant)
        case Cancel():
            return _cancel(referral, order)
        case Move():
            return _move(referral, order, instant)
        case _:
            assert_never(order)


def _accept(referral: Referral, order: Accept, instant: datetime) -> Events | Refusal:
    refusal = first_that_holds(
        (Refusal.NOT_AWAITING_ANSWER, referral.state not in _ANSWERABLE),
        (Refusal.NOT_THE_OFFERED_CPTS, order.cpts_id != referral.cpts_id),
        (Refusal.ANSWER_TOO_LATE, _has_expired(referral, instant)),
        (Refusal.PRACTITIONER_NOT_A_MEMBER, not order.is_member),
        (Refusal.APPOINTMENT_IN_THE_PAST, order.starts_at < instant),
        (Refusal.APPOINTMENT_AFTER_SEE_BY, _is_after_see_by(referral, order.starts_at)),
    )
    return refusal or (
        ReferralAccepted(
            referral_id=referral.referral_id,
            cpts_id=order.cpts_id,
            appointment_id=referral.referral_id,
            practitioner_rpps=order.practitioner_rpps,
            received_at=referral.received_at,
            accepted_at=instant,
            starts_at=order.starts_at,
        ),
    )


def _decline(referral: Referral, order: Decline, instant: datetime) -> Events | Refusal:
    refusal = first_that_holds(
        (Refusal.NOT_AWAITING_ANSWER, referral.state not in _ANSWERABLE),
        (Refusal.NOT_THE_OFFERED_CPTS, order.cpts_id != referral.cpts_id),
        (Refusal.ANSWER_TOO_LATE, _has_expired(referral, instant)),
        (Refusal.UNKNOWN_REASON, order.reason not in set(DeclineReason)),
    )
    return refusal or (
        ReferralDeclined(
            referral_id=referral.referral_id,
            cpts_id=order.cpts_id,
            reason=order.reason,
            declined_at=instant,
        ),
    )


def _return(referral: Referral, order: Return, instant: datetime) -> Events | Refusal:
    is_given_back_by_time = referral.state is Stage.HELD and instant >= given_back_at(referral)
    refusal = first_that_holds(
        (
            Refusal.NOTHING_TO_RETURN,
            referral.state not in _RETURNABLE or is_given_back_by_time,
        ),
        (Refusal.UNKNOWN_REASON, order.reason not in set(ReturnReason)),
        (Refusal.ANSWER_TOO_LATE, _has_expired(referral, instant)),
    )
    return refusal or (
        ReferralReturned(
            referral_id=referral.referral_id,
            reason=order.reason,
            returned_at=instant,
            cpts_id=referral.cpts_id,
        ),
    )


def _report(referral: Referral, stage: Stage, instant: datetime) -> Events | Refusal:
    starts_at = referral.starts_at
    refusal = first_that_holds(
        (Refusal.NO_APPOINTMENT, referral.state not in _REPORTABLE or starts_at is None),
        (Refusal.APPOINTMENT_NOT_STARTED, starts_at is not None and instant < starts_at),
    )
    # Said again, it stands against what the platform said before and tells later.
    is_later = stamp_of_person(instant) > referral.attendance_told
    return refusal or attended(referral, stage, is_said_again=is_later)


def attended(referral: Referral, stage: Stage, *, is_said_again: bool = False) -> Events:
    """The event that makes the appointment honoured or missed; none when it already is, unless it
    is said again.
    """
    if referral.state is stage and not is_said_again:
        return ()
    event = AppointmentHonoured if stage is Stage.HONOURED else AppointmentMissed
    return (event(referral_id=referral.referral_id, cpts_id=cpts_of(referral)),)


def _cancel(referral: Referral, order: Cancel) -> Events | Refusal:
    refusal = first_that_holds(
        (Refusal.NO_APPOINTMENT, referral.state is not Stage.BOOKED),
        (Refusal.UNKNOWN_SIDE, order.by not in set(Side)),
    )
    return refusal or cancelled(referral, order.by)


def cancelled(referral: Referral, by: str) -> Events:
    """The event by which a side cancels the appointment."""
    return (
        AppointmentCancelled(referral_id=referral.referral_id, cpts_id=cpts_of(referral), by=by),
    )


def _move(referral: Referral, order: Move, instant: datetime) -> Events | Refusal:
    if referral.state is not Stage.BOOKED:
        return Refusal.NO_APPOINTMENT
    moved = moved_to(referral, order.starts_at, order.practitioner_rpps)
    # An appointment does not begin before it was made, whatever the clock of who moves it says.
    earliest = max(instant, referral.accepted_at or instant)
    starts_at = order.starts_at or earliest
    refusal = first_that_holds(
        (Refusal.NOTHING_TO_MOVE, not moved),
        (Refusal.PRACTITIONER_NOT_A_MEMBER, not order.is_member),
        (Refusal.APPOINTMENT_IN_THE_PAST, starts_at < earliest),
        (
            Refusal.APPOINTMENT_TOO_LATE,
            order.starts_at is not None and starts_at > referral.see_by + order.within,
        ),
    )
    return refusal or moved


def moved_to(referral: Referral, starts_at: datetime | None, rpps: str | None) -> Events:
    """The event that gives a booked appointment another time or practitioner; none if equal."""
    assert referral.starts_at is not None, "a booked referral has its appointment"
    assert referral.practitioner_rpps is not None, "a booked referral has its practitioner"
    new_starts_at = starts_at or referral.starts_at
    new_rpps = rpps or referral.practitioner_rpps
    if (new_starts_at, new_rpps) == (referral.starts_at, referral.practitioner_rpps):
        return ()
    return (
        AppointmentMoved(
            referral_id=referral.referral_id,
            cpts_id=cpts_of(referral),
            practitioner_rpps=new_rpps,
            starts_at=new_starts_at,
        ),
    )


def _is_after_see_by(referral: Referral, starts_at: datetime) -> bool:
    """Whether it is too late: the midnight that ends the same day is of the next one."""
    is_the_limit_too_late = referral.urgency == "same_day"
    return starts_at > referral.see_by or (is_the_limit_too_late and starts_at == referral.see_by)


def _has_expired(referral: Referral, instant: datetime) -> bool:
    return referral.state is Stage.EXPIRED or _is_due(referral, instant)


def _is_due(referral: Referral, instant: datetime) -> bool:
    due = due_at(referral)
    return due is not None and instant >= due
