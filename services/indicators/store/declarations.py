"""All that CPTS declared, as it stands: what their declared figures are worked out from; and the
evidence that they name.
"""

from collections.abc import Collection

from contracts.events.indicators import (
    ActivityRecorded,
    CrisisPlanRecorded,
    CrisisRecognised,
    CrisisResponseRecorded,
    ValueRecorded,
)
from services.indicators.domain.crises import crisis_subject
from services.indicators.domain.declared import Declarations
from services.indicators.domain.evidence import evidence_subject
from services.indicators.store import entries, membership_facts
from services.messaging.database import Connection


async def of_cpts(connection: Connection, cpts_ids: Collection[str]) -> Declarations:
    """All that these CPTS declared, and the crises that they responded to."""
    responses = await entries.of_cpts(connection, CrisisResponseRecorded, cpts_ids)
    subjects = {crisis_subject(one.crisis_id) for one in responses}
    crises = await entries.present(connection, CrisisRecognised, subjects) if subjects else {}
    return Declarations(
        activities=await entries.of_cpts(connection, ActivityRecorded, cpts_ids),
        values=await entries.of_cpts(connection, ValueRecorded, cpts_ids),
        plans=await entries.of_cpts(connection, CrisisPlanRecorded, cpts_ids),
        responses=responses,
        crises={crisis.crisis_id: crisis for crisis in crises.values()},
        departements=await membership_facts.departements(connection, list(cpts_ids)),
    )


async def missing_evidence(
    connection: Connection, cpts_id: str, evidence_ids: Collection[str]
) -> tuple[str, ...]:
    """Those of these pieces of a CPTS that name no file ever recorded, in their order."""
    subjects = {evidence_id: evidence_subject(cpts_id, evidence_id) for evidence_id in evidence_ids}
    there = await entries.last_sequences(connection, set(subjects.values()))
    return tuple(one for one, subject in subjects.items() if subject not in there)
