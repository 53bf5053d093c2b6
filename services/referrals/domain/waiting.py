"""What territories, and what is told of its place, make of a demand that waits for a CPTS."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from contracts.communes import resolve
from contracts.events.membership import TerritoryPlaceRecorded
from contracts.events.referrals import DemandLocated, ReferralsEvent
from contracts.recorded import Cause, Recorded, record
from services.referrals.domain.referral import Events, Referral, Stage, evolve, look_again
from services.referrals.domain.refusal import Refusal
from services.referrals.domain.territory import (
    HeldReason,
    Place,
    TerritoryEntry,
    holder_of,
    is_part,
    local_day,
    next_look,
    place_of,
)

EntryKey = tuple[str, str]


def entry_of(told: Recorded[TerritoryPlaceRecorded], place_key: str) -> TerritoryEntry:
    """The territory entry that a membership event tells."""
    event = told.event
    return TerritoryEntry(
        cpts_id=event.cpts_id,
        entry_id=event.entry_id,
        place_key=place_key,
        commune=event.commune,
        part=event.part,
        from_on=event.from_on,
        to_on=event.to_on,
        is_withdrawn=event.is_withdrawn,
        sequence=told.sequence,
    )


def place_key_of(referral: Referral) -> str:
    """The key of a referral's place; more precisely told, it keeps its key."""
    commune = resolve(referral.commune)
    return place_of(commune).key if commune else referral.commune


def place_of_referral(referral: Referral) -> Place:
    """Where a referral comes from, as precisely as was told."""
    commune, part = referral.commune, referral.part
    if referral.located_commune is not None:
        commune, part = referral.located_commune, referral.located_part
    key = place_key_of(referral)
    return Place(commune=commune, city=key if key != commune else None, part=part)


def look(
    referral: Referral,
    entries: Iterable[TerritoryEntry],
    *,
    instant: datetime,
    answer_within: timedelta,
) -> Events:
    """What is made of a held demand, looked at again at `instant`; `entries` as for `holder_of`."""
    place, known = place_of_referral(referral), list(entries)
    return look_again(
        referral,
        holder=holder_of(place, known, local_day(instant)),
        look_again_at=next_look(place, known, after=instant, before=referral.see_by),
        instant=instant,
        answer_within=answer_within,
    )


def look_at_begun(
    referral: Referral,
    entries: Iterable[TerritoryEntry],
    *,
    until: datetime,
    cause: Cause,
    answer_within: timedelta,
) -> list[Recorded[ReferralsEvent]]:
    """What a held demand became, until then, at each midnight at which a known territory began.

    Dated by those midnights, however late they are looked at.
    """
    known = list(entries)
    announced: list[Recorded[ReferralsEvent]] = []
    while (at := referral.look_again_at) is not None and at <= until:
        events = look(referral, known, instant=at, answer_within=answer_within)
        for recorded in _recorded(referral, events, at, cause):
            announced.append(recorded)
            referral = evolve(referral, recorded)
    return announced


def offer_waiting(
    changes: Sequence[tuple[Recorded[TerritoryPlaceRecorded], TerritoryEntry]],
    *,
    known: Iterable[TerritoryEntry],
    held: Iterable[Referral],
    answer_within: timedelta,
) -> list[Recorded[ReferralsEvent]]:
    """The events of the held demands that each change, in turn, lets be offered.

    One change at a time, so that a batch gives what its messages one by one would. Everything is
    dated by the change (by the demand when that came later), never by when the message was read;
    territories that began before it are looked at first. `known` are the entries, `held` the
    demands, of all the changes' keys.
    """
    entries: dict[str, dict[EntryKey, TerritoryEntry]] = {}
    for entry in known:
        entries.setdefault(entry.place_key, {})[entry.cpts_id, entry.entry_id] = entry
    waiting: dict[str, list[Referral]] = {}
    for referral in held:
        waiting.setdefault(place_key_of(referral), []).append(referral)
    announced: list[Recorded[ReferralsEvent]] = []
    for told, entry in changes:
        here = entries.setdefault(entry.place_key, {})
        known_as = (entry.cpts_id, entry.entry_id)
        if known_as in here and here[known_as].sequence >= entry.sequence:
            continue
        before = list(here.values())
        here[known_as] = entry
        still = waiting.get(entry.place_key, [])
        for index, referral in enumerate(still):
            events, still[index] = _reconsidered(
                referral, before, here.values(), told, answer_within
            )
            announced += events
    return announced


def _reconsidered(
    referral: Referral,
    before: Iterable[TerritoryEntry],
    after: Iterable[TerritoryEntry],
    told: Recorded[TerritoryPlaceRecorded],
    answer_within: timedelta,
) -> tuple[list[Recorded[ReferralsEvent]], Referral]:
    instant = max(told.recorded_at, referral.recorded_at)
    announced = look_now(
        referral, before, after, now=instant, cause=told.as_cause(), answer_within=answer_within
    )
    for recorded in announced:
        referral = evolve(referral, recorded)
    return announced, referral


def look_now(
    referral: Referral,
    before: Iterable[TerritoryEntry],
    entries: Iterable[TerritoryEntry],
    *,
    now: datetime,
    cause: Cause,
    answer_within: timedelta,
) -> list[Recorded[ReferralsEvent]]:
    """What a held demand became at the midnights until now, with the entries known `before`, and
    what it becomes now, with `entries`.
    """
    announced = look_at_begun(referral, before, until=now, cause=cause, answer_within=answer_within)
    for recorded in announced:
        referral = evolve(referral, recorded)
    events = look(referral, entries, instant=now, answer_within=answer_within)
    return [*announced, *_recorded(referral, events, now, cause)]


def locate(
    referral: Referral,
    entries: Sequence[TerritoryEntry],
    *,
    commune: str | None,
    part: str | None,
    instant: datetime,
    answer_within: timedelta,
) -> Events | Refusal:
    """What a part, or an arrondissement as `commune`, makes of a demand held because it needs one.

    An arrondissement of the city is known by its code; a part only by a territory of that day.
    """
    place, day = place_of_referral(referral), local_day(instant)
    is_held = referral.state is Stage.HELD and instant < referral.see_by
    if not is_held or holder_of(place, entries, day) is not HeldReason.PART_NEEDED:
        return Refusal.NO_PART_NEEDED
    if commune is None:
        told = msgspec.structs.replace(place, part=part)
        is_known = is_part(told, entries, day)
    else:
        found = resolve(commune)
        told = place_of(found) if found else place
        is_known = told.city == place.commune
    if not is_known:
        return Refusal.UNKNOWN_PART
    located = DemandLocated(referral_id=referral.referral_id, commune=told.commune, part=told.part)
    now_known = msgspec.structs.replace(
        referral, located_commune=told.commune, located_part=told.part
    )
    return located, *look(now_known, entries, instant=instant, answer_within=answer_within)


def _recorded(
    referral: Referral, events: Events, at: datetime, cause: Cause
) -> list[Recorded[ReferralsEvent]]:
    return record(
        events,
        subject=referral.referral_id,
        after_sequence=referral.sequence,
        departement=referral.departement,
        occurred_at=at,
        cause=cause,
    )
