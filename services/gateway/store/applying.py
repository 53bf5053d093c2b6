"""The only writer of the service's own state: orders, timers, replays and restores all end here."""

from collections.abc import Sequence
from typing import Any, assert_never

from contracts.events.gateway import (
    AgendaExtended,
    AgendaHoursSet,
    AgendaRecorded,
    GatewayEvent,
    PlaceGivenBack,
    RegulatorRecorded,
    SlotBooked,
    SlotsClosed,
    SlotsOpened,
)
from contracts.recorded import Recorded
from services.gateway.store import agendas, bookings, regulators, slots
from services.messaging.database import Connection


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Change the state by these events of the own topic, in their order."""
    accounts = [one for one in recorded if isinstance(one.event, RegulatorRecorded)]
    if accounts:
        await regulators.write(connection, accounts)
    for one in recorded:
        await _apply_one(connection, one)


async def _apply_one(connection: Connection, one: Recorded[Any]) -> None:
    event: GatewayEvent = one.event
    match event:
        case RegulatorRecorded():
            pass  # written above, with the others
        case AgendaRecorded():
            await agendas.apply_recorded(connection, one)
        case AgendaHoursSet():
            await agendas.apply_hours(connection, one)
        case AgendaExtended():
            await agendas.apply_extended(connection, one)
        case SlotsOpened():
            await agendas.count_on(connection, event.agenda_id, one.sequence)
            await slots.apply_opened(connection, one)
        case SlotsClosed():
            await agendas.count_on(connection, event.agenda_id, one.sequence)
            await slots.apply_closed(connection, one)
        case SlotBooked():
            await bookings.apply_booked(connection, one)
        case PlaceGivenBack():
            await bookings.apply_given_back(connection, one)
        case _:
            assert_never(event)
