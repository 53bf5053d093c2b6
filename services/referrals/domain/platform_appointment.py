"""Appointments that the SAS platform tells about: what a message taken makes of them.

Hub messages have no sequence of their own: the state of an appointment is that of the message
latest by `sent_at`, then by status (cancelled > noshow > fulfilled > booked > pending), then by
distribution id, whatever the order in which they came. A creation of what is known is refused
(the Hub's 701); an update of what is not known is a creation.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from contracts.events.referrals import PlatformAppointmentReported, PlatformUpdateReported
from contracts.recorded import Recorded
from services.referrals.domain.hub_message import HubMessage, HubMethod
from services.referrals.domain.orders import attended, cancelled, moved_to
from services.referrals.domain.referral import Events, Referral, Stage, stamped_by
from services.referrals.domain.told import STATUS_RANKS, stamp_of_message

BY_PLATFORM = "platform"
_ATTENDANCE = {"fulfilled": Stage.HONOURED, "noshow": Stage.MISSED}
_STANDING = (Stage.BOOKED, Stage.HONOURED, Stage.MISSED)


class Outcome(StrEnum):
    """What becomes of a valid message: it changes our facts, or is only kept."""

    TAKEN = "taken"
    RECORDED = "recorded"


class AlreadyKnown(msgspec.Struct, frozen=True, kw_only=True):
    """A creation of an appointment that is known: the Hub's 701, nothing changes."""

    appointment_id: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a message tells: `on_referral` are events of our referral, `reported` the platform's.

    Both are empty when the message is only kept.
    """

    on_referral: Events = ()
    reported: PlatformAppointmentReported | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether any fact changed."""
        return Outcome.TAKEN if self.on_referral or self.reported else Outcome.RECORDED


class PlatformAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of an appointment of the platform: what its latest message told."""

    appointment_id: str
    departement: str
    sequence: int
    told: PlatformAppointmentReported


def rank(told: PlatformAppointmentReported) -> tuple[datetime, int, str]:
    """By what messages about one appointment are ordered."""
    return told.sent_at, STATUS_RANKS[told.status], told.distribution_id


def is_our_id(appointment_id: str) -> bool:
    """Whether the id has the form of a referral's, which no platform appointment may take."""
    return re.fullmatch(r"r-[0-9a-f]{32}", appointment_id) is not None


def take(
    message: HubMessage, *, referral: Referral | None, appointment: PlatformAppointment | None
) -> Taken | AlreadyKnown:
    """What a valid message makes of our referral or of the platform's appointment of its id.

    An exercise changes nothing. So does a message about a referral of ours that never had an
    appointment, or that tells nothing later than what is known.
    """
    told = message.appointment
    is_known = referral is not None or appointment is not None
    if told.method is HubMethod.CREATE and is_known:
        return AlreadyKnown(appointment_id=told.appointment_id)
    if message.is_exercise:
        return Taken()
    if referral is not None:
        return Taken(on_referral=_on_referral(message, referral))
    if is_our_id(told.appointment_id):
        return Taken()
    return Taken(reported=_reported(message))


def evolve(appointment: PlatformAppointment | None, recorded: Recorded[Any]) -> PlatformAppointment:
    """The state after a message taken; ValueError when it cannot be the next."""
    event = recorded.event
    if not isinstance(event, PlatformAppointmentReported):
        raise TypeError(f"{type(event).__name__} is no event of a platform appointment")
    if recorded.sequence != (appointment.sequence if appointment else 0) + 1:
        raise ValueError(f"{recorded.subject} has no event before number {recorded.sequence}")
    if appointment is None:
        return PlatformAppointment(
            appointment_id=event.appointment_id,
            departement=recorded.departement,
            sequence=recorded.sequence,
            told=event,
        )
    told = max(appointment.told, event, key=rank)
    return msgspec.structs.replace(appointment, sequence=recorded.sequence, told=told)


def _on_referral(message: HubMessage, referral: Referral) -> Events:
    """What the platform tells of an appointment made through us, then what that changes.

    Its cancellation is final whenever it comes. Of the start, of the practitioner, of whether the
    person came, the latest told stands, by the platform or by a person: so that the same messages
    in any order end the same (ADR 0006). Nothing is said of what has nothing later to tell.
    """
    told = message.appointment
    if referral.starts_at is None:
        return ()
    reported = PlatformUpdateReported(
        referral_id=referral.referral_id,
        distribution_id=message.distribution_id,
        sent_at=message.sent_at,
        status=told.status.value,
        starts_at=told.starts_at,
        practitioner_rpps=told.rpps,
    )
    is_standing = referral.state in _STANDING
    if told.status == "cancelled":
        return (reported, *cancelled(referral, BY_PLATFORM)) if is_standing else ()
    stamp = stamp_of_message(message.sent_at, told.status, message.distribution_id)
    later = {name for name in stamped_by(told.status, told.rpps) if stamp > getattr(referral, name)}
    if not later:
        return ()
    moved = moved_to(
        referral,
        told.starts_at if "starts_at_told" in later else None,
        told.rpps if "practitioner_told" in later else None,
    )
    stage = _ATTENDANCE.get(told.status) if "attendance_told" in later and is_standing else None
    return (reported, *moved, *(attended(referral, stage) if stage else ()))


def _reported(message: HubMessage) -> PlatformAppointmentReported:
    told = message.appointment
    return PlatformAppointmentReported(
        appointment_id=told.appointment_id,
        distribution_id=message.distribution_id,
        sent_at=message.sent_at,
        status=told.status.value,
        created_at=told.created_at,
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        category=told.category.value if told.category else None,
        finess=told.finess,
        practitioner_rpps=told.rpps,
        profession=told.profession,
    )
