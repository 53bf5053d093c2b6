"""The levels of figures that indicators says: all of them are kept, of each the last one stands."""

from collections.abc import Sequence
from datetime import date

from contracts.events.indicators import FigureLevelSet
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.levels import DIALOGUE, LevelSaid

PUT = """
    insert into figure_level (cpts_id, starts_on, indicator, level, revision, value, said_at,
                              decided_on, answer, reason, validated_revision, by_role, said_by,
                              ground, evidence_ids)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict do nothing
    returning not exists (
        select from figure_level as kept
        where (kept.cpts_id, kept.starts_on, kept.indicator, kept.level) = ($1, $2, $3, $4)
          and kept.revision > $5)
"""
SAID = """
    select indicator, level, value, said_at, revision, validated_revision, decided_on, answer,
           reason, by_role, said_by, ground, evidence_ids
    from figure_level where cpts_id = $1 and starts_on = $2 order by indicator, revision
"""
WORDS = """
    select event ->> 'indicator' as indicator, (event ->> 'validated_value')::bigint as value,
           recorded_at as said_at, event ->> 'caisse_stance' as answer,
           event ->> 'by_role' as by_role, event ->> 'said_by' as said_by
    from history
    where subject = $1 and type = 'payments.DialogueLineSet.v1'
    order by sequence
"""


async def put_levels(
    connection: Connection, heard: Sequence[Recorded[FigureLevelSet]]
) -> list[Recorded[FigureLevelSet]]:
    """Keeps what was said; answers what stands now and did not before."""
    return [one for one in heard if await connection.fetchval(PUT, *_row(one))]


def _row(one: Recorded[FigureLevelSet]) -> tuple[object, ...]:
    event = one.event
    return (
        event.cpts_id,
        event.contract_year_starts_on,
        event.indicator,
        event.level,
        event.revision,
        event.value,
        one.recorded_at,
        event.decided_on,
        event.answer,
        event.reason,
        event.validated_revision,
        event.by_role,
        event.said_by,
        event.ground,
        list(event.evidence_ids),
    )


async def levels_of(connection: Connection, cpts_id: str, starts_on: date) -> list[LevelSaid]:
    """The levels of a contract year's figures: of each the last that was said, by indicator, in the
    order in which they were.
    """
    said = await _said(connection, cpts_id, starts_on)
    last = {(one.indicator, one.level): one for one in said}
    return sorted(last.values(), key=lambda one: (one.indicator, one.revision))


async def remarks_of(
    connection: Connection, cpts_id: str, starts_on: date, subject: str
) -> list[LevelSaid]:
    """All that each side said of a contract year's lines, in indicators and in the dialogue of the
    account `subject`, in the order in which it was said.
    """
    words = [LevelSaid(level=DIALOGUE, **row) for row in await connection.fetch(WORDS, subject)]
    said = await _said(connection, cpts_id, starts_on)
    return sorted([*said, *words], key=lambda one: (one.said_at, one.indicator))


async def _said(connection: Connection, cpts_id: str, starts_on: date) -> list[LevelSaid]:
    return [LevelSaid(**row) for row in await connection.fetch(SAID, cpts_id, starts_on)]
