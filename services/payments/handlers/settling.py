"""What payments does with orders on a dialogue de gestion, each under the locks of a CPTS."""

from datetime import date

import msgspec

from contracts.events.payments import DialogueLineSet
from contracts.recorded import Cause
from services.messaging.unit import Unit
from services.payments.domain import settlement as rules
from services.payments.domain.accounts import Account, Touch
from services.payments.domain.calendar import local_day
from services.payments.domain.refusals import Refusal
from services.payments.domain.settlement import Dialogue
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_dues
from services.payments.handlers.pricing import reprice, say
from services.payments.store import inputs, settlement


async def open_dialogue(
    unit: Unit, cpts_id: str, starts_on: date, opened_on: date, cause: Cause
) -> Dialogue | Refusal:
    """Opens the dialogue of a year that is over; answers it as it stands, or why not."""
    account, dialogue = await _locked(unit, cpts_id, starts_on)
    event = rules.open_dialogue(account, dialogue, opened_on, local_day(cause.recorded_at))
    if isinstance(event, Refusal):
        return event
    await say(unit, account, [event] if event else [], cause)
    return await settlement.dialogue_of(unit.connection, cpts_id, starts_on)


async def set_dialogue_line(unit: Unit, asked: DialogueLineSet, cause: Cause) -> Dialogue | Refusal:
    """Sets a line of a dialogue: the estimate takes its value, or a settled year is adjusted."""
    cpts_id, starts_on = asked.cpts_id, asked.contract_year_starts_on
    account, dialogue = await _locked(unit, cpts_id, starts_on)
    event = rules.set_dialogue_line(account, dialogue, asked)
    if isinstance(event, Refusal):
        return event
    if event is None:
        return dialogue
    if dialogue.settled is None:
        await say(unit, account, [event], cause)
        touch = Touch(
            cpts_id=cpts_id,
            starts_on=starts_on,
            departement=account.departement,
            reason="dialogue",
            cause=cause,
        )
        await reprice(unit, [touch])
    else:
        await _adjust(unit, account, dialogue, event, cause)
    return await settlement.dialogue_of(unit.connection, cpts_id, starts_on)


async def settle_year(
    unit: Unit, cpts_id: str, starts_on: date, agreed_cents: int, cause: Cause
) -> Dialogue | Refusal:
    """Settles a year by its validated values: accruals are reversed, the variable part is due."""
    account, dialogue = await _locked(unit, cpts_id, starts_on)
    rates = await inputs.load_variable_rates(unit.connection)
    today = local_day(cause.recorded_at)
    event = rules.settle(account, dialogue.opened_on, rates, agreed_cents, today)
    if isinstance(event, Refusal):
        return event
    await say(unit, account, [event], cause)
    await announce_dues(unit, {cpts_id: cause})
    return msgspec.structs.replace(dialogue, settled=event)


async def _adjust(
    unit: Unit, account: Account, dialogue: Dialogue, line: DialogueLineSet, cause: Cause
) -> None:
    settled, value = dialogue.settled, line.validated_value
    assert settled is not None, "only a settled year is adjusted"
    assert value is not None, "a line of a settled year has a value"
    today = local_day(cause.recorded_at)
    years = await settlement.years_of(unit.connection, account.cpts_id)
    due_year = rules.open_year(years, account.starts_on, today)
    adjustment = rules.adjust(
        settled,
        dialogue.adjusted,
        dialogue.values | {line.indicator: value},
        indicator=line.indicator,
        due_year_starts_on=due_year,
        number=await settlement.count_adjustments(unit.connection, account.cpts_id, due_year) + 1,
        today=today,
    )
    await say(unit, account, [line, *([adjustment] if adjustment else [])], cause)
    if adjustment:
        await announce_dues(unit, {account.cpts_id: cause})


async def _locked(unit: Unit, cpts_id: str, starts_on: date) -> tuple[Account, Dialogue]:
    """The account and its dialogue, under the locks of all the CPTS's accounts and dues."""
    key = (cpts_id, starts_on)
    await lock_dues(unit, [cpts_id], [key])
    departement = await inputs.departement_of_cpts(unit.connection, cpts_id)
    account = (await inputs.load_accounts(unit.connection, {key: departement or ""}))[0]
    return account, await settlement.dialogue_of(unit.connection, cpts_id, starts_on)
