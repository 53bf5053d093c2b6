"""A place that a regulator booked in the gateway: the demand and its acceptance, or why not.

It is all of the instant of the booking: the regulator handed the demand over, the CPTS had opened
the slot. One refusal is told, the first of these:

    unknown_commune, unknown_need, practitioner_not_a_member, appointment_in_the_past,
    appointment_after_see_by
"""

from datetime import datetime, timedelta

import msgspec

from contracts.communes import resolve
from contracts.departements import by_code
from contracts.events.gateway import SlotBooked
from contracts.events.referrals import BookingRefused, ReferralAccepted, ReferralsEvent
from contracts.recorded import Cause, Recorded, record
from services.referrals.domain.needs import Need
from services.referrals.domain.referral import (
    Demand,
    receive,
    referral_id,
    see_by_of,
)
from services.referrals.domain.refusal import Refusal, first_that_holds

SOURCE = "gateway"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the gateway told it, and what referrals need to answer it."""

    told: SlotBooked
    departement: str
    recorded_at: datetime
    event_id: str
    is_member: bool

    @property
    def cause(self) -> Cause:
        """The cause of what is made of it: equal whenever it is looked at."""
        return Cause(id=self.event_id, recorded_at=self.recorded_at)


def known_as(booking_id: str) -> str:
    """The id of the demand that a booking becomes."""
    return referral_id(SOURCE, booking_id)


def answer(booking: Booking, *, answer_within: timedelta) -> list[Recorded[ReferralsEvent]]:
    """The demand, offered and accepted in one; or the refusal of the booking."""
    told = booking.told
    commune = resolve(told.commune)
    zone = by_code(commune.departement).time_zone if commune else ""
    see_by = see_by_of(told.urgency, told.booked_at, zone) if commune else told.booked_at
    is_same_day = told.urgency == "same_day"
    refusal = first_that_holds(
        (Refusal.UNKNOWN_COMMUNE, commune is None),
        (Refusal.UNKNOWN_NEED, told.need not in set(Need)),
        (Refusal.PRACTITIONER_NOT_A_MEMBER, not booking.is_member),
        (Refusal.APPOINTMENT_IN_THE_PAST, told.starts_at < told.booked_at),
        (
            Refusal.APPOINTMENT_AFTER_SEE_BY,
            told.starts_at > see_by or (is_same_day and told.starts_at == see_by),
        ),
    )
    if commune is None or refusal is not None:
        reason = refusal or Refusal.UNKNOWN_COMMUNE
        refused = BookingRefused(
            booking_id=told.booking_id, reason=reason.value, refused_at=told.booked_at
        )
        return _recorded(booking, (refused,), told.booking_id, booking.departement)
    demand = Demand(
        source=SOURCE,
        source_id=told.booking_id,
        commune=commune.code,
        part=told.part,
        need=told.need,
        urgency=told.urgency,
        received_at=told.booked_at,
    )
    begun = receive(
        demand,
        see_by=see_by,
        holder=told.cpts_id,
        instant=told.booked_at,
        answer_within=answer_within,
    )
    accepted = ReferralAccepted(
        referral_id=known_as(told.booking_id),
        cpts_id=told.cpts_id,
        appointment_id=known_as(told.booking_id),
        practitioner_rpps=told.practitioner_rpps,
        received_at=told.booked_at,
        accepted_at=told.booked_at,
        starts_at=told.starts_at,
        booking_id=told.booking_id,
    )
    subject = known_as(told.booking_id)
    return _recorded(booking, (*begun, accepted), subject, commune.departement)


def _recorded(
    booking: Booking, events: tuple[ReferralsEvent, ...], subject: str, departement: str
) -> list[Recorded[ReferralsEvent]]:
    return record(
        events,
        subject=subject,
        after_sequence=0,
        departement=departement,
        occurred_at=booking.told.booked_at,
        cause=booking.cause,
    )
