"""What travels on the Hub Santé about appointments, and what in a message breaks those schemas.

The structs are the Hub's JSON schemas EDXL-DE (envelope only), RC-DE and RS-SAS-RDV, version
26.07.29, rule by rule: required and unknown fields, types, enumerations, patterns, formats. The
struct is the only statement of a rule; `faults` walks it to tell all that is wrong at once, which
decoding alone does not. Only `hub_reading` reads these structs: they hold names and e-mails.
"""

import enum
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field, inspect


class DistributionKind(enum.StrEnum):
    """What the sender does with the message, in envelope and header."""

    REPORT = "Report"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class HubStatus(enum.StrEnum):
    """Where the appointment stands."""

    PENDING = "pending"
    BOOKED = "booked"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"


class OrientationCategory(enum.StrEnum):
    """To whom the regulation sent the person."""

    CPTS = "CPTS"
    MSP = "MSP"
    CDS = "CDS"
    SOS = "SOS"
    PS = "PS"
    PDM = "PDM"


# What travels, field by field as in the schemas. `\Z` stands for the `$` of their patterns, which
# in Python would let a final newline through.

Personal = Annotated[str, Meta(extra={"holds": "identity"})]
EnvelopeInstant = Annotated[str, Meta(extra={"holds": "instant"})]
Instant = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[\-+][0-9]{2}:[0-9]{2}\Z",
        extra={"holds": "instant"},
    ),
]
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-5][0-9])",
    re.IGNORECASE,
)


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """To whom: the recipient and how its name is to be read."""

    explicit_address_scheme: str
    explicit_address_value: str


class Descriptor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Language and recipient."""

    explicit_address: Address
    language: str


class JsonContent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One content, opaque to the envelope."""

    embedded_json_content: dict[str, Any]


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One item of the distribution."""

    json_content: JsonContent


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """EDXL-DE, envelope only."""

    distribution_id: str = field(name="distributionID")
    sender_id: str = field(name="senderID")
    date_time_sent: EnvelopeInstant
    date_time_expires: EnvelopeInstant
    distribution_status: Literal["Actual", "Exercise"]
    distribution_kind: DistributionKind
    descriptor: Descriptor
    content: Annotated[list[Content], Meta(min_length=1)]


class Party(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sender or a recipient in RC-DE."""

    name: Personal  # of a system, but its form is free and the URI says the same
    uri: str = field(name="URI")


class Practitioner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Who gives the appointment."""

    rpps_id: Annotated[str, Meta(pattern=r"^81[0-9]{10}\Z")]
    last_name: Personal
    first_name: Personal
    speciality_code: str | UnsetType = UNSET
    speciality_url: str | UnsetType = UNSET
    profession_code: str | UnsetType = UNSET
    profession_url: str | UnsetType = UNSET


class Organization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where it is given."""

    organization_id: str
    name: Personal  # a practice often bears its doctor's name


class Regulator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Who booked it."""

    regulator_id: str | UnsetType = UNSET
    regulator_name: Personal
    regulator_firstname: Personal
    regulator_email: Personal


class Appointment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """RS-SAS-RDV."""

    appointment_id: str
    method: Literal[
        "CreateAppointment", "UpdateAppointment", "createAppointment", "updateAppointment"
    ]
    created: Instant
    start: Instant
    end: Instant | UnsetType = UNSET
    status: HubStatus
    orientation_category: OrientationCategory | UnsetType = UNSET
    practitioner: Practitioner | UnsetType = UNSET
    organization: Organization | UnsetType = UNSET
    regulator: Regulator


class Message(Struct, frozen=True, kw_only=True, rename="camel"):
    """RC-DE, the header, with the one content that is known here."""

    message_id: str
    sender: Party
    sent_at: Instant
    kind: DistributionKind
    status: Literal["Actual", "Exercise", "System"]
    recipient: Annotated[list[Party], Meta(min_length=1)]
    appointment: Appointment | UnsetType = UNSET


class Embedded(Struct, frozen=True, kw_only=True):
    """What the envelope carries."""

    message: Message


class Bare(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An appointment without header and envelope."""

    appointment: Appointment


