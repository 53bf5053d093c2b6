"""Which place belongs to which CPTS on which day.

A place is a commune, an arrondissement municipal, or a named part of either. On a given day it
belongs to one CPTS. A territory takes a city or its arrondissements, never both; a part carries its
declared population, and the parts of a commune add up to at most the commune's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import msgspec

from contracts.communes import Commune
from contracts.events.membership import TerritoryPlaceRecorded
from services.membership.domain import Correction, Cpts, have_common_day
from services.membership.domain.refusals import (
    Reason,
    Refusal,
    already_exists,
    earliest_again,
    period_refusal,
    runs_on_refusal,
)


class PlaceAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A place that a CPTS asks for; `place` is what its code resolves to, None when unknown."""

    entry_id: str
    code: str
    place: Commune | None
    part: str | None
    population: int | None
    from_on: date
    to_on: date | None


class HeldPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of an entry of any CPTS, that CPTS's name, and the entry's place key."""

    place: str
    cpts_name: str
    entry: TerritoryPlaceRecorded


def place_key(place: Commune) -> str:
    """The code under which all that can clash with a place is found: its city's, else its own."""
    return place.city or place.code


def record_places(
    cpts: Cpts,
    asked: Iterable[PlaceAsked],
    *,
    known: Mapping[str, TerritoryPlaceRecorded],
    held: Iterable[HeldPlace],
    earliest: date | None = None,
) -> list[TerritoryPlaceRecorded] | Refusal:
    """The events of new entries of one CPTS, all or none; the first refusal names its `entry_id`.

    `known` holds the first event of those entries that exist: the same content again changes
    nothing. `held` holds the present entries of every CPTS at the places asked for. `earliest` is
    the first day that who orders it may say, None for any.
    """
    entries_at: defaultdict[str, list[HeldPlace]] = defaultdict(list)
    for held_place in held:
        entries_at[held_place.place].append(held_place)
    first_events = dict(known)
    recorded: list[TerritoryPlaceRecorded] = []
    for one in asked:
        result = _record_place(cpts, one, first_events.get(one.entry_id), entries_at, earliest)
        if isinstance(result, Refusal):
            return result.about(entry_id=one.entry_id)
        if result is not None and one.place is not None:
            first_events[one.entry_id] = result
            key = place_key(one.place)
            entries_at[key].append(HeldPlace(place=key, cpts_name=cpts.cpts_name, entry=result))
            recorded.append(result)
    return recorded


def correct_place(
    cpts: Cpts,
    present: TerritoryPlaceRecorded,
    correction: Correction,
    *,
    place: Commune | None,
    held: Sequence[HeldPlace],
    earliest: date | None = None,
) -> TerritoryPlaceRecorded | Refusal | None:
    """The event of an entry's new dates, under the rules of a new one; None if nothing changes.

    `earliest` is as in `record_places`.
    """
    corrected = msgspec.structs.replace(
        present,
        from_on=correction.from_on,
        to_on=correction.to_on,
        is_withdrawn=correction.is_withdrawn,
    )
    if corrected == present:
        return None
    refusal = None if corrected.is_withdrawn else runs_on_refusal(cpts, corrected.to_on)
    if refusal is not None:
        return refusal.about(entry_id=present.entry_id)
    if place is None:
        return _unknown_commune(present.commune)
    refusal = period_refusal(
        corrected.from_on,
        corrected.to_on,
        earliest=earliest_again(earliest, present.from_on),
    )
    if refusal is None and not corrected.is_withdrawn:
        refusal = _clash(cpts, corrected, place, held)
    return corrected if refusal is None else refusal.about(entry_id=present.entry_id)


def _record_place(
    cpts: Cpts,
    asked: PlaceAsked,
    first_event: TerritoryPlaceRecorded | None,
    entries_at: Mapping[str, Sequence[HeldPlace]],
    earliest: date | None,
) -> TerritoryPlaceRecorded | Refusal | None:
    if first_event is not None and _is_same_content(asked, first_event):
        return None
    refusal = runs_on_refusal(cpts, asked.to_on)
    if refusal is not None:
        return refusal
    if first_event is not None:
        return already_exists("L'entrée de territoire", asked.entry_id)
    if asked.place is None:
        return _unknown_commune(asked.code)
    refusal = period_refusal(asked.from_on, asked.to_on, earliest=earliest) or _population_refusal(
        asked
    )
    if refusal is not None:
        return refusal
    entry = TerritoryPlaceRecorded(
        cpts_id=cpts.cpts_id,
        entry_id=asked.entry_id,
        commune=asked.place.code,
        part=asked.part,
        population=asked.place.population if asked.part is None else asked.population,
        from_on=asked.from_on,
        to_on=asked.to_on,
    )
    return _clash(cpts, entry, asked.place, entries_at.get(place_key(asked.place), ())) or entry


