"""What the membership service says: CPTS (communauté professionnelle territoriale de santé), their
territories, members, participation in the SAS (service d'accès aux soins) and their ACI.

The aggregate is the CPTS: `subject` is its id, the key is the département of its seat at
registration. The `…Recorded` events carry the whole state of one entry: the entry's highest
sequence is its present state, and `is_withdrawn` says that it was recorded by mistake.
"""

from contracts.events.membership.belonging import (
    MemberRecorded,
    ParticipationRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    TerritoryPlaceRecorded,
    ToolRecorded,
)
from contracts.events.membership.contract import (
    AciSigned,
    ContractYear,
    MissionDeadline,
    MissionDeadlineMissed,
    MissionDeadlineNear,
    MissionDeadlinesSet,
    MissionRecorded,
    Signature,
    TailleDetermined,
    Termination,
)
from contracts.events.membership.registration import (
    AssociationRecorded,
    CptsMerged,
    CptsRegistered,
    CptsSplit,
    FinessAssigned,
    LettreIntentionRecorded,
    MissionPlanned,
    ProjetDeSanteObjected,
    ProjetDeSanteSent,
    ProjetDeSanteValidated,
    ProjetDeSanteWithdrawn,
)

__all__ = [
    "AciSigned",
    "AssociationRecorded",
    "ContractYear",
    "CptsMerged",
    "CptsRegistered",
    "CptsSplit",
    "FinessAssigned",
    "LettreIntentionRecorded",
    "MemberRecorded",
    "MembershipEvent",
    "MissionDeadline",
    "MissionDeadlineMissed",
    "MissionDeadlineNear",
    "MissionDeadlinesSet",
    "MissionPlanned",
    "MissionRecorded",
    "ParticipationRecorded",
    "ProjetDeSanteObjected",
    "ProjetDeSanteSent",
    "ProjetDeSanteValidated",
    "ProjetDeSanteWithdrawn",
    "Signature",
    "StructureProfessionalRecorded",
    "StructureRecorded",
    "TailleDetermined",
    "Termination",
    "TerritoryPlaceRecorded",
    "ToolRecorded",
]

MembershipEvent = (
    CptsRegistered
    | FinessAssigned
    | LettreIntentionRecorded
    | ProjetDeSanteSent
    | ProjetDeSanteValidated
    | ProjetDeSanteObjected
    | ProjetDeSanteWithdrawn
    | AssociationRecorded
    | CptsMerged
    | CptsSplit
    | TerritoryPlaceRecorded
    | MemberRecorded
    | ParticipationRecorded
    | StructureRecorded
    | StructureProfessionalRecorded
    | ToolRecorded
    | AciSigned
    | TailleDetermined
    | MissionRecorded
    | MissionDeadlinesSet
    | MissionDeadlineNear
    | MissionDeadlineMissed
)
