"""The levels of figures that indicators says: the last of each is kept."""

from collections.abc import Sequence
from datetime import date

from contracts.events.indicators import FigureLevelSet
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.levels import LevelSaid

PUT = """
    insert into figure_level as kept (cpts_id, starts_on, indicator, level, revision, value,
                                      said_at, decided_on, answer, reason, validated_revision)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (cpts_id, starts_on, indicator, level) do update
    set revision = excluded.revision, value = excluded.value, said_at = excluded.said_at,
        decided_on = excluded.decided_on, answer = excluded.answer, reason = excluded.reason,
        validated_revision = excluded.validated_revision
    where kept.revision < excluded.revision
    returning true
"""
OF_YEAR = """
    select indicator, level, value, said_at, revision, validated_revision, decided_on, answer,
           reason
    from figure_level where cpts_id = $1 and starts_on = $2 order by indicator, revision
"""


async def put_levels(
    connection: Connection, heard: Sequence[Recorded[FigureLevelSet]]
) -> list[Recorded[FigureLevelSet]]:
    """Keeps the highest revision of each level; answers those that were news."""
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
    )


async def levels_of(connection: Connection, cpts_id: str, starts_on: date) -> list[LevelSaid]:
    """The levels of a contract year's figures, by indicator, in the order in which they came."""
    return [LevelSaid(**row) for row in await connection.fetch(OF_YEAR, cpts_id, starts_on)]
