"""Entries of the kinds that need no column of their own: their content is their last event.

Lettres d'intention, associations, missions, structures, those who work in them, and tools.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import asyncpg
import msgspec

from contracts.events.membership import (
    AssociationRecorded,
    LettreIntentionRecorded,
    MissionRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    ToolRecorded,
)
from contracts.recorded import Recorded
from services.membership.domain.structures import member_id_of
from services.messaging.database import Connection

E = TypeVar("E", bound=msgspec.Struct)

IDS: dict[type[msgspec.Struct], str] = {
    LettreIntentionRecorded: "lettre_id",
    AssociationRecorded: "association_id",
    MissionRecorded: "mission_id",
    StructureRecorded: "structure_id",
    StructureProfessionalRecorded: "professional_id",
    ToolRecorded: "tool_id",
}
KEEP = """
    insert into entry (cpts_id, kind, entry_id, sequence)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    on conflict (cpts_id, kind, entry_id) do update set sequence = excluded.sequence
    where entry.sequence < excluded.sequence
"""
PRESENT = """
    select event::text as event from entry
    join history on subject = cpts_id and history.sequence = entry.sequence
    where cpts_id = $1 and kind = $2 and ($3::text is null or entry_id = $3)
    order by entry_id
"""
KNOWN_IDS = """
    select entry_id from entry where cpts_id = $1 and kind = $2 and entry_id = any ($3)
"""


async def keep(connection: Connection, events: Sequence[Recorded[Any]]) -> None:
    """Keep where the last event of each entry is found; events of other kinds are passed over."""
    found: dict[tuple[str, str, str], int] = {}
    for one in events:
        if type(one.event) in IDS:
            key = (one.subject, type(one.event).__name__, _id_of(one.event))
            found[key] = max(one.sequence, found.get(key, 0))
    if found:
        await connection.execute(
            KEEP,
            [cpts_id for cpts_id, _, _ in found],
            [kind for _, kind, _ in found],
            [entry_id for _, _, entry_id in found],
            list(found.values()),
        )


async def present(connection: Connection, event_class: type[E], cpts_id: str) -> list[E]:
    """The entries of a kind that a CPTS has, as they stand, withdrawn ones included; by id."""
    rows = await connection.fetch(PRESENT, cpts_id, event_class.__name__, None)
    return [_event(row, event_class) for row in rows]


async def present_one(
    connection: Connection, event_class: type[E], cpts_id: str, entry_id: str
) -> E | None:
    """One entry as it stands; None when there is none."""
    rows = await connection.fetch(PRESENT, cpts_id, event_class.__name__, entry_id)
    return _event(rows[0], event_class) if rows else None


async def known_ids(
    connection: Connection,
    event_class: type[msgspec.Struct],
    cpts_id: str,
    entry_ids: Collection[str],
) -> set[str]:
    """Those of the ids that a CPTS has given to entries of a kind."""
    rows = await connection.fetch(KNOWN_IDS, cpts_id, event_class.__name__, list(entry_ids))
    return {row["entry_id"] for row in rows}


def _id_of(event: msgspec.Struct) -> str:
    if isinstance(event, StructureProfessionalRecorded):
        return member_id_of(event)
    return str(getattr(event, IDS[type(event)]))


def _event(row: asyncpg.Record, event_class: type[E]) -> E:
    return msgspec.json.decode(row["event"], type=event_class)
