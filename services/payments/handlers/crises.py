"""What payments does when the ARS records that it recognised a sanitary crisis."""

from datetime import date

from contracts.events.payments import CrisisRecorded
from contracts.recorded import Cause, record
from services.messaging.unit import Unit
from services.payments.domain.calendar import local_day
from services.payments.domain.dues_crises import record_crisis
from services.payments.domain.refusals import Refusal
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_dues
from services.payments.store import crises, inputs, settlement


async def put_crisis(
    unit: Unit,
    cpts_id: str,
    crisis_id: str,
    recognised_on: date,
    cause: Cause,
    *,
    is_withdrawn: bool,
) -> CrisisRecorded | Refusal:
    """Records a crisis as it is from now on, and says what is due by it; or why not."""
    await lock_dues(unit, [cpts_id])
    known = await crises.of_many(unit.connection, [cpts_id])
    present = next((one for one in known if one.crisis_id == crisis_id), None)
    event = record_crisis(
        cpts_id,
        crisis_id,
        recognised_on,
        is_withdrawn=is_withdrawn,
        years=await settlement.years_of(unit.connection, cpts_id),
        present=present,
        today=local_day(cause.recorded_at),
    )
    if isinstance(event, Refusal) or event == present:
        return event
    key = (cpts_id, event.contract_year_starts_on)
    departement = await inputs.departement_of_cpts(unit.connection, cpts_id)
    account = (await inputs.load_accounts(unit.connection, {key: departement or ""}))[0]
    await unit.announce(
        record(
            [event],
            subject=account.subject,
            after_sequence=account.sequence,
            departement=account.departement,
            occurred_at=cause.recorded_at,
            cause=cause,
        )
    )
    await announce_dues(unit, {cpts_id: cause})
    return event
