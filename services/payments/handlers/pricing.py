"""What payments does when it hears of contracts, tailles and figures: it prices again."""

from collections.abc import Callable, Sequence
from typing import Any

from contracts.events.indicators import CrisisRecognised, FigureChanged
from contracts.events.membership import (
    AciSigned,
    CptsRegistered,
    MissionRecorded,
    TailleDetermined,
)
from contracts.events.payments import ContractLineSet, RateConfirmed, RatePublished
from contracts.recorded import Cause, Recorded, record
from services.messaging.unit import Unit
from services.payments.domain import accounts as pricing
from services.payments.domain.accounts import Account, Touch, figure_touches
from services.payments.domain.lines import line_id_of, line_of
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import RATES_DEPARTEMENT, RATES_SUBJECT, VARIABLE_PART
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_accounts, lock_dues
from services.payments.store import dues_inputs, inputs

ACCOUNTS_AT_ONCE = 200


async def reprice(unit: Unit, touches: Sequence[Touch]) -> None:
    """Prices the touched accounts again, from all that is committed, and announces it.

    The join row of each account is locked first, so that two inputs which arrive at once, one by
    Kafka and one by HTTP, cannot each be priced without the other.
    """
    if not touches:
        return
    accounts = await inputs.load_accounts(
        unit.connection,
        {(touch.cpts_id, touch.starts_on): touch.departement for touch in touches},
    )
    await _announce_prices(unit, accounts, touches)


async def _announce_prices(
    unit: Unit, accounts: Sequence[Account], touches: Sequence[Touch]
) -> None:
    by_account: dict[inputs.AccountKey, list[Touch]] = {}
    for touch in touches:
        by_account.setdefault((touch.cpts_id, touch.starts_on), []).append(touch)
    tailles = {account.taille for account in accounts if account.taille is not None}
    rates = await inputs.load_variable_rates(unit.connection, tailles)
    await unit.announce(
        [
            event
            for account in accounts
            for event in pricing.reprice(
                account, rates, by_account.get((account.cpts_id, account.starts_on), [])
            )
        ]
    )


async def set_lines(
    unit: Unit,
    key: inputs.AccountKey,
    departement: str,
    decide: Callable[[Account], Sequence[ContractLineSet]],
    cause: Cause,
) -> Refusal | None:
    """Announces the contract lines that `decide` makes of the present ones, and prices the account;
    the refusal when the year is settled.

    What `decide` raises leaves everything as it was.
    """
    await lock_accounts(unit, [key])
    account = (await inputs.load_accounts(unit.connection, {key: departement}))[0]
    changed = [
        event for event in decide(account) if account.line(line_id_of(event)) != line_of(event)
    ]
    if not changed:
        return None
    if account.settled is not None:
        return Refusal.YEAR_SETTLED
    await say(unit, account, changed, cause)
    touch = Touch(
        cpts_id=account.cpts_id,
        starts_on=account.starts_on,
        departement=account.departement,
        reason="line",
        cause=cause,
    )
    await reprice(unit, [touch])
    return None


async def say(unit: Unit, account: Account, events: Sequence[Any], cause: Cause) -> None:
    """Announces events of an account whose row is locked; they come after all that it said."""
    await unit.announce(
        record(
            events,
            subject=account.subject,
            after_sequence=account.sequence,
            departement=account.departement,
            occurred_at=cause.recorded_at,
            cause=cause,
        )
    )


async def lock_rates(unit: Unit) -> None:
    """Locks the scale: rates are published one order at a time."""
    await unit.lock_joins("rates", [RATES_SUBJECT])


async def publish_rates(unit: Unit, rates: Sequence[RatePublished], cause: Cause) -> None:
    """Announces rates, prices the accounts of their tailles and says what falls due by them; the
    caller holds the join row of the scale.
    """
    await unit.announce(
        record(
            rates,
            subject=RATES_SUBJECT,
            after_sequence=await inputs.last_rate_sequence(unit.connection),
            departement=RATES_DEPARTEMENT,
            occurred_at=cause.recorded_at,
            cause=cause,
        )
    )
    await inputs.hold_tailles(unit.connection)
    touched: dict[inputs.AccountKey, str] = {}
    for rate in rates:
        if rate.part == VARIABLE_PART:
            touched |= await inputs.accounts_of_taille(
                unit.connection, rate.taille, rate.from_on, rate.to_on
            )
    of_dues = {rate.taille for rate in rates if rate.part != VARIABLE_PART}
    cpts_ids = await dues_inputs.cpts_of_tailles(unit.connection, of_dues) if of_dues else []
    await lock_dues(unit, cpts_ids, touched)
    await reprice(
        unit,
        [
            Touch(
                cpts_id=cpts_id,
                starts_on=starts_on,
                departement=departement,
                reason="rate",
                cause=cause,
            )
            for (cpts_id, starts_on), departement in sorted(touched.items())
        ],
    )
    await announce_dues(unit, dict.fromkeys(cpts_ids, cause))


