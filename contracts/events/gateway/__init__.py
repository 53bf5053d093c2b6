"""What the gateway says: accounts of regulators, agendas and their slots, places that are booked.

Three aggregates: an account (`subject` is its id; a platform is of a region, so that the key is
`00`), an agenda and a booking (their ids; the key is that of the CPTS whose agenda it is). Names,
addresses and e-mails stay in the gateway's database: no event carries one.
"""

from contracts.events.gateway.agendas import (
    AgendaExtended,
    AgendaHoursSet,
    AgendaRecorded,
    Closure,
    Offer,
    SlotsClosed,
    SlotsOpened,
    Span,
    WeeklyHours,
)
from contracts.events.gateway.bookings import PlaceGivenBack, SlotBooked
from contracts.events.gateway.regulators import RegulatorIdentifier, RegulatorRecorded

__all__ = [
    "AgendaExtended",
    "AgendaHoursSet",
    "AgendaRecorded",
    "Closure",
    "GatewayEvent",
    "Offer",
    "PlaceGivenBack",
    "RegulatorIdentifier",
    "RegulatorRecorded",
    "SlotBooked",
    "SlotsClosed",
    "SlotsOpened",
    "Span",
    "WeeklyHours",
]

GatewayEvent = (
    RegulatorRecorded
    | AgendaRecorded
    | AgendaHoursSet
    | AgendaExtended
    | SlotsOpened
    | SlotsClosed
    | SlotBooked
    | PlaceGivenBack
)
