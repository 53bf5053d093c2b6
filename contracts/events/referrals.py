"""What the referrals service says: demands of the SAS from receipt to outcome, and appointments
that the SAS platform tells about.

Three aggregates: a referral (`subject` is its id, the key is its commune's département), a platform
appointment (`subject` is the platform's id; its key is the département of its organisation's CPTS,
else of its practitioner's, else `00`), and a booking of the gateway that is refused (its id, under
the booking's key). A demand has no patient.
"""

from datetime import datetime
from typing import Literal

import msgspec

Urgency = Literal["same_day", "within_48h"]
AppointmentStatus = Literal["pending", "booked", "fulfilled", "noshow", "cancelled"]


class DemandReceived(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.DemandReceived.v1"
):
    """The SAS hands over a demand. `need` is a code of the list in `services/referrals`.

    `see_by` is the end of the same local day at the commune, or 48 hours after `received_at`.
    """

    referral_id: str
    source: str
    source_id: str
    commune: str
    need: str
    urgency: Urgency
    received_at: datetime
    see_by: datetime
    part: str | None = None


class DemandHeld(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.DemandHeld.v1"
):
    """No CPTS can be offered the demand yet.

    `reason`: `no_cpts_for_place`, `part_needed`, `see_by_passed` (it came too late to be offered).
    `look_again_at` is the next local midnight, before its `see_by`, from which a territory known
    now changes that; None when there is none.
    """

    referral_id: str
    reason: str
    look_again_at: datetime | None = None


class DemandLocated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.DemandLocated.v1"
):
    """The regulation told more precisely where a demand of a divided place comes from.

    `commune` is the demand's, or an arrondissement of it; `part` a named part of that commune.
    """

    referral_id: str
    commune: str
    part: str | None = None


class ReferralOffered(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.ReferralOffered.v1"
):
    """The CPTS whose territory holds the place is asked; it may answer until `answer_by`."""

    referral_id: str
    cpts_id: str
    offered_at: datetime
    answer_by: datetime


class ReferralAccepted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.ReferralAccepted.v1"
):
    """The CPTS takes the demand, with an appointment. `appointment_id` is what the platform sees.

    `accepted_at` is the booking date, which the counting rule follows. `booking_id` is the place
    of the gateway that a regulator booked for it, None when the CPTS itself accepted.
    """

    referral_id: str
    cpts_id: str
    appointment_id: str
    practitioner_rpps: str
    received_at: datetime
    accepted_at: datetime
    starts_at: datetime
    booking_id: str | None = None


class ReferralDeclined(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.ReferralDeclined.v1"
):
    """The CPTS says no. `reason`: `no_availability`, `outside_competence`, `not_unscheduled_care`,
    `needs_emergency_care`, `place_not_covered`.
    """

    referral_id: str
    cpts_id: str
    reason: str
    declined_at: datetime


class ReferralExpired(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.ReferralExpired.v1"
):
    """The CPTS did not answer by `answer_by`, which is `expired_at`."""

    referral_id: str
    cpts_id: str
    expired_at: datetime


class ReferralReturned(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.ReferralReturned.v1"
):
    """The demand goes back to the regulation; an appointment made for it no longer stands.

    `reason`: `not_offered_in_time` (timer), `by_cpts`, `by_regulation`, `practitioner_unavailable`.
    `cpts_id` is the CPTS that held it, None when it was never offered.
    """

    referral_id: str
    reason: str
    returned_at: datetime
    cpts_id: str | None = None


class AppointmentHonoured(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="referrals.AppointmentHonoured.v1",
):
    """The appointment took place."""

    referral_id: str
    cpts_id: str


class AppointmentMissed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="referrals.AppointmentMissed.v1",
):
    """Nobody came to the appointment (no-show)."""

    referral_id: str
    cpts_id: str


class AppointmentCancelled(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="referrals.AppointmentCancelled.v1",
):
    """The appointment no longer stands. `by`: `patient`, `practitioner`, `cpts`, `regulation`,
    `platform`. It is the side that cancelled, never a person.
    """

    referral_id: str
    cpts_id: str
    by: str


class AppointmentMoved(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.AppointmentMoved.v1"
):
    """The appointment has another time or practitioner; it stays the same appointment."""

    referral_id: str
    cpts_id: str
    practitioner_rpps: str
    starts_at: datetime


class PlatformUpdateReported(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="referrals.PlatformUpdateReported.v1",
):
    """The SAS platform told of an appointment made through us: what one message said of it.

    What it changes is said by the events after it, if anything. Messages are ordered as those of
    `PlatformAppointmentReported`.
    """

    referral_id: str
    distribution_id: str
    sent_at: datetime
    status: AppointmentStatus
    starts_at: datetime
    practitioner_rpps: str | None = None


class PlatformAppointmentReported(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="referrals.PlatformAppointmentReported.v1",
):
    """The SAS platform told of an appointment without a demand of ours (Hub Santé, RS-SAS-RDV).

    One event for each message taken, with the whole state it told. Messages are ordered by
    `sent_at`, then cancelled > noshow > fulfilled > booked > pending. `category`: `CPTS`, `MSP`,
    `CDS`, `SOS`, `PS`, `PDM` or None. `finess` is `1` and nine digits.
    """

    appointment_id: str
    distribution_id: str
    sent_at: datetime
    status: AppointmentStatus
    created_at: datetime
    starts_at: datetime
    ends_at: datetime | None = None
    category: str | None = None
    finess: str | None = None
    practitioner_rpps: str | None = None
    profession: str | None = None


class BookingRefused(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="referrals.BookingRefused.v1"
):
    """A place that a regulator booked in the gateway cannot be an appointment: no demand is taken.

    `reason`: `unknown_commune`, `unknown_need`, `practitioner_not_a_member`,
    `appointment_in_the_past`, `appointment_after_see_by`.
    """

    booking_id: str
    reason: str
    refused_at: datetime


ReferralsEvent = (
    DemandReceived
    | DemandHeld
    | DemandLocated
    | ReferralOffered
    | ReferralAccepted
    | ReferralDeclined
    | ReferralExpired
    | ReferralReturned
    | AppointmentHonoured
    | AppointmentMissed
    | AppointmentCancelled
    | AppointmentMoved
    | PlatformUpdateReported
    | PlatformAppointmentReported
    | BookingRefused
)
