"""What the HTTP API answers: funding, explanations, the ledger and the live invariants."""

from datetime import date
from typing import Any

from contracts.indicators import indicators
from services.messaging.database import Connection

Row = dict[str, Any]


def _rows(records: list[Any]) -> list[Row]:
    return [dict(record) for record in records]


async def contract_years(connection: Connection, cpts_id: str) -> list[Row]:
    """The CPTS's contract years with their taille, in order of time.

    A year that has an account and is in no ACI any more is among them, without its last day.
    """
    return _rows(
        await connection.fetch(
            """
            select year.starts_on, contract_year.ends_on, taille.taille, taille.population
            from (select starts_on from contract_year where cpts_id = $1
                  union select starts_on from account where cpts_id = $1) as year
            left join contract_year on contract_year.cpts_id = $1
                 and contract_year.starts_on = year.starts_on
            left join taille on taille.cpts_id = $1 and taille.starts_on = year.starts_on
            order by year.starts_on
            """,
            cpts_id,
        )
    )


async def estimates(
    connection: Connection, cpts_id: str, starts_on: date, *, after: int, limit: int
) -> list[Row]:
    """The computations of an account from a sequence on, oldest first."""
    return _rows(
        await connection.fetch(
            """
            select sequence, reason, indicator, figure_revision, cause, variable_cents,
                   previous_cents, missions, lines, occurred_at
            from estimate
            where cpts_id = $1 and starts_on = $2 and sequence > $3
            order by sequence limit $4
            """,
            cpts_id,
            starts_on,
            after,
            limit,
        )
    )


async def counted_facts(
    connection: Connection,
    cpts_id: str,
    starts_on: date,
    indicator: str,
    *,
    after: str = "",
    limit: int | None = None,
    revision: int,
) -> list[str]:
    """The facts that a figure counted at a revision, in order of their id; all without a limit."""
    rows = await connection.fetch(
        """
        select fact_id
        from (select distinct on (fact_id) fact_id, is_counted
              from figure_fact
              where cpts_id = $1 and starts_on = $2 and indicator = $3 and fact_id > $4
                and revision <= $6
              order by fact_id, revision desc) as fact
        where is_counted
        order by fact_id limit $5
        """,
        cpts_id,
        starts_on,
        indicator,
        after,
        limit,
        revision,
    )
    return [row["fact_id"] for row in rows]


async def ledger_balances(connection: Connection, *, after: str, limit: int) -> list[Row]:
    """Accounts of the ledger by name, each with its balance in signed cents."""
    return _rows(
        await connection.fetch(
            """
            select account, sum(amount_cents)::bigint as balance_cents, count(*) as entries
            from ledger_entry where account > $1 group by account order by account limit $2
            """,
            after,
            limit,
        )
    )


async def ledger_sum(connection: Connection) -> int:
    """All balances of the ledger together, in cents: 0."""
    total = await connection.fetchval("select sum(amount_cents)::bigint from ledger_entry")
    return int(total or 0)


async def ledger_entries(
    connection: Connection, cpts_id: str, *, after: str, limit: int
) -> list[Row]:
    """The ledger lines of a CPTS, in order of their posting."""
    return _rows(
        await connection.fetch(
            """
            select posting_id::text as posting_id, ordinal, account, starts_on, amount_cents,
                   occurred_at, journal, cause
            from ledger_entry
            where cpts_id = $1 and (posting_id::text || '/' || ordinal) > $2
            order by posting_id::text || '/' || ordinal limit $3
            """,
            cpts_id,
            after,
            limit,
        )
    )


async def rates(connection: Connection, *, after: str, limit: int) -> list[Row]:
    """Amounts of the scale by id, each with who confirmed it, when, and by which text."""
    return _rows(
        await connection.fetch(
            """
            select rate.*, confirmed.confirmed_by, confirmed.confirmed_at,
                   confirmed.read_on as confirmed_read_on, confirmed.text as confirmed_text
            from rate left join rate_confirmation as confirmed using (rate_id)
            where rate_id > $1 order by rate_id limit $2
            """,
            after,
            limit,
        )
    )


async def invariants(connection: Connection) -> dict[str, bool]:
    """What must always hold, each computed from the rows now.

    A figure computed from events counts its facts; another is what was declared or added up.
    """
    counted_otherwise = [one.code for one in indicators().values() if one.source != "events"]
    row = await connection.fetchrow(
        """
        select
            (select coalesce(sum(amount_cents), 0) = 0 from ledger_entry)
                as ledger_sums_to_zero,
            not exists (select from ledger_entry group by posting_id
                        having sum(amount_cents) <> 0) as postings_sum_to_zero,
            not exists (
                select from account
                left join (select cpts_id, starts_on, -sum(amount_cents) as cents
                           from ledger_entry where account like 'payable:%'
                           group by cpts_id, starts_on) as posted using (cpts_id, starts_on)
                left join settlement using (cpts_id, starts_on)
                where coalesce(cents, 0)
                      <> case when event is null then variable_cents else 0 end)
                as accounts_equal_postings,
            not exists (
                select from figure
                where indicator <> all ($1) and value <> (
                    select count(*) from (
                        select distinct on (fact_id) is_counted
                        from figure_fact
                        where figure_fact.cpts_id = figure.cpts_id
                          and figure_fact.starts_on = figure.starts_on
                          and figure_fact.indicator = figure.indicator
                        order by fact_id, figure_fact.revision desc) as fact
                    where is_counted)) as figures_equal_facts,
            not exists (
                select from (
                    select case when is_held then 'held:' else 'owed:' end || cpts_id || ':'
                           || starts_on as account, amount_cents from due
                    union all
                    select account, amount_cents from ledger_entry
                    where journal = 'dues' and account ~ '^(held|owed):') as both_sides
                group by account having sum(amount_cents) <> 0) as dues_equal_postings
        """,
        counted_otherwise,
    )
    return dict(row) if row else {}
