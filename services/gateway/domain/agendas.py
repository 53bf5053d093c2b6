"""Agendas of professionals, one a place, and their slots: what may be offered, what changes.

An agenda has one slot at an instant: the slot's id follows from both, so that it is the same slot
that is opened, closed and opened again, and what was booked in it stands.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from contracts.events.gateway import AgendaHoursSet, Offer, SlotsClosed, SlotsOpened, Span
from services.gateway.domain.refusals import Refusal

SPANS_IN_AN_EVENT = 400
SLOTS_AT_ONCE_MAX = 5_000
CAPACITY_MAX = 100
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=8)


class SlotType(StrEnum):
    """For whom a slot is (TRE_R314)."""

    PUBLIC = "PUBLIC"
    PRO = "PRO"
    SNP = "SNP"
    CPTS = "CPTS"


class Consultation(StrEnum):
    """Where one is seen (v3-ActCode)."""

    AMB = "AMB"
    HH = "HH"
    VR = "VR"


class Origin(StrEnum):
    """Where a slot comes from: each replaces only its own."""

    TYPED = "typed"
    HOURS = "hours"
    FILE = "file"
    FEED = "feed"


class Agenda(msgspec.Struct, frozen=True, kw_only=True):
    """An agenda's present state; `hours` are opened until `until_on`, included."""

    agenda_id: str
    departement: str
    sequence: int
    cpts_id: str
    practitioner_rpps: str
    structure_number: str | None
    specialties: tuple[str, ...]
    is_closed: bool
    time_zone: str
    hours: AgendaHoursSet | None = None
    until_on: date | None = None


class KnownSlot(msgspec.Struct, frozen=True, kw_only=True):
    """An open slot, as far as opening others needs it."""

    span: Span
    origin: Origin
    offer: Offer


T = TypeVar("T")
Wanted = Sequence[tuple[Offer, Span]]
Changes = tuple[SlotsOpened | SlotsClosed, ...]


def local_day(instant: datetime, time_zone: str) -> date:
    """The day of an instant where an agenda is; `time_zone` is an IANA name."""
    return instant.astimezone(ZoneInfo(time_zone)).date()


def slot_id(agenda_id: str, starts_at: datetime) -> str:
    """The id of the agenda's slot at an instant."""
    at = starts_at.astimezone(UTC).isoformat(timespec="seconds")
    digest = hashlib.sha256(f"{agenda_id}\n{at}".encode()).hexdigest()
    return f"s-{digest[:32]}"


def refuse_offer(offer: Offer, memberships: Iterable[str]) -> Refusal | None:
    """Why slots cannot be offered so; `memberships` are the professional's CPTS."""
    types, consultations = set(offer.slot_types), set(offer.consultations)
    is_known = types <= set(SlotType) and consultations <= set(Consultation)
    is_once = len(types) == len(offer.slot_types) and len(consultations) == len(offer.consultations)
    if not (types and consultations and is_known and is_once):
        return Refusal.UNKNOWN_SLOT_TYPE
    if bool(offer.cpts_ids) != (SlotType.CPTS in types):
        return Refusal.CPTS_AND_TYPE_DIFFER
    if not set(offer.cpts_ids) <= set(memberships):
        return Refusal.PRACTITIONER_NOT_A_MEMBER
    is_within = 1 <= offer.capacity <= CAPACITY_MAX and 0 <= offer.overbooking <= CAPACITY_MAX
    return None if is_within else Refusal.CAPACITY_OUT_OF_BOUNDS


def refuse_spans(wanted: Wanted, instant: datetime) -> Refusal | None:
    """Why slots of these times cannot be opened now."""
    if len(wanted) > SLOTS_AT_ONCE_MAX:
        return Refusal.TOO_MANY_SLOTS
    for _, span in wanted:
        if span.starts_at < instant:
            return Refusal.SLOT_IN_THE_PAST
        if not SHORTEST <= span.ends_at - span.starts_at <= LONGEST:
            return Refusal.SLOT_LENGTH_OUT_OF_BOUNDS
    return None


def opened(agenda_id: str, origin: Origin, wanted: Wanted) -> Changes:
    """The events that open slots, those of one offer together."""
    by_offer: dict[Offer, dict[datetime, Span]] = {}
    for offer, span in wanted:
        by_offer.setdefault(offer, {})[span.starts_at] = span
    return tuple(
        SlotsOpened(agenda_id=agenda_id, origin=origin.value, offer=offer, spans=spans)
        for offer, found in by_offer.items()
        for spans in _batched(sorted(found.values(), key=lambda one: one.starts_at))
    )


def closed(agenda_id: str, starts: Iterable[datetime]) -> Changes:
    """The events that close the slots of these instants."""
    return tuple(
        SlotsClosed(agenda_id=agenda_id, starts_at=some) for some in _batched(sorted(starts))
    )


def replaced(
    agenda_id: str, origin: Origin, wanted: Wanted, known: Mapping[datetime, KnownSlot]
) -> Changes:
    """What makes the slots of one origin, among the open ones, those that are wanted.

    A slot of another origin at the same instant stays as it is: what somebody typed in wins.
    """
    by_start = {
        span.starts_at: (offer, span)
        for offer, span in wanted
        if span.starts_at not in known or known[span.starts_at].origin is origin
    }
    gone = [start for start, one in known.items() if one.origin is origin and start not in by_start]
    new = [
        (offer, span)
        for start, (offer, span) in by_start.items()
        if start not in known or (known[start].offer, known[start].span) != (offer, span)
    ]
    return (*closed(agenda_id, gone), *opened(agenda_id, origin, new))


def _batched(items: Sequence[T]) -> list[tuple[T, ...]]:
    size = SPANS_IN_AN_EVENT
    return [tuple(items[at : at + size]) for at in range(0, len(items), size)]
