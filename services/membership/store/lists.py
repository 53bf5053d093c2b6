"""The lists of one CPTS, page by page: each question names what it is ordered by `cursor`."""

from datetime import date
from typing import Any

import msgspec

from contracts.events.membership import (
    AssociationRecorded,
    LettreIntentionRecorded,
    MissionRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    ToolRecorded,
)
from services.membership.store.answers import IS_MISSED, YEARS
from services.messaging.database import Connection

PAGE = """
    select * from ({question}) as listed where cursor > $2 order by cursor limit $3
"""
TERRITORY = """
    select entry_id as cursor, entry_id, commune, part, population, from_on, to_on, is_withdrawn
    from territory_entry where cpts_id = $1
"""
MEMBERS = """
    select member_id as cursor, member_id, rpps, profession, structure_id, from_on, to_on,
           is_withdrawn
    from member where cpts_id = $1
"""
PARTICIPATIONS = """
    select participation_id as cursor, participation_id, rpps, way, verified_by, from_on, to_on,
           is_withdrawn
    from participation where cpts_id = $1
"""
ACI = """
    select aci_id as cursor, aci_id, signed_on, starts_on, ends_on, is_withdrawn
    from aci where cpts_id = $1
"""
CONTRACT_YEARS = f"""
    select starts_on || ' ' || aci_id as cursor, aci_id, starts_on, ends_on, taille, population,
           unknown_communes = '{{}}' as is_population_complete
    from ({YEARS} where aci.cpts_id = $1) as year
"""  # noqa: S608 - a constant
PROJETS_DE_SANTE = """
    select sent_on || ' ' || projet_id as cursor, projet_id, sent_on, silence_ends_on,
           document_sha256, outcome, decided_on, is_tacit, grounds
    from projet_de_sante where cpts_id = $1
"""
MISSION_DEADLINES = f"""
    select concat_ws(' ', due_on, aci_id, mission, step) as cursor, aci_id, mission, step, due_on,
           met_on, is_near_said as is_near, {IS_MISSED} as is_missed
    from mission_deadline where cpts_id = $1
"""  # noqa: S608 - a constant
ENTRIES = """
    select entry_id as cursor, event::text as event from entry
    join history on subject = cpts_id and history.sequence = entry.sequence
    where cpts_id = $1 and kind = $4
"""
QUESTIONS = {
    "territory": TERRITORY,
    "members": MEMBERS,
    "participations": PARTICIPATIONS,
    "aci": ACI,
    "contract_years": CONTRACT_YEARS,
    "projets_de_sante": PROJETS_DE_SANTE,
    "mission_deadlines": MISSION_DEADLINES,
}
KINDS: dict[str, type[msgspec.Struct]] = {
    "lettres_intention": LettreIntentionRecorded,
    "associations": AssociationRecorded,
    "missions": MissionRecorded,
    "structures": StructureRecorded,
    "structure_professionals": StructureProfessionalRecorded,
    "tools": ToolRecorded,
}
PLACES_ON = """
    select commune, population from territory_entry
    where cpts_id = $1 and not is_withdrawn and from_on <= $2 and (to_on is null or to_on >= $2)
    order by commune
"""


async def listed(
    connection: Connection, name: str, cpts_id: str, after: str, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """What a CPTS has of one kind, withdrawn entries included, each with its cursor.

    In the order of their ids; contract years, projets de santé and deadlines by their days.
    """
    if (kind := KINDS.get(name)) is not None:
        question = PAGE.format(question=ENTRIES)
        rows = await connection.fetch(question, cpts_id, after, limit, kind.__name__)
        return [(row["cursor"], _event(row["event"], kind)) for row in rows]
    question = PAGE.format(question=QUESTIONS[name])
    rows = await connection.fetch(question, cpts_id, after, limit)
    return [
        (row["cursor"], {name: value for name, value in row.items() if name != "cursor"})
        for row in rows
    ]


async def places_on(
    connection: Connection, cpts_id: str, day: date
) -> list[tuple[str, int | None]]:
    """The places that a CPTS holds on a day: commune and population."""
    rows = await connection.fetch(PLACES_ON, cpts_id, day)
    return [(row["commune"], row["population"]) for row in rows]


def _event(text: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """An entry as its last event has it, what that did not say yet included."""
    fields = msgspec.structs.asdict(msgspec.json.decode(text, type=kind))
    return {name: value for name, value in fields.items() if name != "cpts_id"}
