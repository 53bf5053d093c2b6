"""What is said to the Hub Santé and heard from it, in EDXL-DE envelopes: bytes in, bytes out.

The content of an `RS-SAS-RDV` is none of this module's: referrals reads and judges it. Here stand
whom to answer, the answers (`RC-REF`, `RS-ERROR`; JSON schemas 26.07.29), and what other systems
answer to ours, without any text that somebody wrote.
"""

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec

TIME_TO_LIVE = timedelta(hours=24)
"""How long an answer is good; the Hub keeps no message longer."""
CAUSE_LENGTH_MAX = 1000
_OURS = uuid.UUID("6f0f3f5b-0d52-5d0c-9d6b-3a7b0f6f8a11")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Which message is answered, and to whom."""

    distribution_id: str
    sender_id: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Referrals has committed what the message says, now or when it first came."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The message is not taken, by one of the Hub's codes; `cause` names fields and rules only."""

    code: int
    status: str
    cause: str


Verdict = Taken | Refused


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope to publish: its identifier and its JSON."""

    distribution_id: str
    body: bytes


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What `.ack` or `.info` tells of a message of ours: identifiers and codes, None where there
    is none that can be read.
    """

    distribution_id: str | None
    referenced_id: str | None
    is_refused: bool = False
    code: int | None = None
    status: str | None = None


def read_source(body: bytes) -> Source | None:
    """Whom to answer; None when the envelope does not say it."""
    root = _root(body)
    distribution_id = _identifier(root.get("distributionID"))
    sender_id = _identifier(root.get("senderID"))
    if distribution_id is None or sender_id is None:
        return None
    return Source(distribution_id=distribution_id, sender_id=sender_id)


def answer_to(source: Source, verdict: Verdict, *, client_id: str, now: datetime) -> Answer:
    """The acknowledgement of a message taken (`RC-REF`, kind Ack), the error of one refused
    (`RS-ERROR`, kind Error).

    The same answer to the same message has the same identifier, however often it is sent. `now` is
    aware; the Hub's instants are whole seconds with an offset.
    """
    if isinstance(verdict, Taken):
        kind, what = "Ack", f"ack:{source.distribution_id}"
        content: dict[str, Any] = {"reference": {"distributionID": source.distribution_id}}
    else:
        kind, what = "Error", f"error:{verdict.code}:{source.distribution_id}"
        # No sourceMessage: it would send names round once more.
        content = {
            "error": {
                "errorCode": {"statusCode": verdict.code, "statusString": verdict.status},
                "errorCause": verdict.cause[:CAUSE_LENGTH_MAX],
                "referencedDistributionID": source.distribution_id,
            }
        }
    distribution_id = f"{client_id}_{uuid.uuid5(_OURS, f'{client_id}:{what}')}"
    envelope = _envelope(distribution_id, kind, content, source.sender_id, client_id, now)
    return Answer(distribution_id=distribution_id, body=msgspec.json.encode(envelope))


def _envelope(
    distribution_id: str,
    kind: str,
    content: dict[str, Any],
    to: str,
    client_id: str,
    now: datetime,
) -> dict[str, Any]:
    header = {
        "messageId": distribution_id,
        "sender": {"name": client_id, "URI": f"hubex:{client_id}"},
        "sentAt": _instant(now),
        "kind": kind,
        "status": "Actual",
        "recipient": [{"name": to, "URI": f"hubex:{to}"}],
    }
    return {
        "distributionID": distribution_id,
        "senderID": client_id,
        "dateTimeSent": _instant(now),
        "dateTimeExpires": _instant(now + TIME_TO_LIVE),
        "distributionStatus": "Actual",
        "distributionKind": kind,
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": to,
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": header | content}}}],
    }


def read_heard(body: bytes) -> Heard:
    """What an envelope of `.ack` (`RC-REF`) or `.info` (`RS-ERROR`) tells; never raises."""
    root = _root(body)
    message = _message(root)
    reference, error = _object(message, "reference"), _object(message, "error")
    code = _object(error, "errorCode")
    number, status = code.get("statusCode"), code.get("statusString")
    is_number = isinstance(number, int | float) and 0 <= number < 1_000_000  # noqa: PLR2004
    is_status = isinstance(status, str) and re.fullmatch(r"[A-Z][A-Z_]{0,63}", status)
    return Heard(
        distribution_id=_identifier(root.get("distributionID")),
        referenced_id=_identifier(
            reference.get("distributionID") or error.get("referencedDistributionID")
        ),
        is_refused=reference.get("refused") is True or reference.get("step") == "ERREUR",
        code=int(number) if is_number and number is not None else None,
        status=status if is_status else None,
    )


def _root(body: bytes) -> dict[str, Any]:
    """The envelope as an object; empty when it is none."""
    try:
        root = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return root if isinstance(root, dict) else {}


def _message(root: dict[str, Any]) -> dict[str, Any]:
    content = root.get("content")
    item = content[0] if isinstance(content, list) and content else {}
    embedded = _object(_object(item, "jsonContent"), "embeddedJsonContent")
    return _object(embedded, "message")


def _object(holder: Any, name: str) -> dict[str, Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _identifier(value: Any) -> str | None:
    """The value if it is an identifier, which no sentence and no address is."""
    is_one = isinstance(value, str) and re.fullmatch(r"[^\s@\x00-\x1f\x7f]{1,255}", value)
    return value if is_one else None


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
