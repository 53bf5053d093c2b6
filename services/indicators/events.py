"""The foreign facts that indicators understands, topic by topic."""

from contracts.events.membership import (
    AciSigned,
    CptsMerged,
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
    PlatformAppointmentReported,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralReturned,
)

FROM_MEMBERSHIP = (
    CptsRegistered,
    FinessAssigned,
    CptsMerged,
    MemberRecorded,
    ParticipationRecorded,
    AciSigned,
)
FROM_REFERRALS = (
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralReturned,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentCancelled,
    AppointmentMoved,
    PlatformAppointmentReported,
)
