"""Which CPTS holds a place on a day, as far as membership has told.

A place is a commune, an arrondissement municipal, or a named part of either. The read model may for
a moment lag behind membership, so two entries can claim one place: the answer is then the same
whatever the order in which they came (the latest beginning, then the smallest id).
"""

from collections.abc import Iterable
from datetime import date, datetime
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


def holder_of(place: Place, entries: Iterable[TerritoryEntry], day: date) -> str | HeldReason:
    """The id of the CPTS that holds the place that day, or why none can be named.

    The most precise entry wins: the part, then the whole commune, then the whole city. A divided
    commune or city without its part or arrondissement is `part_needed`. `entries` must contain
    every entry of the place's key.
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
    is_divided = place.part is None and bool(here or around)
    if is_city_divided or is_divided:
        return HeldReason.PART_NEEDED
    return HeldReason.NO_CPTS_FOR_PLACE
