"""What the gateway does when membership and referrals speak: it keeps what its doors tell."""

from collections.abc import Sequence
from typing import Any

from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.recorded import Recorded
from services.gateway.domain.appointments import booking_of, status_of
from services.gateway.store import appointments, membership
from services.messaging.unit import Unit


async def on_membership(unit: Unit, events: Sequence[Recorded[Any]]) -> None:
    """Keep the CPTS with their FINESS, their members, who takes part in the SAS."""
    connection = unit.connection
    registered = [one for one in events if isinstance(one.event, CptsRegistered)]
    numbered = [one for one in events if isinstance(one.event, CptsRegistered | FinessAssigned)]
    members = [one for one in events if isinstance(one.event, MemberRecorded)]
    taking_part = [one for one in events if isinstance(one.event, ParticipationRecorded)]
    await membership.keep_cpts(connection, registered)
    await membership.keep_finess(connection, numbered)
    await membership.keep_members(connection, members)
    await membership.keep_participations(connection, taking_part)


async def on_referrals(unit: Unit, events: Sequence[Recorded[Any]]) -> None:
    """Keep the appointments: with whom, when, and what became of them."""
    bookings = [found for one in events if (found := booking_of(one)) is not None]
    statuses = [became for one in events if (became := status_of(one)) is not None]
    await appointments.keep_bookings(unit.connection, bookings)
    await appointments.keep_statuses(unit.connection, statuses)
