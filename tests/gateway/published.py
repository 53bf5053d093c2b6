"""What membership and referrals say in the tests of the gateway."""

from datetime import date, datetime, timedelta
from typing import Any

from contracts.events.membership import CptsRegistered, MemberRecorded
from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    BookingRefused,
    ReferralAccepted,
    ReferralReturned,
)
from contracts.recorded import Cause, Recorded, event_id, type_name
from tests.gateway.served import NOON

FINESS = {"c1": "1950047225", "c2": "1950046227"}
ONE_PLACE, TWO_PLACES, OTHER, NOBODY = (
    *("810002909371", "810002673899", "810100050075"),
    "810000000001",
)


def told(
    event: Any,
    *,
    subject: str = "",
    sequence: int = 1,
    at: datetime = NOON,
    departement: str = "95",
) -> Recorded[Any]:
    """The event as its service records it."""
    subject = subject or getattr(event, "referral_id", "") or event.cpts_id
    cause = Cause(id=f"test:{subject}:{sequence}", recorded_at=at)
    return Recorded(
        id=event_id(
            occurred_at=at,
            cause=cause.id,
            type_=type_name(type(event)),
            subject=subject,
            ordinal=sequence,
        ),
        subject=subject,
        sequence=sequence,
        departement=departement,
        occurred_at=at,
        recorded_at=at,
        cause=cause.id,
        event=event,
    )


def members() -> list[Recorded[Any]]:
    """Two CPTS: the three professionals are of the first, those of two places and the other of the
    second too, to which the other no longer belongs.
    """
    said = []
    for cpts_id, finess in FINESS.items():
        registered = CptsRegistered(
            cpts_id=cpts_id,
            cpts_name=f"CPTS {cpts_id.upper()}",
            seat_commune="95306",
            finess=finess,
        )
        said.append(told(registered))
    belonging = [
        *(("c1", rpps, None) for rpps in (ONE_PLACE, TWO_PLACES, OTHER)),
        ("c2", TWO_PLACES, None),
        ("c2", OTHER, date(2026, 11, 23)),
    ]
    for sequence, (cpts_id, rpps, to_on) in enumerate(belonging, start=2):
        member = MemberRecorded(
            cpts_id=cpts_id,
            member_id=f"{cpts_id}-{rpps}",
            rpps=rpps,
            profession="10",
            from_on=date(2026, 1, 1),
            to_on=to_on,
        )
        said.append(told(member, sequence=sequence))
    return said


def accepted(
    referral_id: str,
    rpps: str,
    starts_at: datetime,
    booking_id: str | None = None,
    departement: str = "95",
) -> Recorded[Any]:
    """A CPTS takes a demand, with an appointment."""
    event = ReferralAccepted(
        referral_id=referral_id,
        cpts_id="c1",
        appointment_id=referral_id,
        practitioner_rpps=rpps,
        received_at=NOON,
        accepted_at=NOON,
        starts_at=starts_at,
        booking_id=booking_id,
    )
    return told(event, sequence=3, departement=departement)


def moved(referral_id: str, rpps: str, starts_at: datetime, sequence: int = 4) -> Recorded[Any]:
    """The appointment has another time or practitioner."""
    event = AppointmentMoved(
        referral_id=referral_id, cpts_id="c1", practitioner_rpps=rpps, starts_at=starts_at
    )
    return told(event, sequence=sequence, at=NOON + timedelta(minutes=1))


def cancelled(referral_id: str, sequence: int = 4) -> Recorded[Any]:
    """The appointment no longer stands."""
    event = AppointmentCancelled(referral_id=referral_id, cpts_id="c1", by="patient")
    return told(event, sequence=sequence, at=NOON + timedelta(minutes=1))


def honoured(referral_id: str, sequence: int = 5) -> Recorded[Any]:
    """The person came."""
    event = AppointmentHonoured(referral_id=referral_id, cpts_id="c1")
    return told(event, sequence=sequence, at=NOON + timedelta(days=2))


def missed(referral_id: str, sequence: int = 5) -> Recorded[Any]:
    """Nobody came."""
    event = AppointmentMissed(referral_id=referral_id, cpts_id="c1")
    return told(event, sequence=sequence, at=NOON + timedelta(days=2))


def returned(referral_id: str, sequence: int = 5) -> Recorded[Any]:
    """The demand is given back to the regulation."""
    event = ReferralReturned(
        referral_id=referral_id, reason="by_cpts", returned_at=NOON, cpts_id="c1"
    )
    return told(event, sequence=sequence, at=NOON + timedelta(minutes=2))


def refused(booking_id: str) -> Recorded[Any]:
    """No demand is made of a booking."""
    event = BookingRefused(
        booking_id=booking_id, reason="practitioner_not_a_member", refused_at=NOON
    )
    return told(event, subject=booking_id)