ENVELOPE, EMBEDDED, BARE = inspect.multi_type_info((Envelope, Embedded, Bare))
ENVELOPE_NAMES = frozenset(item.encode_name for item in msgspec.structs.fields(Envelope))


def instant(text: str) -> datetime:
    """The instant of an RFC 3339 text, in UTC; ValueError if there is none that UTC can hold."""
    if not _RFC_3339.fullmatch(text):
        raise ValueError("not an RFC 3339 date-time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the calendar") from error


def faults(value: object, expected: inspect.Type, path: str) -> Iterator[str]:
    """What in `value` breaks the schema, in the Hub's words; paths and rules, never a value."""
    match expected, value:
        case inspect.StructType(), dict():
            yield from _object_faults(value, expected, path)
        case inspect.ListType(), list():
            if len(value) < (expected.min_length or 0):
                yield f"{path}: must have at least {expected.min_length} item"
            for index, entry in enumerate(value):
                yield from faults(entry, expected.item_type, f"{path}[{index}]")
        case inspect.DictType(), dict():
            pass
        case ((inspect.StructType() | inspect.DictType()), _):
            yield f"{path}: {json_type(value)} found, object expected"
        case inspect.ListType(), _:
            yield f"{path}: {json_type(value)} found, array expected"
        case _ if isinstance(value, str):
            yield from _text_faults(value, expected, path)
        case _:
            yield f"{path}: {json_type(value)} found, string expected"


def _object_faults(
    value: dict[str, object], expected: inspect.StructType, path: str
) -> Iterator[str]:
    known = {item.encode_name: item for item in expected.fields}
    for name, item in known.items():
        if name in value:
            yield from faults(value[name], item.type, f"{path}.{name}")
        elif item.required:
            yield f"{path}.{name}: is missing but it is required"
    if expected.forbid_unknown_fields:
        for name in value:
            if name not in known:
                yield (
                    f"{path}.{_shown(name)}: is not defined in the schema and the schema "
                    "does not allow additional properties"
                )


def _text_faults(value: str, expected: inspect.Type, path: str) -> Iterator[str]:
    match expected:
        case inspect.Metadata():
            yield from _text_faults(value, expected.type, path)
            if expected.extra == {"holds": "instant"} and not _is_instant(value):
                yield f"{path}: is not a valid RFC 3339 date-time"
        case inspect.EnumType():
            yield from _enumeration_faults(value, [str(one.value) for one in expected.cls], path)
        case inspect.LiteralType():
            yield from _enumeration_faults(value, [str(one) for one in expected.values], path)
        case inspect.StrType(pattern=str(pattern)) if not re.search(pattern, value):
            shown = pattern.replace(r"\Z", "$")
            yield f"{path}: does not match the regex pattern {shown}"


def _enumeration_faults(value: str, allowed: list[str], path: str) -> Iterator[str]:
    if value not in allowed:
        yield f"{path}: does not have a value in the enumeration [{', '.join(allowed)}]"


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


def _shown(name: str) -> str:
    """An unknown property's name when it looks like one; a sentence or an address is not shown."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,59}", name) else "(unprintable name)"


def json_type(value: object) -> str:
    """The type of a decoded value in JSON's words."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return "null" if value is None else names.get(type(value), "number")


def pruned(value: object, expected: inspect.Type) -> object:
    """`value` reduced to what the schema names, obeys it, and names nobody; UNSET for nothing."""
    match expected, value:
        case inspect.StructType(), dict():
            known = {item.encode_name: item.type for item in expected.fields}
            kept = {name: pruned(value[name], known[name]) for name in value if name in known}
            return {name: inner for name, inner in kept.items() if inner is not UNSET}
        case inspect.ListType(), list():
            entries = (pruned(entry, expected.item_type) for entry in value)
            return [entry for entry in entries if entry is not UNSET]
        case inspect.DictType(), dict():
            return pruned(value, EMBEDDED)
        case inspect.Metadata(extra={"holds": "identity"}), _:
            return UNSET
    is_kept = isinstance(value, str) and "@" not in value and not any(faults(value, expected, ""))
    return value if is_kept else UNSET
