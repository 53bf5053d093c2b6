"""The foreign facts that the gateway understands: CPTS and who belongs to them, appointments."""

from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    BookingRefused,
    ReferralAccepted,
    ReferralReturned,
)

FROM_MEMBERSHIP = (CptsRegistered, FinessAssigned, MemberRecorded, ParticipationRecorded)
FROM_REFERRALS = (
    ReferralAccepted,
    AppointmentMoved,
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    ReferralReturned,
    BookingRefused,
)
