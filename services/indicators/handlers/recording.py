"""What follows from an order: entries are announced, and the figures of their CPTS recounted."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from contracts.events.indicators import IndicatorsEvent
from contracts.recorded import Cause, Recorded, record
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.counting import JOIN_CPTS_YEAR, Concerned, count_again
from services.indicators.handlers.origins import Origin, Origins
from services.indicators.store import entries, membership_facts
from services.messaging.unit import Unit


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An event to announce: the entry that it is of, and its key."""

    subject: str
    departement: str
    event: IndicatorsEvent


async def lock_cpts(unit: Unit, cpts_ids: Collection[str]) -> Mapping[str, str]:
    """Locks these CPTS, under which sequences are given; answers the keys of those known."""
    await unit.lock_joins(JOIN_CPTS_YEAR, cpts_ids)
    return await membership_facts.departements(unit.connection, list(cpts_ids))


async def announce(
    unit: Unit, said: Sequence[Said], cause: Cause
) -> list[Recorded[IndicatorsEvent]]:
    """Announces events, each after the last of its entry; whoever calls holds their lock."""
    after = await entries.last_sequences(unit.connection, {one.subject for one in said})
    events = [
        event
        for one in said
        for event in record(
            [one.event],
            subject=one.subject,
            after_sequence=after.get(one.subject, 0),
            departement=one.departement,
            occurred_at=cause.recorded_at,
            cause=cause,
        )
    ]
    await unit.announce(events)
    return events


async def declare(
    rule: CountingRule, unit: Unit, said: Sequence[Said], cpts_ids: Collection[str], cause: Cause
) -> None:
    """Announces what was declared and counts these CPTS again; their locks are held."""
    await announce(unit, said, cause)
    concerned = Concerned(
        demands={},
        doctors=set(),
        cpts_ids=set(cpts_ids),
        years=[],
        declaring=set(cpts_ids),
    )
    await count_again(rule, unit, concerned, Origins([Origin(cause.recorded_at, cause)]))
