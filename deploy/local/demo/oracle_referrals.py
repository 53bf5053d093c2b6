"""What the oracle keeps of a demand, and what messages of the SAS platform make of its appointment.

Written from the rules; shares no code with the services.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.local.demo.oracle_hub import HubMessage
from deploy.local.demo.oracle_registers import Commune

WITH_APPOINTMENT = ("booked", "honoured", "missed")


@dataclass
class Referral:
    """A demand and what became of it; `reason` is why it was declined or returned."""

    id: str
    body: dict[str, Any]
    commune: Commune
    received_at: datetime
    recorded_at: datetime
    see_by: datetime
    part: str | None = None
    state: str = "held"
    cpts_id: str | None = None
    answer_by: datetime | None = None
    accepted_at: datetime | None = None
    agreed_at: datetime | None = None
    reported_at: datetime | None = None
    messages: list[HubMessage] = field(default_factory=list)
    starts_at: datetime | None = None
    rpps: str | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    reason: str | None = None


def told_of_ours(referral: Referral, agreed_at: datetime) -> None:
    """What all the platform told of an appointment made through us, in whatever order, makes of it.

    A cancellation is final. Else the latest word stands on the start, on the practitioner, and on
    whether the person came; a person's word is later than a message of the same instant.
    """
    is_standing = referral.state in WITH_APPOINTMENT
    if is_standing and any(one.status == "cancelled" for one in referral.messages):
        referral.state = "cancelled"
    later = sorted(
        one for one in referral.messages if one.sent_at > agreed_at and one.status != "cancelled"
    )
    for one in later:
        referral.starts_at = datetime.fromisoformat(one.appointment["start"])
        if "practitioner" in one.appointment:
            referral.rpps = one.appointment["practitioner"]["rppsId"]
    reported_at = referral.reported_at or agreed_at
    for one in later:
        after = {"fulfilled": "honoured", "noshow": "missed"}.get(one.status)
        if after and one.sent_at > reported_at and referral.state in WITH_APPOINTMENT:
            referral.state = after
