"""Which CPTS holds a place on a day, as far as membership has told.

A place is a commune, an arrondissement municipal, or a named part of either. The read model may for
a moment lag behind membership, so two entries can claim one place: the answer is then the same
whatever the order in which they came (the latest beginning, then the smallest id).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from contracts.communes import Commune
from contracts.departements import PARIS_TIME

_PARIS = ZoneInfo(PARIS_TIME)


class HeldReason(StrEnum):
    """Why a demand waits instead of being offered."""

    NO_CPTS_FOR_PLACE = "no_cpts_for_place"
    PART_NEEDED = "part_needed"
    SEE_BY_PASSED = "see_by_passed"

    @property
    def label(self) -> str:
        """The reason in French."""
        return _LABELS[self]


_LABELS = {
    HeldReason.NO_CPTS_FOR_PLACE: "Aucune CPTS connue pour ce lieu",
    HeldReason.PART_NEEDED: "Commune partagée : il faut préciser l'arrondissement ou le secteur",
    HeldReason.SEE_BY_PASSED: "Le délai de la demande était déjà écoulé à sa réception",
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a demand comes from; `city` is the city's code for an arrondissement."""

    commune: str
    city: str | None = None
    part: str | None = None

    @property
    def key(self) -> str:
        """What orders about this place and territories that may hold it both lock."""
        return self.city or self.commune


class TerritoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a CPTS's territory from a day to a day, both included.

    `sequence` is that of the membership event that told it: the highest is the present state.
    """

    cpts_id: str
    entry_id: str
    place_key: str
    commune: str
    part: str | None
    from_on: date
    to_on: date | None
    is_withdrawn: bool
    sequence: int

    def covers(self, day: date) -> bool:
        """Whether the entry holds on that day."""
        is_begun = self.from_on <= day
        return not self.is_withdrawn and is_begun and (self.to_on is None or day <= self.to_on)


def place_of(commune: Commune, part: str | None = None) -> Place:
    """The place in a present commune or arrondissement."""
    return Place(commune=commune.code, city=commune.city, part=part)


def local_day(instant: datetime) -> date:
    """The day in Europe/Paris, which territories and memberships follow."""
    return instant.astimezone(_PARIS).date()


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Europe/Paris."""
    return datetime.combine(day, time.min, tzinfo=_PARIS).astimezone(UTC)


def holder_of(place: Place, entries: Iterable[TerritoryEntry], day: date) -> str | HeldReason:
    """The id of the CPTS that holds the place that day, or why none can be named.

    The most precise entry wins: the part, then the whole commune, then the whole city. A divided
    commune or city without its part or arrondissement is `part_needed`; so is one with a part that
    no territory names, which is more likely misspelt than nobody's. `entries` must contain every
    entry of the place's key.
    """
    covering = [entry for entry in entries if entry.covers(day)]
    here = [entry for entry in covering if entry.commune == place.commune]
    around = [entry for entry in covering if entry.commune == place.city]
    choices = [
        [entry for entry in here if place.part is not None and entry.part == place.part],
        [entry for entry in here if entry.part is None],
        [entry for entry in around if entry.part is None],
    ]
    for found in choices:
        if found:
            return min(found, key=lambda one: (-one.from_on.toordinal(), one.cpts_id)).cpts_id
    is_city_divided = any(
        entry.place_key == place.commune and entry.commune != place.commune for entry in covering
    )
    is_divided = bool(here) or (place.part is None and bool(around))
    if is_city_divided or is_divided:
        return HeldReason.PART_NEEDED
    return HeldReason.NO_CPTS_FOR_PLACE


def next_look(
    place: Place, entries: Iterable[TerritoryEntry], *, after: datetime, before: datetime
) -> datetime | None:
    """The first local midnight between the two instants that changes who holds the place.

    Only days on which an entry begins are looked at: an end gives nobody a place. None if no such
    day is known. `entries` are those of `holder_of`.
    """
    known = list(entries)
    today, last_day = local_day(after), local_day(before)
    present = holder_of(place, known, today)
    days = {entry.from_on for entry in known if today < entry.from_on <= last_day}
    for day in sorted(days):
        if midnight(day) < before and holder_of(place, known, day) != present:
            return midnight(day)
    return None


def is_part(place: Place, entries: Iterable[TerritoryEntry], day: date) -> bool:
    """Whether a territory names the place's part that day."""
    return any(
        entry.covers(day) and (entry.commune, entry.part) == (place.commune, place.part)
        for entry in entries
    )
