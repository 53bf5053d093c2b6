"""Our own referrals: what is known of one from its events, and whether it counts.

Events of one referral may come late or twice. Three things are kept of it, each with the sequence
of the event that said it, and the highest sequence stands: the CPTS's answer, the status, and the
appointment's practitioner and start. Merging is therefore the same in any order.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import assert_never

import msgspec

from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralReturned,
)
from services.indicators.domain.days import local_day, start_minute
from services.indicators.domain.rule import CountingRule, Name

ReferralEvent = (
    ReferralAccepted
    | ReferralDeclined
    | ReferralExpired
    | ReferralReturned
    | AppointmentHonoured
    | AppointmentMissed
    | AppointmentCancelled
    | AppointmentMoved
)

ACCEPTED, DECLINED, EXPIRED = "accepted", "declined", "expired"
BOOKED, HONOURED, MISSED = "booked", "honoured", "missed"
CANCELLED, RETURNED = "cancelled", "returned"


class Answer(msgspec.Struct, frozen=True):
    """What a CPTS answered, or that it did not in time; `answered_on` is a day in Paris."""

    sequence: int
    answer: str
    cpts_id: str
    answered_on: date
    received_at: datetime | None = None


class Status(msgspec.Struct, frozen=True):
    """Where the referral stands."""

    sequence: int
    status: str


class Booking(msgspec.Struct, frozen=True):
    """With whom the appointment is and when it starts."""

    sequence: int
    rpps: str
    starts_at: datetime


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one referral; None where nothing was said yet."""

    referral_id: str
    answer: Answer | None = None
    status: Status | None = None
    booking: Booking | None = None

    def counted_for(self, rule: CountingRule) -> tuple[str, date] | None:
        """The CPTS that counts it and the booking day; None when it does not count.

        It stays with the accepting CPTS, whatever is corrected later.
        """
        if self.answer is None or self.status is None or self.answer.answer != ACCEPTED:
            return None
        day = self.answer.answered_on
        if self.status.status not in rule.on(Name.REFERRAL_STATUSES, day):
            return None
        return self.answer.cpts_id, day

    @property
    def slot(self) -> tuple[str, int] | None:
        """With whom the appointment is, and the minute at which it starts."""
        if self.booking is None:
            return None
        return self.booking.rpps, start_minute(self.booking.starts_at)

    def twin_key(self, rule: CountingRule) -> tuple[str, int] | None:
        """The slot that makes a platform appointment its twin; None when this does not count."""
        return None if self.counted_for(rule) is None else self.slot


def latest(known: Referral, said: Referral) -> Referral:
    """Both together: of each thing, what the highest sequence said."""
    return Referral(
        referral_id=known.referral_id,
        answer=max(known.answer, said.answer, key=_sequence),
        status=max(known.status, said.status, key=_sequence),
        booking=max(known.booking, said.booking, key=_sequence),
    )


def together(facts: Iterable[Referral]) -> dict[str, Referral]:
    """The facts of many referrals, merged by referral."""
    merged: dict[str, Referral] = {}
    for fact in facts:
        known = merged.get(fact.referral_id)
        merged[fact.referral_id] = fact if known is None else latest(known, fact)
    return merged


def said_by(event: ReferralEvent, sequence: int) -> Referral:
    """What one event says of its referral. ValueError when an instant carries no offset."""
    referral_id = event.referral_id
    match event:
        case ReferralAccepted():
            return Referral(
                referral_id=referral_id,
                answer=Answer(
                    sequence,
                    ACCEPTED,
                    event.cpts_id,
                    local_day(event.accepted_at),
                    event.received_at,
                ),
                status=Status(sequence, BOOKED),
                booking=Booking(sequence, event.practitioner_rpps, event.starts_at),
            )
        case ReferralDeclined():
            answer = Answer(sequence, DECLINED, event.cpts_id, local_day(event.declined_at))
            status = Status(sequence, DECLINED)
            return Referral(referral_id=referral_id, answer=answer, status=status)
        case ReferralExpired():
            answer = Answer(sequence, EXPIRED, event.cpts_id, local_day(event.expired_at))
            status = Status(sequence, EXPIRED)
            return Referral(referral_id=referral_id, answer=answer, status=status)
        case ReferralReturned():
            return Referral(referral_id=referral_id, status=Status(sequence, RETURNED))
        case AppointmentHonoured():
            return Referral(referral_id=referral_id, status=Status(sequence, HONOURED))
        case AppointmentMissed():
            return Referral(referral_id=referral_id, status=Status(sequence, MISSED))
        case AppointmentCancelled():
            return Referral(referral_id=referral_id, status=Status(sequence, CANCELLED))
        case AppointmentMoved():
            booking = Booking(sequence, event.practitioner_rpps, event.starts_at)
            return Referral(referral_id=referral_id, booking=booking)
        case _:
            assert_never(event)


def _sequence(said: Answer | Status | Booking | None) -> int:
    return 0 if said is None else said.sequence
