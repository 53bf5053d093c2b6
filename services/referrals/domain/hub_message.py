"""What a Hub Santé message says once it is read, and the Hub's codes for one that is refused.

Identifiers, instants, codes: no name and no e-mail. `hub_reading` makes these of what comes in.
"""

import enum
from datetime import datetime

from msgspec import Struct

from services.referrals.domain.hub_schema import DistributionKind, HubStatus, OrientationCategory

__all__ = [
    "DistributionKind",
    "HubAppointment",
    "HubCode",
    "HubMessage",
    "HubMethod",
    "HubNote",
    "HubRefusal",
    "HubStatus",
    "OrientationCategory",
]


class HubCode(enum.IntEnum):
    """The Hub's error codes that we answer; `.name` is the official `statusString`."""

    UNRECOGNIZED_MESSAGE_FORMAT = 102
    SENDER_INCONSISTENCY = 200
    INVALID_MESSAGE = 300
    SCHEMA_NOT_FOUND = 301
    EXPIRED_MESSAGE_BEFORE_ROUTING = 400
    CASE_ALREADY_EXISTS = 701

    @property
    def label(self) -> str:
        """What a French reader is told."""
        return _LABELS[self]


_LABELS = {
    HubCode.UNRECOGNIZED_MESSAGE_FORMAT: "Le message n'est pas du JSON lisible",
    HubCode.SENDER_INCONSISTENCY: "L'identifiant du message ne correspond pas à son émetteur",
    HubCode.INVALID_MESSAGE: "Le message n'est pas conforme aux schémas du Hub Santé",
    HubCode.SCHEMA_NOT_FOUND: "Le message n'est d'aucun type connu ici",
    HubCode.EXPIRED_MESSAGE_BEFORE_ROUTING: "Le message était expiré à sa réception",
    HubCode.CASE_ALREADY_EXISTS: "Ce rendez-vous est déjà connu",
}


class HubMethod(enum.StrEnum):
    """What the sender believes: a new appointment, or a change of one."""

    CREATE = "CreateAppointment"
    UPDATE = "UpdateAppointment"


class HubNote(enum.StrEnum):
    """What is odd in a message that is taken all the same."""

    HEADER_SENDER_DIFFERS = "header_sender_differs"
    HEADER_ID_DIFFERS = "header_id_differs"
    HEADER_KIND_DIFFERS = "header_kind_differs"
    HEADER_SENT_AT_DIFFERS = "header_sent_at_differs"
    SENT_AFTER_RECEIPT = "sent_after_receipt"
    WRONG_CHECK_DIGIT = "wrong_check_digit"


class HubRefusal(Struct, frozen=True, kw_only=True):
    """Why a message is not taken.

    `reasons` name fields and rules, never values. `distribution_id` is given as soon as the
    envelope can be read and it is an identifier, for the answer to refer to. Only when
    `is_from_sender` is it sure to be the sender's own, so that an earlier answer may be looked up.
    """

    code: HubCode
    reasons: tuple[str, ...]
    distribution_id: str | None = None
    is_from_sender: bool = False


class HubAppointment(Struct, frozen=True, kw_only=True):
    """An appointment as the SAS platform tells it; instants in UTC, no name, no e-mail."""

    appointment_id: str
    method: HubMethod
    created_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    status: HubStatus
    category: OrientationCategory | None
    rpps: str | None
    profession: str | None
    finess: str | None


class HubMessage(Struct, frozen=True, kw_only=True):
    """A message that is taken; instants in UTC."""

    distribution_id: str
    sender_id: str
    sent_at: datetime
    expires_at: datetime
    kind: DistributionKind
    is_exercise: bool
    is_bare: bool
    notes: tuple[HubNote, ...]
    appointment: HubAppointment
