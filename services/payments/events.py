"""The foreign facts that payments understands, a tuple a topic."""

from contracts.events.indicators import CrisisRecognised, FigureChanged, FigureLevelSet
from contracts.events.membership import (
    AciSigned,
    AssociationRecorded,
    CptsRegistered,
    LettreIntentionRecorded,
    MissionRecorded,
    TailleDetermined,
)

FROM_MEMBERSHIP = (
    CptsRegistered,
    LettreIntentionRecorded,
    AssociationRecorded,
    AciSigned,
    TailleDetermined,
    MissionRecorded,
)
FROM_INDICATORS = (FigureChanged, FigureLevelSet, CrisisRecognised)
