"""The own state of payments, changed only by applying its own events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.events.payments import (
    ContractLineSet,
    DialogueLineSet,
    DialogueOpened,
    DueSet,
    FundingEstimated,
    RatePublished,
    VariableFundingChanged,
    YearAdjusted,
    YearSettled,
)
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.payments.domain.accounts import postings
from services.payments.domain.lines import line_id_of
from services.payments.store import confirmations, dues, payment_orders, settlement, uses

OF_ACCOUNTS = (
    ContractLineSet,
    FundingEstimated,
    VariableFundingChanged,
    DueSet,
    DialogueOpened,
    DialogueLineSet,
    YearSettled,
    YearAdjusted,
)
"""The events whose subject is an account: they move its sequence."""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def apply(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Brings the state up to these events of the own topic, in their order."""
    await _put_rates(connection, recorded)
    await confirmations.keep(connection, recorded)
    await _put_lines(connection, recorded)
    await settlement.keep(connection, recorded)
    await _put_prices(connection, recorded)
    await dues.keep(connection, recorded)
    await uses.keep(connection, recorded)
    await payment_orders.keep(connection, recorded)


async def _put_rates(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    rates = [one for one in recorded if isinstance(one.event, RatePublished)]
    if not rates:
        return
    await connection.execute(
        """
        insert into rate (rate_id, sequence, from_on, to_on, taille, mission, part, amount_cents,
                          text, status, is_verified, unit)
        select * from unnest($1::text[], $2::bigint[], $3::date[], $4::date[], $5::smallint[],
                             $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[],
                             $11::boolean[], $12::text[])
        on conflict (rate_id) do nothing
        """,
        [one.event.rate_id for one in rates],
        [one.sequence for one in rates],
        [one.event.from_on for one in rates],
        [one.event.to_on for one in rates],
        [one.event.taille for one in rates],
        [one.event.mission for one in rates],
        [one.event.part for one in rates],
        [one.event.amount_cents for one in rates],
        [one.event.text for one in rates],
        [one.event.status for one in rates],
        [one.event.is_verified for one in rates],
        [one.event.unit for one in rates],
    )


async def _put_lines(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    latest = {
        (one.event.cpts_id, one.event.contract_year_starts_on, line_id_of(one.event)): one
        for one in recorded
        if isinstance(one.event, ContractLineSet)
    }
    if not latest:
        return
    await connection.executemany(
        """
        insert into contract_line as kept (cpts_id, starts_on, line_id, sequence, indicator,
                                           mission, mode, max_cents, target, steps, is_withdrawn,
                                           line_label, baseline, is_lower_better, documents,
                                           carried_over_from_on)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15, $16)
        on conflict (cpts_id, starts_on, line_id) do update
        set sequence = excluded.sequence, indicator = excluded.indicator,
            mission = excluded.mission, mode = excluded.mode, max_cents = excluded.max_cents,
            target = excluded.target, steps = excluded.steps,
            is_withdrawn = excluded.is_withdrawn, line_label = excluded.line_label,
            baseline = excluded.baseline, is_lower_better = excluded.is_lower_better,
            documents = excluded.documents, carried_over_from_on = excluded.carried_over_from_on
        where kept.sequence < excluded.sequence
        """,
        [
            (
                cpts_id,
                starts_on,
                line_id,
                one.sequence,
                one.event.indicator,
                one.event.mission,
                one.event.mode,
                one.event.max_cents,
                one.event.target,
                _json(one.event.steps),
                one.event.is_withdrawn,
                one.event.line_label,
                one.event.baseline,
                one.event.is_lower_better,
                list(one.event.documents),
                one.event.carried_over_from_on,
            )
            for (cpts_id, starts_on, line_id), one in latest.items()
        ],
    )


async def _put_prices(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Adds estimates and postings, and brings their accounts up to them, in one statement."""
    of_accounts = [one for one in recorded if isinstance(one.event, OF_ACCOUNTS)]
    if not of_accounts:
        return
    estimates = [one for one in of_accounts if isinstance(one.event, FundingEstimated)]
    entries = [
        (one, ordinal, account, amount_cents)
        for one in of_accounts
        if isinstance(one.event, VariableFundingChanged)
        for ordinal, (account, amount_cents) in enumerate(postings(one.event), start=1)
    ]
    last = {(one.event.cpts_id, one.event.contract_year_starts_on): one for one in of_accounts}
    amounts = {
        (one.event.cpts_id, one.event.contract_year_starts_on): one.event.variable_cents
        for one in of_accounts
        if isinstance(one.event, FundingEstimated | YearSettled)
    }
    await connection.execute(
        _PUT_PRICES,
        [one.event.cpts_id for one in estimates],
        [one.event.contract_year_starts_on for one in estimates],
        [one.sequence for one in estimates],
        [one.id for one in estimates],
        [one.event.reason for one in estimates],
        [one.event.indicator for one in estimates],
        [one.event.figure_revision for one in estimates],
        [one.cause for one in estimates],
        [one.event.variable_cents for one in estimates],
        [one.event.previous_cents for one in estimates],
        [_json(one.event.missions) for one in estimates],
        [_json(one.event.lines) for one in estimates],
        [one.occurred_at for one in estimates],
        [one.id for one, _, _, _ in entries],
        [ordinal for _, ordinal, _, _ in entries],
        [account for _, _, account, _ in entries],
        [one.event.cpts_id for one, _, _, _ in entries],
        [one.event.contract_year_starts_on for one, _, _, _ in entries],
        [amount_cents for _, _, _, amount_cents in entries],
        [one.occurred_at for one, _, _, _ in entries],
        [one.cause for one, _, _, _ in entries],
        [cpts_id for cpts_id, _ in last],
        [starts_on for _, starts_on in last],
        [one.departement for one in last.values()],
        [one.sequence for one in last.values()],
        [amounts.get(key) for key in last],
        [one.event.taille for one in estimates],
    )


# What sets a line says no amount: the account keeps its own. The account's join row is held.
_PUT_PRICES = """
    with estimated as (
        insert into estimate (cpts_id, starts_on, sequence, event_id, reason, indicator,
                              figure_revision, cause, variable_cents, previous_cents, missions,
                              lines, occurred_at, taille)
        select * from unnest($1::text[], $2::date[], $3::bigint[], $4::uuid[], $5::text[],
                             $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[],
                             $11::jsonb[], $12::jsonb[], $13::timestamptz[], $27::smallint[])
        on conflict do nothing
    ), posted as (
        insert into ledger_entry (posting_id, ordinal, account, cpts_id, starts_on, amount_cents,
                                  occurred_at, cause)
        select * from unnest($14::uuid[], $15::smallint[], $16::text[], $17::text[], $18::date[],
                             $19::bigint[], $20::timestamptz[], $21::text[])
        on conflict do nothing
    )
    insert into account as kept (cpts_id, starts_on, departement, sequence, variable_cents)
    select cpts_id, starts_on, new.departement, new.sequence,
           coalesce(new.variable_cents, known.variable_cents, 0)
    from unnest($22::text[], $23::date[], $24::text[], $25::bigint[], $26::bigint[])
        as new (cpts_id, starts_on, departement, sequence, variable_cents)
    left join account as known using (cpts_id, starts_on)
    on conflict (cpts_id, starts_on) do update
    set sequence = excluded.sequence, variable_cents = excluded.variable_cents
    where kept.sequence < excluded.sequence
"""
