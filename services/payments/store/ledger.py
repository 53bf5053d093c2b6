"""The ledger as accountants read it: balances by journal, the entries of a year, what must hold."""

from collections.abc import Collection
from typing import Any

from services.messaging.database import Connection
from services.payments.domain.fec import Entry
from services.payments.store.postings import LEDGER_LOCK

Row = dict[str, Any]
# A line counts on its day; one without, on the day in Paris on which it came to be.
DAY = "coalesce(booked_on, (occurred_at at time zone 'Europe/Paris')::date)"


async def trial_balance(
    connection: Connection, *, journal: str | None, cpts_id: str | None
) -> list[Row]:
    """Debits, credits and balance of each account in each journal, for all CPTS or one."""
    rows = await connection.fetch(
        """
        select journal, account,
               coalesce(sum(amount_cents) filter (where amount_cents > 0), 0)::bigint
                   as debit_cents,
               coalesce(-sum(amount_cents) filter (where amount_cents < 0), 0)::bigint
                   as credit_cents,
               sum(amount_cents)::bigint as balance_cents
        from ledger_entry
        where ($1::text is null or journal = $1) and ($2::text is null or cpts_id = $2)
        group by journal, account order by journal, account
        """,
        journal,
        cpts_id,
    )
    return [dict(row) for row in rows]


async def entries_of_year(
    connection: Connection, cpts_id: str, year: int, journals: Collection[str]
) -> list[Entry]:
    """The lines of a CPTS that count in a civil year, in the order in which they were entered.

    In a transaction: who is entering lines of this CPTS is waited for, and until its end nobody
    enters others, so that no line comes later and stands before one that was read.
    """
    await connection.execute("select pg_advisory_xact_lock($1, hashtext($2))", LEDGER_LOCK, cpts_id)
    rows = await connection.fetch(
        f"""
        select posting_id::text as posting_id, journal, account, amount_cents, {DAY} as day,
               (occurred_at at time zone 'Europe/Paris')::date as recorded_on
        from ledger_entry
        where cpts_id = $1 and journal = any ($3) and extract(year from {DAY}) = $2
        order by entered
        """,  # noqa: S608 - a constant of this module
        cpts_id,
        year,
        list(journals),
    )
    return [Entry(**row) for row in rows]


async def invariants(connection: Connection) -> dict[str, bool]:
    """What must always hold of journals, payments and uses, each computed from the rows now."""
    row = await connection.fetchrow(
        """
        select
            not exists (select from ledger_entry group by cpts_id, journal
                        having sum(amount_cents) <> 0) as journals_sum_to_zero_per_cpts,
            not exists (
                select from (
                    select 'owed:' || cpts_id || to_char(starts_on, ':YYYY-MM-DD') as account,
                           -line.amount_cents as cents
                    from payment_order_line as line join payment_order using (order_id, cpts_id)
                    where state = 'executed'
                    union all
                    select 'member:' || cpts_id || ':' || line.rpps, -line.amount_cents
                    from payment_order_indemnity as line
                    join payment_order using (order_id, cpts_id) where state = 'executed'
                    union all
                    select account, amount_cents from ledger_entry
                    where journal = 'payments' and account not like 'bank:%') as both_sides
                group by account having sum(cents) <> 0) as payments_equal_postings,
            not exists (
                select from (
                    select cpts_id, -amount_cents as cents from indemnity where not is_withdrawn
                    union all
                    select cpts_id, -amount_cents from fund_use where not is_withdrawn
                    union all
                    select cpts_id, amount_cents from ledger_entry
                    where journal = 'uses' and account like 'use:%') as both_sides
                group by cpts_id having sum(cents) <> 0) as uses_equal_postings,
            not exists (
                select from (
                    select 'member:' || cpts_id || ':' || rpps as account, amount_cents as cents
                    from indemnity where is_paid_by_batch and not is_withdrawn
                    union all
                    select account, amount_cents from ledger_entry
                    where journal = 'uses' and account like 'member:%') as both_sides
                group by account having sum(cents) <> 0) as debts_equal_postings
        """
    )
    return dict(row) if row else {}
