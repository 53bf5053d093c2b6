"""Agendas of professionals, one a place, and the slots that are open in them."""

from datetime import date, datetime, time

import msgspec


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What slots have in common.

    `capacity` is how many a slot takes, `overbooking` how many more it may. `slot_types`: `PUBLIC`,
    `PRO`, `SNP`, `CPTS` (TRE_R314), combined; `cpts_ids` are given with `CPTS` and only then.
    `consultations`: `AMB` (office), `HH` (home), `VR` (at a distance). `is_walk_in`: nobody books.
    """

    slot_types: tuple[str, ...]
    consultations: tuple[str, ...] = ("AMB",)
    cpts_ids: tuple[str, ...] = ()
    capacity: int = 1
    overbooking: int = 0
    is_walk_in: bool = False


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when."""

    starts_at: datetime
    ends_at: datetime


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of a weekday (1 is Monday) in the agenda's local time, cut into slots of `minutes`.

    They hold from a day to a day, both included.
    """

    weekday: int
    begins: time
    ends: time
    minutes: int
    offer: Offer
    from_on: date
    to_on: date | None = None


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """Days, both included, on which weekly hours do not hold."""

    from_on: date
    to_on: date


class AgendaRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.AgendaRecorded.v1"
):
    """The agenda of a professional (RPPS) at one place, kept by a CPTS, whole.

    `structure_number` is the place's national number with its prefix (`1` FINESS, `3` SIRET, `4`
    RPPS-rang), `specialties` are codes of TRE_R38. A closed agenda offers nothing.
    """

    agenda_id: str
    cpts_id: str
    practitioner_rpps: str
    structure_number: str | None = None
    specialties: tuple[str, ...] = ()
    is_closed: bool = False


class AgendaHoursSet(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.AgendaHoursSet.v1"
):
    """The recurring hours of an agenda, all of them, with the days on which it is closed.

    What they open is said by the events after it.
    """

    agenda_id: str
    hours: tuple[WeeklyHours, ...]
    closures: tuple[Closure, ...] = ()
    is_open_on_holidays: bool = False


class AgendaExtended(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.AgendaExtended.v1"
):
    """The recurring hours are opened until a day, included; what they open is said after it."""

    agenda_id: str
    until_on: date


class SlotsOpened(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.SlotsOpened.v1"
):
    """Slots are open, or open with another offer: an agenda has one slot at an instant.

    `origin`: `typed`, `hours`, `file`, `feed`.
    """

    agenda_id: str
    origin: str
    offer: Offer
    spans: tuple[Span, ...]


class SlotsClosed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway.SlotsClosed.v1"
):
    """The slots that begin at these instants are open no more; what was booked in them stands."""

    agenda_id: str
    starts_at: tuple[datetime, ...]