def _is_same_content(asked: PlaceAsked, first_event: TerritoryPlaceRecorded) -> bool:
    # INSEE's figure is not the client's: a new vintage must not make a resend another content.
    declared = None if first_event.part is None else first_event.population
    return asked.place is not None and (
        asked.place.code,
        asked.part,
        asked.population,
        asked.from_on,
        asked.to_on,
    ) == (first_event.commune, first_event.part, declared, first_event.from_on, first_event.to_on)


def _unknown_commune(code: str) -> Refusal:
    return Refusal(
        reason=Reason.UNKNOWN_COMMUNE, detail=f"Aucune commune n'a ni n'a eu le code {code}."
    )


def _population_refusal(asked: PlaceAsked) -> Refusal | None:
    if asked.part is not None and asked.population is None:
        return Refusal(
            reason=Reason.POPULATION_NEEDED,
            detail="Une partie de commune se déclare avec sa population.",
        )
    if asked.part is None and asked.population is not None:
        return Refusal(
            reason=Reason.POPULATION_NOT_ALLOWED,
            detail="La population d'une commune entière est celle de l'INSEE : "
            "elle ne se déclare pas.",
        )
    return None


def _clash(
    cpts: Cpts, entry: TerritoryPlaceRecorded, place: Commune, held: Sequence[HeldPlace]
) -> Refusal | None:
    """What forbids an entry, given the present entries at its place."""
    others = [
        one
        for one in held
        if not one.entry.is_withdrawn
        and (one.entry.cpts_id, one.entry.entry_id) != (entry.cpts_id, entry.entry_id)
        and have_common_day(entry.from_on, entry.to_on, one.entry.from_on, one.entry.to_on)
    ]
    own_mix = any(
        one.entry.cpts_id == cpts.cpts_id and _are_city_and_arrondissement(entry, one.entry, place)
        for one in others
    )
    if own_mix:
        return Refusal(
            reason=Reason.CITY_AND_ARRONDISSEMENT,
            detail=f"Le territoire de {cpts.cpts_name} prend la ville ou ses arrondissements, "
            "jamais les deux le même jour.",
        )
    holders = [one for one in others if _are_same_place(entry, one.entry, place)]
    if holders:
        return _place_taken(cpts, entry, place, holders)
    return _parts_refusal(entry, place, others)


def _are_city_and_arrondissement(
    entry: TerritoryPlaceRecorded, other: TerritoryPlaceRecorded, place: Commune
) -> bool:
    """Of two entries of one place key: two codes, one of which is the city's."""
    return entry.commune != other.commune and place_key(place) in (entry.commune, other.commune)


def _are_same_place(
    entry: TerritoryPlaceRecorded, other: TerritoryPlaceRecorded, place: Commune
) -> bool:
    if entry.commune != other.commune:
        return _are_city_and_arrondissement(entry, other, place)
    return entry.part is None or other.part is None or entry.part == other.part


def _place_taken(
    cpts: Cpts, entry: TerritoryPlaceRecorded, place: Commune, holders: Sequence[HeldPlace]
) -> Refusal:
    names = {one.entry.cpts_id: one.cpts_name for one in holders}
    where = place.name if entry.part is None else f"{place.name} ({entry.part})"
    held_by: list[dict[str, Any]] = [
        {"cpts_id": cpts_id, "cpts_name": name} for cpts_id, name in sorted(names.items())
    ]
    return Refusal(
        reason=Reason.PLACE_TAKEN,
        detail=f"{where}, demandé par {cpts.cpts_name}, est déjà tenu à cette période par "
        f"{', '.join(one['cpts_name'] for one in held_by)}.",
        extension={
            "held_by": held_by,
            "asked_by": {"cpts_id": cpts.cpts_id, "cpts_name": cpts.cpts_name},
        },
    )


def _parts_refusal(
    entry: TerritoryPlaceRecorded, place: Commune, others: Sequence[HeldPlace]
) -> Refusal | None:
    """The first day of the entry on which the declared populations exceed the commune's, if any."""
    if entry.part is None or place.population is None:
        return None
    parts = [one.entry for one in others if one.entry.commune == entry.commune]
    for day, declared in _declared_from(entry, parts):
        if declared > place.population:
            return Refusal(
                reason=Reason.PARTS_EXCEED_COMMUNE,
                detail=f"Le {day}, les parties de {place.name} déclareraient {declared} habitants ;"
                f" la commune en compte {place.population}.",
                extension={"declared": declared, "population": place.population},
            )
    return None


def _declared_from(
    entry: TerritoryPlaceRecorded, parts: Sequence[TerritoryPlaceRecorded]
) -> list[tuple[date, int]]:
    """What is declared for a commune with this entry, from each day of it on which that changes."""
    last = entry.to_on or date.max
    changes: dict[date, int] = {entry.from_on: entry.population or 0}
    for part in parts:
        first, end = max(part.from_on, entry.from_on), min(part.to_on or date.max, last)
        if first <= end:
            changes[first] = changes.get(first, 0) + (part.population or 0)
            if end < last:
                after = end + timedelta(days=1)
                changes[after] = changes.get(after, 0) - (part.population or 0)
    days = sorted(changes)
    return list(zip(days, accumulate(changes[day] for day in days), strict=True))
