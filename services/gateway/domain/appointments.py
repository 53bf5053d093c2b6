"""What referrals told of an appointment, in two halves that come in any order: with whom and when,
and what became of it. Of each half the highest sequence is the present state.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    ReferralAccepted,
    ReferralReturned,
)
from contracts.recorded import Recorded


class Status(StrEnum):
    """What became of an appointment, in the words of the SAS platform."""

    BOOKED = "booked"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """With whom and when an appointment is; `booking_id` if a regulator booked its place here."""

    referral_id: str
    departement: str
    cpts_id: str
    rpps: str
    starts_at: datetime
    sequence: int
    booking_id: str | None = None


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an appointment."""

    referral_id: str
    departement: str
    status: Status
    sequence: int


_STATUS: dict[type[msgspec.Struct], Status] = {
    ReferralAccepted: Status.BOOKED,
    AppointmentHonoured: Status.FULFILLED,
    AppointmentMissed: Status.NOSHOW,
    AppointmentCancelled: Status.CANCELLED,
    ReferralReturned: Status.CANCELLED,
}


def booking_of(recorded: Recorded[Any]) -> Booked | None:
    """With whom and when, if the event tells it."""
    event = recorded.event
    if not isinstance(event, ReferralAccepted | AppointmentMoved):
        return None
    return Booked(
        referral_id=event.referral_id,
        departement=recorded.departement,
        cpts_id=event.cpts_id,
        rpps=event.practitioner_rpps,
        starts_at=event.starts_at,
        sequence=recorded.sequence,
        booking_id=event.booking_id if isinstance(event, ReferralAccepted) else None,
    )


def status_of(recorded: Recorded[Any]) -> Became | None:
    """What became of it, if the event tells it: a demand given back has no appointment any more."""
    status = _STATUS.get(type(recorded.event))
    if status is None:
        return None
    return Became(
        referral_id=recorded.event.referral_id,
        departement=recorded.departement,
        status=status,
        sequence=recorded.sequence,
    )
