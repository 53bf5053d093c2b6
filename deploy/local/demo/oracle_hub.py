"""The oracle's reading of Hub Santé messages: what one tells, or the code that refuses it.

Written from the rules; shares no code with the services.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

STATUS_RANKS = {"pending": 0, "booked": 1, "fulfilled": 2, "noshow": 3, "cancelled": 4}
ENVELOPE_FIELDS = {
    *("distributionID", "senderID", "dateTimeSent", "dateTimeExpires", "distributionStatus"),
    *("distributionKind", "descriptor", "content"),
}
APPOINTMENT_FIELDS = {"appointmentId", "method", "created", "start", "status", "regulator"}
CLOCK_TOLERANCE = timedelta(minutes=5)
FOR_EVER = timedelta(days=36_500)


@dataclass(order=True)
class HubMessage:
    """A message of the platform; of several, the greatest is the latest word."""

    sent_at: datetime
    rank: int
    distribution_id: str
    appointment: dict[str, Any] = field(compare=False)
    expires_at: datetime = field(compare=False)
    is_exercise: bool = field(compare=False)

    @property
    def status(self) -> str:
        """The status told."""
        return str(self.appointment["status"])


def read(raw: bytes, at: datetime) -> HubMessage | str:
    """The message received at an instant, or the outcome of one that is not valid."""
    try:
        root = json.loads(raw)
    except ValueError:
        return "hub 102"
    if set(root) == {"appointment"}:
        digest = hashlib.sha256(raw).hexdigest()
        told = root["appointment"]
        return HubMessage(
            sent_at=at,
            rank=STATUS_RANKS[told["status"]],
            distribution_id=f"fr.health.ptfsas_{digest}",
            appointment=told,
            expires_at=at + FOR_EVER,
            is_exercise=False,
        )
    if fault := _fault(root):
        return fault
    message = _message(root)
    past = (root["dateTimeSent"], message["appointment"]["created"])
    if any(datetime.fromisoformat(one) > at + CLOCK_TOLERANCE for one in past):
        return "hub 300"
    return HubMessage(
        sent_at=min(datetime.fromisoformat(root["dateTimeSent"]), at),
        rank=STATUS_RANKS[message["appointment"]["status"]],
        distribution_id=root["distributionID"],
        appointment=message["appointment"],
        expires_at=datetime.fromisoformat(root["dateTimeExpires"]),
        is_exercise={root["distributionStatus"], message["status"]} != {"Actual"},
    )


def known_as(raw: bytes) -> str | None:
    """The identifier under which a message may have been answered: of its sender's envelope."""
    try:
        root = json.loads(raw)
    except ValueError:
        return None
    if set(root) == ENVELOPE_FIELDS and root["distributionID"].startswith(root["senderID"] + "_"):
        return str(root["distributionID"])
    return None


def _message(root: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = root["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    return message


def _fault(root: dict[str, Any]) -> str | None:
    """The Hub's code for an envelope that is not valid as it is."""
    if set(root) != ENVELOPE_FIELDS:
        return "hub 300"
    if "appointment" not in _message(root):
        return "hub 301"
    if not set(_message(root)["appointment"]) >= APPOINTMENT_FIELDS:
        return "hub 300"
    if not root["distributionID"].startswith(root["senderID"] + "_"):
        return "hub 200"
    return None