async def confirm_rate(unit: Unit, event: RateConfirmed, taille: int, cause: Cause) -> None:
    """Announces that a rate is confirmed and releases what it held; the caller holds the join row
    of the scale.
    """
    await unit.announce(
        record(
            [event],
            subject=RATES_SUBJECT,
            after_sequence=await inputs.last_rate_sequence(unit.connection),
            departement=RATES_DEPARTEMENT,
            occurred_at=cause.recorded_at,
            cause=cause,
        )
    )
    await inputs.hold_tailles(unit.connection)
    cpts_ids = await dues_inputs.cpts_of_tailles(unit.connection, [taille])
    await lock_dues(unit, cpts_ids)
    await announce_dues(unit, dict.fromkeys(cpts_ids, cause))


async def on_membership(unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps keys, contract years, tailles and missions; prices the years concerned, and says what
    falls due.

    The tables are written before accounts are locked, as rates hold the tables first.
    """
    signed = [one for one in heard if isinstance(one.event, AciSigned)]
    determined = [one for one in heard if isinstance(one.event, TailleDetermined)]
    registered = [one for one in heard if isinstance(one.event, CptsRegistered)]
    missions = [one for one in heard if isinstance(one.event, MissionRecorded)]
    await inputs.put_cpts(unit.connection, registered)
    changed: dict[inputs.AccountKey, tuple[str, Recorded[Any]]] = {
        key: ("taille", one)
        for key, one in (await inputs.put_tailles(unit.connection, determined)).items()
    }
    contracts = await inputs.put_contract_years(unit.connection, signed)
    changed |= {key: ("contract", one) for key, one in contracts.items()}
    await dues_inputs.put_missions(unit.connection, missions)
    causes = {
        one.event.cpts_id: one.as_cause()
        for one in sorted(
            (*registered, *signed, *determined, *missions), key=lambda one: one.sequence
        )
    }
    await lock_dues(unit, causes, changed)
    if await unit.hears_the_past():
        return
    await reprice(
        unit,
        [
            Touch(
                cpts_id=key[0],
                starts_on=key[1],
                departement=one.departement,
                reason=reason,
                cause=one.as_cause(),
            )
            for key, (reason, one) in sorted(changed.items(), key=lambda item: item[0])
        ],
    )
    await announce_dues(unit, causes)


async def on_indicators(unit: Unit, heard: Sequence[Recorded[Any]]) -> None:
    """Keeps figures and their facts, prices the accounts again for every figure that is newer;
    keeps crises, and says what they open.
    """
    crises = [one for one in heard if isinstance(one.event, CrisisRecognised)]
    figures = [one for one in heard if isinstance(one.event, FigureChanged)]
    opened = await _keep_crises(unit, crises) if crises else {}
    departements = {
        (one.event.cpts_id, one.event.contract_year_starts_on): one.departement for one in figures
    }
    # The accounts of both at once, and only then dues, as everybody else.
    await lock_dues(unit, opened, departements)
    if await unit.hears_the_past():
        await inputs.put_figures(unit.connection, figures)
        return
    accounts = await inputs.load_accounts(unit.connection, departements)
    await inputs.put_figures(unit.connection, figures)
    touches = figure_touches(accounts, figures)
    if touches:
        await _announce_prices(unit, accounts, touches)
    await announce_dues(unit, opened)


async def _keep_crises(unit: Unit, heard: Sequence[Recorded[CrisisRecognised]]) -> dict[str, Cause]:
    """Keeps crises; answers the CPTS that they concern, each with the last one as its cause."""
    await dues_inputs.hold_cpts(unit.connection)
    await dues_inputs.put_crises(unit.connection, heard)
    crisis_ids = [one.event.crisis_id for one in heard]
    last = max(heard, key=lambda one: one.recorded_at)
    cpts_ids = await dues_inputs.cpts_of_crises(unit.connection, crisis_ids)
    return dict.fromkeys(cpts_ids, last.as_cause())


async def price_again(unit: Unit, cause: Cause, after: str) -> str | None:
    """Prices the next accounts from all that is known; what differs from their worth is announced.

    Answers where the next part begins, None after the last account.
    """
    keys = await inputs.accounts_after(unit.connection, after, ACCOUNTS_AT_ONCE)
    await lock_accounts(unit, list(keys))
    accounts = await inputs.load_accounts(unit.connection, keys)
    rates = await inputs.load_variable_rates(unit.connection)
    await _announce_prices(
        unit,
        accounts,
        [
            Touch(
                cpts_id=account.cpts_id,
                starts_on=account.starts_on,
                departement=account.departement,
                reason="restore",
                cause=cause,
            )
            for account in accounts
            if pricing.price(account, rates).variable_cents != account.variable_cents
        ],
    )
    return max(account.subject for account in accounts) if len(keys) == ACCOUNTS_AT_ONCE else None
