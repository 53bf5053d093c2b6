"""The foreign facts that payments understands, a tuple a topic."""

from contracts.events.indicators import FigureChanged
from contracts.events.membership import AciSigned, CptsRegistered, TailleDetermined

FROM_MEMBERSHIP = (CptsRegistered, AciSigned, TailleDetermined)
FROM_INDICATORS = (FigureChanged,)
