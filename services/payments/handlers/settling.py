"""What payments does with orders on a dialogue de gestion and with levels of figures, each under
the locks of a CPTS.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from contracts.events.indicators import FigureLevelSet
from contracts.events.payments import DialogueLineSet, YearSettled
from contracts.recorded import Cause, Recorded
from services.messaging.unit import Unit
from services.payments.domain import settlement as rules
from services.payments.domain.accounts import Account, AccountKey, Touch
from services.payments.domain.calendar import local_day
from services.payments.domain.levels import STANCE, last_said
from services.payments.domain.refusals import Refusal
from services.payments.domain.settlement import Dialogue
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_dues
from services.payments.handlers.pricing import announce_prices, recorded_of, say
from services.payments.store import dues_inputs, inputs, levels, settlement

CPTS_AT_ONCE = 200


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
    await say(unit, account, [event], cause)
    touch = Touch(
        cpts_id=cpts_id,
        starts_on=starts_on,
        departement=account.departement,
        reason="dialogue",
        cause=cause,
        indicator=event.indicator,
    )
    await _take(unit, touch)
    return await settlement.dialogue_of(unit.connection, cpts_id, starts_on)


async def settle_year(
    unit: Unit, cpts_id: str, starts_on: date, agreed_cents: int, cause: Cause
) -> Dialogue | Refusal:
    """Settles one year, as `settle_years` does; answers its dialogue, or why it is not settled."""
    key = (cpts_id, starts_on)
    refusal = (await settle_years(unit, {key: agreed_cents}, cause))[key]
    return refusal or await settlement.dialogue_of(unit.connection, *key)


async def settle_years(
    unit: Unit, agreed: Mapping[AccountKey, int], cause: Cause
) -> dict[AccountKey, Refusal | None]:
    """Settles years by their validated values, each at the sum agreed on: accruals are reversed,
    the variable part is due. Answers why those that are refused are; the others are settled.
    """
    departements = await inputs.departements_of(unit.connection, {one for one, _ in agreed})
    keys = [key for key in agreed if key[0] in departements]
    await lock_dues(unit, departements, keys)
    opened_on = await settlement.openings_of(unit.connection, keys)
    rates = await inputs.load_variable_rates(unit.connection)
    today = local_day(cause.recorded_at)
    answers: dict[AccountKey, Refusal | None] = dict.fromkeys(agreed, Refusal.UNKNOWN_CPTS)
    said: list[Recorded[YearSettled]] = []
    for account in await inputs.load_accounts(
        unit.connection, {key: departements[key[0]] for key in keys}
    ):
        key = (account.cpts_id, account.starts_on)
        event = rules.settle(account, opened_on.get(key), rates, agreed[key], today)
        answers[key] = event if isinstance(event, Refusal) else None
        if isinstance(event, YearSettled):
            said += recorded_of(account, [event], cause)
    await unit.announce(said)
    await announce_dues(unit, dict.fromkeys({one.event.cpts_id for one in said}, cause))
    return answers


async def take_levels(unit: Unit, heard: Sequence[Recorded[FigureLevelSet]]) -> None:
    """Keeps levels of figures, one by one: each that is news prices its account again, or adjusts
    its settled year. What the CPTS says of a value moves none. The caller holds all locks of their
    CPTS.
    """
    for one in heard:
        if await levels.put_levels(unit.connection, [one]) and one.event.level != STANCE:
            touch = Touch(
                cpts_id=one.event.cpts_id,
                starts_on=one.event.contract_year_starts_on,
                departement=one.departement,
                reason="level",
                cause=one.as_cause(),
                indicator=one.event.indicator,
            )
            await _take(unit, touch)


async def look_at_dues(unit: Unit, cause: Cause, after: str) -> str | None:
    """Adjusts the settled years of the next CPTS and says what is due to them, where it was not
    said so; answers where the next part begins, None after the last.
    """
    cpts_ids = await dues_inputs.cpts_after(unit.connection, after, CPTS_AT_ONCE)
    await lock_dues(unit, cpts_ids)
    settled, _ = await settlement.settlements_of(unit.connection, cpts_ids)
    for one in settled:
        key = (one.cpts_id, one.contract_year_starts_on)
        account = (await inputs.load_accounts(unit.connection, {key: ""}))[0]
        dialogue = await settlement.dialogue_of(unit.connection, *key)
        last = last_said(dialogue.said)
        if last is not None:  # else it had no lines
            await _adjust(unit, account, dialogue, last.indicator, cause)
    await announce_dues(unit, dict.fromkeys(cpts_ids, cause))
    return cpts_ids[-1] if len(cpts_ids) == CPTS_AT_ONCE else None


async def _take(unit: Unit, touch: Touch) -> None:
    """Acts upon a level that is kept: by an estimate, or by an adjustment once the year is settled;
    all locks of the CPTS are held.
    """
    assert touch.indicator is not None, "a level is of an indicator"
    key = (touch.cpts_id, touch.starts_on)
    account = (await inputs.load_accounts(unit.connection, {key: touch.departement}))[0]
    if account.settled is None:
        await announce_prices(unit, [account], [touch])
        return
    dialogue = await settlement.dialogue_of(unit.connection, *key)
    if await _adjust(unit, account, dialogue, touch.indicator, touch.cause):
        await announce_dues(unit, {touch.cpts_id: touch.cause})


async def _adjust(
    unit: Unit, account: Account, dialogue: Dialogue, indicator: str, cause: Cause
) -> bool:
    """Says the adjustment that the values as they are now call for; whether there is one."""
    settled = dialogue.settled
    assert settled is not None, "only a settled year is adjusted"
    # A level may be heard after a settlement that was ordered later than it.
    today = max(local_day(cause.recorded_at), settled.settled_on)
    years = await settlement.years_of(unit.connection, account.cpts_id)
    due_year = rules.open_year(years, account.starts_on, today)
    adjustment = rules.adjust(
        settled,
        dialogue.adjusted,
        dialogue.values,
        indicator=indicator,
        due_year_starts_on=due_year,
        number=await settlement.count_adjustments(unit.connection, account.cpts_id, due_year) + 1,
        today=today,
    )
    await say(unit, account, [adjustment] if adjustment else [], cause)
    return adjustment is not None


async def _locked(unit: Unit, cpts_id: str, starts_on: date) -> tuple[Account, Dialogue]:
    """The account and its dialogue, under the locks of all the CPTS's accounts and dues."""
    key = (cpts_id, starts_on)
    await lock_dues(unit, [cpts_id], [key])
    departement = await inputs.departement_of_cpts(unit.connection, cpts_id)
    account = (await inputs.load_accounts(unit.connection, {key: departement or ""}))[0]
    return account, await settlement.dialogue_of(unit.connection, cpts_id, starts_on)
