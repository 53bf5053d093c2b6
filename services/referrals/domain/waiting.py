"""What changes of territory make of the demands that wait for one."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from contracts.events.membership import TerritoryPlaceRecorded
from contracts.events.referrals import ReferralsEvent
from contracts.recorded import Recorded, record
from services.referrals.domain.referral import Referral, evolve, look_again
from services.referrals.domain.territory import Place, TerritoryEntry, holder_of, local_day

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


def place_of_referral(referral: Referral, place_key: str) -> Place:
    """Where a referral comes from."""
    city = place_key if place_key != referral.commune else None
    return Place(commune=referral.commune, city=city, part=referral.part)


def offer_waiting(
    changes: Sequence[tuple[Recorded[TerritoryPlaceRecorded], TerritoryEntry]],
    *,
    known: Iterable[TerritoryEntry],
    held: Iterable[tuple[str, Referral]],
    answer_within: timedelta,
) -> list[Recorded[ReferralsEvent]]:
    """The events of the held demands that each change, in turn, lets be offered.

    One change at a time, so that a batch gives what its messages one by one would. Everything is
    dated by the change (by the demand when that came later), never by when the message was read.
    `known` are the entries, `held` the demands with their place key, of all the changes' keys.
    """
    entries: dict[str, dict[EntryKey, TerritoryEntry]] = {}
    for entry in known:
        entries.setdefault(entry.place_key, {})[entry.cpts_id, entry.entry_id] = entry
    waiting: dict[str, list[Referral]] = {}
    for key, referral in held:
        waiting.setdefault(key, []).append(referral)
    announced: list[Recorded[ReferralsEvent]] = []
    for told, entry in changes:
        here = entries.setdefault(entry.place_key, {})
        before = here.get((entry.cpts_id, entry.entry_id))
        if before is not None and before.sequence >= entry.sequence:
            continue
        here[entry.cpts_id, entry.entry_id] = entry
        still = waiting.get(entry.place_key, [])
        for index, referral in enumerate(still):
            events = _reconsidered(referral, entry.place_key, here.values(), told, answer_within)
            announced += events
            for recorded in events:
                still[index] = evolve(still[index], recorded)
    return announced


def _reconsidered(
    referral: Referral,
    place_key: str,
    entries: Iterable[TerritoryEntry],
    told: Recorded[TerritoryPlaceRecorded],
    answer_within: timedelta,
) -> list[Recorded[ReferralsEvent]]:
    instant = max(told.recorded_at, referral.recorded_at)
    holder = holder_of(place_of_referral(referral, place_key), entries, local_day(instant))
    return record(
        look_again(referral, holder=holder, instant=instant, answer_within=answer_within),
        subject=referral.referral_id,
        after_sequence=referral.sequence,
        departement=referral.departement,
        occurred_at=instant,
        cause=told.as_cause(),
    )
