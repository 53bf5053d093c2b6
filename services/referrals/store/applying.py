"""The only writer of the service's own state: orders, timers, replays and restores all end here."""

from collections.abc import Sequence
from typing import Any

from contracts.events.referrals import BookingRefused, PlatformAppointmentReported
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.referrals.domain import platform_appointment, referral
from services.referrals.store import bookings, platform, referrals


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Change the state by these events of the own topic, in their order."""
    reported = [one for one in recorded if isinstance(one.event, PlatformAppointmentReported)]
    refused = [one for one in recorded if isinstance(one.event, BookingRefused)]
    apart = (PlatformAppointmentReported, BookingRefused)
    lived = [one for one in recorded if not isinstance(one.event, apart)]
    if refused:
        await bookings.refuse(connection, refused)
    if lived:
        states: dict[str, referral.Referral] = {
            one.referral_id: one for one in await referrals.load(connection, _begun_before(lived))
        }
        changed = dict.fromkeys(one.subject for one in lived)
        for one in lived:
            states[one.subject] = referral.evolve(states.get(one.subject), one)
        await referrals.write(connection, [states[subject] for subject in changed])
    if reported:
        appointments = {
            one.appointment_id: one
            for one in await platform.load(connection, _begun_before(reported))
        }
        for one in reported:
            appointments[one.subject] = platform_appointment.evolve(
                appointments.get(one.subject), one
            )
        await platform.write(connection, list(appointments.values()))


def _begun_before(recorded: Sequence[Recorded[Any]]) -> list[str]:
    """The aggregates that have a state: whose first event is not among these."""
    subjects = dict.fromkeys(one.subject for one in recorded)
    begun_here = {one.subject for one in recorded if one.sequence == 1}
    return [subject for subject in subjects if subject not in begun_here]
