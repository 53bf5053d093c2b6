"""Appointments whose attribution is doubtful or was decided, with what it rests on."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from contracts.departements import NATIONAL
from contracts.events.indicators import AttributionDecided
from services.indicators.domain.appointments import Doubt, State
from services.messaging.database import Connection

Row = dict[str, Any]

_CASE = """
    select appointment_id, outcome, booked_on, cpts_id, candidates, concerned, twin, reason,
           doubts, state, status, created_at, starts_at, category, finess,
           rpps as practitioner_rpps
    from attribution join appointment using (appointment_id)
"""
# The condition of the index of what is doubtful, or was decided.
_LISTED = "(doubts <> '[]' or state <> 'open')"


async def cases(
    connection: Connection,
    *,
    kind: Doubt | None,
    cpts_id: str | None,
    departement: str | None,
    state: State | None,
    after: str,
    limit: int,
) -> list[Row]:
    """The next cases, in order of their appointment's id; a filter that is None holds for all.

    The département is that of a CPTS concerned, `00` where no known CPTS is.
    """
    conditions = [_LISTED, "appointment_id > $1"]
    arguments: list[Any] = [after, limit]
    for value, condition in (
        (kind, "doubts ? ${}"),
        (cpts_id, "concerned ? ${}"),
        (state, "state = ${}"),
        (
            None if departement == NATIONAL else departement,
            "concerned ?| array(select cpts_id from cpts where departement = ${})",
        ),
    ):
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(len(arguments)))
    if departement == NATIONAL:
        conditions.append("not concerned ?| array(select cpts_id from cpts)")
    rows = await connection.fetch(
        f"{_CASE} where {' and '.join(conditions)} order by appointment_id limit $2", *arguments
    )
    return [_case(row) for row in rows]


async def case(connection: Connection, appointment_id: str) -> Row | None:
    """One appointment, doubtful or not; None when it is not known."""
    row = await connection.fetchrow(f"{_CASE} where appointment_id = $1", appointment_id)
    return None if row is None else _case(row)


def _case(row: Any) -> Row:
    lists = {name: msgspec.json.decode(row[name]) for name in ("candidates", "concerned", "doubts")}
    return dict(row) | lists


async def decisions(
    connection: Connection, subjects: Collection[str]
) -> dict[str, list[tuple[datetime, AttributionDecided]]]:
    """All that was decided, with its instant and in order, by appointment."""
    rows = await connection.fetch(
        """
        select occurred_at, event::text as event from history
        where subject = any ($1) order by subject, sequence
        """,
        list(subjects),
    )
    found: dict[str, list[tuple[datetime, AttributionDecided]]] = {}
    for row in rows:
        event = msgspec.json.decode(row["event"], type=AttributionDecided)
        found.setdefault(event.appointment_id, []).append((row["occurred_at"], event))
    return found
