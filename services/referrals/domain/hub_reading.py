r"""What a Hub Santé message says, or why it is refused.

The SAS (service d'accès aux soins) platform tells about appointments with `RS-SAS-RDV` contents, in
an `RC-DE` header, in an EDXL-DE envelope. This module reads all three as the Hub's JSON schemas
(version 26.07.29) define them, and keeps what counts: identifiers, instants, codes. Names and
e-mails stay inside the decoding. It is pure: the time of receipt is a parameter.

Order of the answers: all faults of one stage are told together, a later stage is not looked at.
It is the order of the Hub's own dispatcher: validate, then the sender, then the expiry.

| stage | fault                                                            | answer |
|-------|------------------------------------------------------------------|--------|
| 1     | larger than `MAX_BODY_BYTES`                                     | 300    |
| 2     | not JSON in UTF-8                                                | 102    |
| 3     | nested deeper than `MAX_DEPTH`; not an object; envelope invalid  | 300    |
| 4     | header or content invalid; other than one `content` item         | 300    |
| 5     | header valid, no `appointment` in the message                    | 301    |
| 6     | `distributionID` is not `<senderID>_<something>`                 | 200    |
| 7     | `dateTimeExpires` reached when the message was received          | 400    |
| 8     | what the schemas allow and we do not keep: see below             | 300    |

(701, a creation of what is known, needs the state and is decided elsewhere. So is a resend: a
`distributionID` that was answered gets its first answer again, unless 1 to 3 or 6 forbid it.)

Where sources differ:

- **Sender.** 200 is only for the envelope, the sole part that the Hub checks. The header is written
  by software whose naming is free (`<editor>:<name>` in RC-DE, `hubex:` or `Hubex:` elsewhere), and
  refusing on it would lose true appointments: its differences are `notes` of a message taken.
- **Method.** Schema: `CreateAppointment`; implementation guide: `createAppointment`. Both are read.
- **Regulator.** The guide's complete example lacks it; table and schema require it. It is required.
- **Several `content` items.** The envelope allows them, but one distribution gets one answer: it is
  taken whole or not at all, so more than one item is invalid here.
- **Other properties** of the message, which RC-DE allows beside the appointment, are ignored.
- **Identifiers** of distribution and appointment are more strictly read than in the schemas, after
  all of the Hub's own rules: 1 to 255 characters, no white space, no `@`, none of control. They are
  kept for ever and no sentence or address may be; an empty one would merge appointments. A
  profession that is no code reads as absent.
- **Instants** are of the years in which the SAS has appointments (`YEARS`); the schemas take any.
- **Clocks** differ: an instant of the past (sent, created) may be ahead of the receipt, by the
  tolerance. The message counts as sent at its receipt then, with a note.
- **Exercise.** A valid message may be one (`Exercise`, `System`): `is_exercise` says that it must
  change no figure.

A bare `{"appointment": …}` is read as if `fr.health.ptfsas` had sent it, with the SHA-256 of the
file in `distributionID`: the same file again is a resend. `sent_at` is then the time of receipt,
for `created` is the same in a creation and in its update and could not order them.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.rpps import has_right_check_digit
from services.referrals.domain import hub_schema
from services.referrals.domain.hub_message import (
    DistributionKind,
    HubAppointment,
    HubCode,
    HubMessage,
    HubMethod,
    HubNote,
    HubRefusal,
)

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 64
YEARS = range(2015, 2100)
MAX_REASONS = 20
BARE_SENDER_ID = "fr.health.ptfsas"
BARE_TIME_TO_LIVE = timedelta(hours=24)  # the Hub's general one

_EMBEDDED_PATH = "$.content[0].jsonContent.embeddedJsonContent"
_NO_SCHEMA = "Could not detect any schemas in the message, at least one is required"


def read_message(
    body: bytes, *, received_at: datetime, tolerance: timedelta
) -> HubMessage | HubRefusal:
    """The message in `body`, or why it is refused, by the stages of the module's table.

    `received_at` decides the expiry, dates a bare appointment, and must be aware (ValueError).
    `tolerance` is by how much the sender's clock may be ahead of it.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at must be aware")
    received_at = received_at.astimezone(UTC)
    root = _parsed(body)
    if isinstance(root, HubRefusal):
        return root
    if _is_bare(root):
        message, sent_at = _read_bare(root, fingerprint(body), received_at), received_at
    else:
        message = _read_envelope(root, received_at)
        sent_at = received_at
        if isinstance(message, HubMessage):
            sent_at = hub_schema.instant(root["dateTimeSent"])
    if isinstance(message, HubRefusal):
        return message
    return _kept(message, sent_at, received_at + tolerance)


def without_identities(body: bytes) -> bytes:
    """The same message without names and e-mails, for an original kept beyond its stated time.

    What the schemas do not name, or what does not obey them, goes too, since nothing says that it
    names nobody; so does a text with an `@`. What is no JSON object becomes `{}`. Done twice, it
    gives the same. The fingerprint of the original is not that of the result.
    """
    root = _parsed(body)
    if isinstance(root, HubRefusal):
        return b"{}"
    shape = hub_schema.BARE if _is_bare(root) else hub_schema.ENVELOPE
    return msgspec.json.encode(hub_schema.pruned(root, shape))


