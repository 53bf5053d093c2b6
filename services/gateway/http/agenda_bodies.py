"""What may be in the body of an order on agendas and bookings.

Words of a code list are checked by the rules, which tell a reason; a malformed body is a 400. Names
and addresses are those of professionals at work; they are kept beside the log.
"""

from datetime import date, datetime, time
from typing import Annotated

import msgspec
from litestar.params import PathParameter

from contracts.events.gateway import Offer
from contracts.events.referrals import Urgency
from contracts.parts import PartName
from services.messaging.bodies import refuse_impossible_days

FhirId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,64}\Z")]
PathId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9.-]{1,64}$(?!\n)")]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,40}\Z")]
Rpps = Annotated[str, msgspec.Meta(pattern=r"^8[0-9]{11}\Z")]
StructureNumber = Annotated[
    str, msgspec.Meta(pattern=r"^(1[0-9]{2}[0-9]{7}|12[AB][0-9]{7}|[03][0-9]{14}|4[0-9]{14})\Z")
]
Words = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f<>@]{1,100}\Z")]
PostalCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{5}\Z")]
PhoneNumber = Annotated[str, msgspec.Meta(pattern=r"^\+(33|262|590|594|596)[0-9]{9}\Z")]
BookingUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[!-~]{1,280}\Z")]
FeedUrl = Annotated[str, msgspec.Meta(pattern=r"^(https?|webcal)://[!-~]{1,1000}\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class OfferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom slots are, where, how many they take; see the event `Offer`."""

    slot_types: tuple[Code, ...]
    consultations: tuple[Code, ...] = ("AMB",)
    cpts_ids: tuple[Identifier, ...] = ()
    capacity: Count = 1
    overbooking: Count = 0
    is_walk_in: bool = False

    def offer(self) -> Offer:
        """The offer as events carry it."""
        return Offer(**msgspec.structs.asdict(self))


class AgendaBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agenda of a professional at one place, whole."""

    cpts_id: Identifier
    practitioner_rpps: Rpps
    family_name: Words
    given_name: Words
    address_line: Words
    city: Words
    postal_code: PostalCode
    phone: PhoneNumber | None = None
    booking_url: BookingUrl | None = None
    structure_number: StructureNumber | None = None
    specialties: Annotated[tuple[Code, ...], msgspec.Meta(max_length=10)] = ()
    is_closed: bool = False


class HoursBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of a weekday, in the agenda's local time."""

    weekday: Annotated[int, msgspec.Meta(ge=1, le=7)]
    begins: time
    ends: time
    minutes: Annotated[int, msgspec.Meta(ge=5, le=480)]
    offer: OfferBody
    from_on: date
    to_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ClosureBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days, both included, on which the agenda is closed."""

    from_on: date
    to_on: date

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class AllHoursBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recurring hours of an agenda, all of them."""

    hours: Annotated[tuple[HoursBody, ...], msgspec.Meta(max_length=100)]
    closures: Annotated[tuple[ClosureBody, ...], msgspec.Meta(max_length=200)] = ()
    is_open_on_holidays: bool = False


class FeedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which address a calendar is read, and what its slots are where it does not say it."""

    url: FeedUrl
    offer: OfferBody
    minutes: Annotated[int, msgspec.Meta(ge=5, le=480)] | None = None


class SpanBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when."""

    starts_at: Instant
    ends_at: Instant

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class SlotsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Slots typed in, all of one offer."""

    offer: OfferBody
    slots: Annotated[tuple[SpanBody, ...], msgspec.Meta(min_length=1, max_length=5000)]


class ClosingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The slots to close, by when they begin."""

    starts_at: Annotated[tuple[Instant, ...], msgspec.Meta(min_length=1, max_length=5000)]

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class PhoneBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a CPTS is reached."""

    phone: PhoneNumber


class BookingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a regulator asks a slot for; nothing about the person."""

    regulator_id: FhirId
    commune: Code
    need: Code
    urgency: Urgency = "within_48h"
    part: PartName | None = None
    cpts_id: Identifier | None = None
    may_overbook: bool = False
