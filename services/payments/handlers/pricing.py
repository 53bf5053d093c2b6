"""What payments does when an input of accounts changes: it prices them again."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from contracts.events.payments import ContractLineSet, RateConfirmed, RatePublished
from contracts.recorded import Cause, Recorded, record
from services.messaging.unit import Unit
from services.payments.domain import accounts as pricing
from services.payments.domain.accounts import Account, AccountKey, Touch
from services.payments.domain.lines import line_id_of, line_of
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import RATES_DEPARTEMENT, RATES_SUBJECT, VARIABLE_PART
from services.payments.handlers.dues import announce_dues
from services.payments.handlers.locking import lock_accounts, lock_dues
from services.payments.store import dues_inputs, inputs

ACCOUNTS_AT_ONCE = 200
E = TypeVar("E", bound=msgspec.Struct)


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
    await announce_prices(unit, accounts, touches)


async def announce_prices(
    unit: Unit, accounts: Sequence[Account], touches: Sequence[Touch]
) -> None:
    """Announces what these accounts are worth by the touches; the caller holds their join rows."""
    by_account: dict[AccountKey, list[Touch]] = {}
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
    key: AccountKey,
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
    """Announces events of an account whose row is locked."""
    await unit.announce(recorded_of(account, events, cause))


def recorded_of(account: Account, events: Sequence[E], cause: Cause) -> list[Recorded[E]]:
    """Events of an account in their envelopes; they come after all that it said."""
    return record(
        events,
        subject=account.subject,
        after_sequence=account.sequence,
        departement=account.departement,
        occurred_at=cause.recorded_at,
        cause=cause,
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
    touched: dict[AccountKey, str] = {}
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


async def price_again(unit: Unit, cause: Cause, after: str) -> str | None:
    """Prices the next accounts from all that is known; what differs from their worth is announced.

    Answers where the next part begins, None after the last account.
    """
    keys = await inputs.accounts_after(unit.connection, after, ACCOUNTS_AT_ONCE)
    await lock_accounts(unit, list(keys))
    accounts = await inputs.load_accounts(unit.connection, keys)
    rates = await inputs.load_variable_rates(unit.connection)
    await announce_prices(
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