def fingerprint(body: bytes) -> str:
    """The SHA-256 of a message as received, in hexadecimal: equal means the same bytes."""
    return hashlib.sha256(body).hexdigest()


def finess_of(organisation_id: str) -> str | None:
    """The FINESS in a structure's identifier as `1` and nine characters; None for any other kind.

    National identifiers bear a prefix (1 FINESS, 3 SIRET, 4 RPPS-rang), which the Hub's own sample
    omits: nine characters are a FINESS without it. Those of Corsica begin with 2A or 2B.
    """
    found = re.fullmatch(r"1?((?:[0-9]{2}|2[AB])[0-9]{7})", organisation_id.strip().upper())
    return f"1{found[1]}" if found else None


def _refused(code: HubCode, faults: list[str], distribution_id: str | None = None) -> HubRefusal:
    reasons = faults[:MAX_REASONS]
    if len(faults) > MAX_REASONS:
        reasons.append(f"and {len(faults) - MAX_REASONS} more")
    known_as = distribution_id if distribution_id and _is_identifier(distribution_id) else None
    return HubRefusal(code=code, reasons=tuple(reasons), distribution_id=known_as)


def _parsed(body: bytes) -> dict[str, Any] | HubRefusal:
    if len(body) > MAX_BODY_BYTES:
        return _refused(HubCode.INVALID_MESSAGE, [f"$: is larger than {MAX_BODY_BYTES} bytes"])
    try:
        root = msgspec.json.decode(body)
        is_too_deep = _is_deeper_than(root, MAX_DEPTH)
    except RecursionError:
        root, is_too_deep = None, True
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _refused(HubCode.UNRECOGNIZED_MESSAGE_FORMAT, ["$: is not JSON in UTF-8"])
    if is_too_deep:
        return _refused(HubCode.INVALID_MESSAGE, [f"$: is nested deeper than {MAX_DEPTH} levels"])
    if not isinstance(root, dict):
        fault = f"$: {hub_schema.json_type(root)} found, object expected"
        return _refused(HubCode.INVALID_MESSAGE, [fault])
    return root


def _is_deeper_than(root: object, limit: int) -> bool:
    """Counted level by level: the interpreter's own limit depends on who calls."""
    level = [root]
    for _ in range(limit):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, (dict, list)) for value in level)


def _is_bare(root: dict[str, Any]) -> bool:
    return "appointment" in root and hub_schema.ENVELOPE_NAMES.isdisjoint(root)


def _read_bare(root: dict[str, Any], digest: str, received_at: datetime) -> HubMessage | HubRefusal:
    distribution_id = f"{BARE_SENDER_ID}_{digest}"
    if faults := list(hub_schema.faults(root, hub_schema.BARE, "$")):
        return _refused(HubCode.INVALID_MESSAGE, faults, distribution_id)
    appointment = _appointment(msgspec.convert(root, hub_schema.Bare).appointment)
    is_creation = appointment.method is HubMethod.CREATE
    return HubMessage(
        distribution_id=distribution_id,
        sender_id=BARE_SENDER_ID,
        sent_at=received_at,
        expires_at=received_at + BARE_TIME_TO_LIVE,
        kind=DistributionKind.REPORT if is_creation else DistributionKind.UPDATE,
        is_exercise=False,
        is_bare=True,
        notes=_notes({}, appointment),
        appointment=appointment,
    )


def _read_envelope(root: dict[str, Any], received_at: datetime) -> HubMessage | HubRefusal:
    if faults := list(hub_schema.faults(root, hub_schema.ENVELOPE, "$")):
        return _refused(HubCode.INVALID_MESSAGE, faults)
    envelope = msgspec.convert(root, hub_schema.Envelope)
    is_from_sender = _is_from_sender(envelope)
    refusal = _content_refusal(envelope) or _delivery_refusal(envelope, received_at)
    if refusal is not None:
        return msgspec.structs.replace(refusal, is_from_sender=is_from_sender)
    return _taken(envelope, received_at)


def _is_from_sender(envelope: hub_schema.Envelope) -> bool:
    before, _, internal_id = envelope.distribution_id.partition(f"{envelope.sender_id}_")
    return not before and bool(internal_id)


def _content_refusal(envelope: hub_schema.Envelope) -> HubRefusal | None:
    """Stages 4 and 5: header and content, whose faults are told together."""
    embedded = envelope.content[0].json_content.embedded_json_content
    message = embedded.get("message")
    is_known = isinstance(message, dict) and "appointment" in message
    faults = [] if is_known else [_NO_SCHEMA]
    if len(envelope.content) > 1:
        faults.append(f"$.content: {len(envelope.content)} items found, exactly one is taken")
    faults += hub_schema.faults(embedded, hub_schema.EMBEDDED, _EMBEDDED_PATH)
    if not faults:
        return None
    code = HubCode.SCHEMA_NOT_FOUND if faults == [_NO_SCHEMA] else HubCode.INVALID_MESSAGE
    return _refused(code, faults, envelope.distribution_id)


