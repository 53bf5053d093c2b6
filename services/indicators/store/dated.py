"""Figures and their levels as they were known at an instant, and as they were true on a day.

All of it is read from the history: an event was known from its `recorded_at` on.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from contracts.events.indicators import FigureLevelSet, ValueRecorded
from contracts.recorded import type_name
from services.indicators.store.entries import Known
from services.messaging.database import Connection


class LiveFigure(NamedTuple):
    """What a figure came to, and the revision that was known."""

    value: int
    revision: int


async def live_figures(
    connection: Connection, subjects: Sequence[str], *, known_at: datetime, true_on: date
) -> dict[str, LiveFigure]:
    """The figures of which anything was known: what was counted then, of facts up to a day."""
    rows = await connection.fetch(
        """
        with known as (
            select subject, sequence, event from history
            where subject = any ($1) and recorded_at <= $2
        ), fact as (
            select distinct on (subject, fact ->> 'fact_id') subject,
                   (fact ->> 'is_counted')::boolean as is_counted,
                   coalesce((fact ->> 'quantity')::bigint, 1) as quantity,
                   (fact ->> 'from_on')::date as from_on
            from known cross join jsonb_array_elements(event -> 'facts') as fact
            order by subject, fact ->> 'fact_id', sequence desc
        ), counted as (
            select subject, sum(quantity)::bigint as value from fact
            where is_counted and (from_on is null or from_on <= $3) group by subject
        )
        select known.subject, coalesce(max(value), 0) as value,
               max((event ->> 'revision')::bigint) as revision
        from known left join counted using (subject) group by known.subject
        """,
        list(subjects),
        known_at,
        true_on,
    )
    return {row["subject"]: LiveFigure(row["value"], row["revision"]) for row in rows}


async def values(
    connection: Connection, subjects: Sequence[str], *, known_at: datetime, true_on: date
) -> dict[str, Known]:
    """Of each value the one said last of those then known and true up to a day."""
    found = await _known(connection, ValueRecorded, subjects, known_at)
    return {
        subject: [one for one in said if one.event.true_on <= true_on][-1]
        for subject, said in found.items()
        if any(one.event.true_on <= true_on for one in said)
    }


async def levels(
    connection: Connection, subjects: Sequence[str], *, known_at: datetime, true_on: date
) -> dict[str, list[Known]]:
    """The levels of each figure then known and decided up to a day, in order."""
    found = await _known(connection, FigureLevelSet, subjects, known_at)
    return {
        subject: [one for one in said if one.event.decided_on <= true_on]
        for subject, said in found.items()
    }


async def _known(
    connection: Connection,
    event_class: type[msgspec.Struct],
    subjects: Sequence[str],
    known_at: datetime,
) -> dict[str, list[Known]]:
    rows = await connection.fetch(
        """
        select subject, recorded_at, event::text as event from history
        where subject = any ($1) and type = $2 and recorded_at <= $3
        order by subject, sequence
        """,
        list(subjects),
        type_name(event_class),
        known_at,
    )
    found: dict[str, list[Known]] = {}
    for row in rows:
        event = msgspec.json.decode(row["event"], type=event_class)
        found.setdefault(row["subject"], []).append(Known(row["recorded_at"], event))
    return found
