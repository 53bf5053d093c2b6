"""What follows from a decision about an appointment: it is announced, attributed and counted."""

from contracts.departements import NATIONAL
from contracts.events.indicators import AttributionDecided
from contracts.recorded import Cause
from services.indicators.domain.appointments import Appointment
from services.indicators.domain.deciding import decision_subject
from services.indicators.domain.rule import CountingRule
from services.indicators.handlers.counting import (
    JOIN_FINESS,
    JOIN_RPPS,
    Concerned,
    count_again,
    settle_appointments,
)
from services.indicators.handlers.origins import Origin, Origins
from services.indicators.handlers.recording import Said, announce
from services.indicators.store import referral_facts
from services.messaging.unit import Unit


async def lock_appointment(unit: Unit, appointment_id: str) -> Appointment | None:
    """An appointment, which no message changes until the end of the transaction, with the join rows
    that it names held; None when it is not known.
    """
    appointment = await referral_facts.lock_appointment(unit.connection, appointment_id)
    if appointment is None:
        return None
    await unit.lock_joins(JOIN_FINESS, [appointment.finess] if appointment.finess else [])
    await unit.lock_joins(JOIN_RPPS, [appointment.rpps] if appointment.rpps else [])
    return appointment


async def carry_decision(
    rule: CountingRule,
    unit: Unit,
    appointment: Appointment,
    event: AttributionDecided,
    cause: Cause,
) -> None:
    """Announces a decision about a locked appointment, and counts it and its twins again.

    The cause of the figures that change is the decision, whose cause is the order.
    """
    subject = decision_subject(appointment.appointment_id)
    said = Said(subject=subject, departement=NATIONAL, event=event)
    (decided,) = await announce(unit, [said], cause)
    origins = Origins([Origin(decided.occurred_at, decided.as_cause())])
    concerned = Concerned(demands={}, doctors=set(), cpts_ids=set(), years=[])
    key = appointment.twin_key()
    alone, keys = ([appointment], set()) if key is None else ([], {key})
    await settle_appointments(rule, unit, alone, keys, concerned, origins)
    await count_again(rule, unit, concerned, origins)