def _delivery_refusal(envelope: hub_schema.Envelope, received_at: datetime) -> HubRefusal | None:
    """Stages 6 and 7: who sent it, and until when it was good."""
    if not _is_from_sender(envelope):
        fault = "$.distributionID: is not the senderID, an underscore and an internal identifier"
        return _refused(HubCode.SENDER_INCONSISTENCY, [fault], envelope.distribution_id)
    if hub_schema.instant(envelope.date_time_expires) <= received_at:
        code = HubCode.EXPIRED_MESSAGE_BEFORE_ROUTING
        return _refused(code, ["$.dateTimeExpires: is past"], envelope.distribution_id)
    return None


def _kept(message: HubMessage, sent_at: datetime, latest: datetime) -> HubMessage | HubRefusal:
    """The message, or 300 when it holds what the schemas allow and we do not keep (stage 8).

    `latest` is the last instant at which it may say that it was sent, or the appointment made.

    An instant that no calendar can shift to local time would fail later on.
    """
    told = message.appointment
    identifiers = {
        "$.distributionID": message.distribution_id,
        "appointment.appointmentId": told.appointment_id,
    }
    faults = [
        f"{name}: is no identifier: 1 to 255 characters without white space or @"
        for name, text in identifiers.items()
        if not _is_identifier(text)
    ]
    instants = {
        "$.dateTimeSent": sent_at,
        "appointment.created": told.created_at,
        "appointment.start": told.starts_at,
        "appointment.end": told.ends_at,
    }
    faults += [
        f"{name}: is out of the years {YEARS.start} to {YEARS.stop - 1}"
        for name, instant in instants.items()
        if instant is not None and instant.year not in YEARS
    ]
    past = {"$.dateTimeSent": sent_at, "appointment.created": told.created_at}
    faults += [
        f"{name}: is later than the receipt of the message"
        for name, instant in past.items()
        if instant > latest
    ]
    if faults:
        refusal = _refused(HubCode.INVALID_MESSAGE, faults, message.distribution_id)
        return msgspec.structs.replace(refusal, is_from_sender=True)
    return message


def _taken(envelope: hub_schema.Envelope, received_at: datetime) -> HubMessage:
    embedded = envelope.content[0].json_content.embedded_json_content
    message = msgspec.convert(embedded, hub_schema.Embedded).message
    assert isinstance(message.appointment, hub_schema.Appointment), "301 was answered without one"
    sent_at = hub_schema.instant(envelope.date_time_sent)
    header_sent_at = hub_schema.instant(message.sent_at)
    oddities = {
        HubNote.HEADER_SENDER_DIFFERS: message.sender.uri.partition(":")[2] != envelope.sender_id,
        HubNote.HEADER_ID_DIFFERS: message.message_id != envelope.distribution_id,
        HubNote.HEADER_KIND_DIFFERS: message.kind is not envelope.distribution_kind,
        HubNote.HEADER_SENT_AT_DIFFERS: header_sent_at != sent_at.replace(microsecond=0),
        HubNote.SENT_AFTER_RECEIPT: sent_at > received_at,
    }
    appointment = _appointment(message.appointment)
    return HubMessage(
        distribution_id=envelope.distribution_id,
        sender_id=envelope.sender_id,
        sent_at=min(sent_at, received_at),
        expires_at=hub_schema.instant(envelope.date_time_expires),
        kind=envelope.distribution_kind,
        is_exercise={envelope.distribution_status, message.status} != {"Actual"},
        is_bare=False,
        notes=_notes(oddities, appointment),
        appointment=appointment,
    )


def _notes(oddities: dict[HubNote, bool], told: HubAppointment) -> tuple[HubNote, ...]:
    """What is odd in the message, its practitioner's number included."""
    is_wrong = told.rpps is not None and not has_right_check_digit(told.rpps)
    found = oddities | {HubNote.WRONG_CHECK_DIGIT: is_wrong}
    return tuple(note for note, is_odd in found.items() if is_odd)


def _appointment(told: hub_schema.Appointment) -> HubAppointment:
    who, where = told.practitioner or None, told.organization or None
    return HubAppointment(
        appointment_id=told.appointment_id,
        method=HubMethod(told.method[0].upper() + told.method[1:]),
        created_at=hub_schema.instant(told.created),
        starts_at=hub_schema.instant(told.start),
        ends_at=hub_schema.instant(told.end) if told.end else None,
        status=told.status,
        category=told.orientation_category or None,
        rpps=who.rpps_id if who else None,
        profession=_code(who.profession_code) if who and who.profession_code else None,
        finess=finess_of(where.organization_id) if where else None,
    )


def _is_identifier(text: str) -> bool:
    return re.fullmatch(r"[^\s@\x00-\x1f\x7f]{1,255}", text) is not None


def _code(text: str) -> str | None:
    """The text if it can be a code: the schemas let anything through here."""
    return text if re.fullmatch(r"[0-9A-Z]{1,10}", text) else None
