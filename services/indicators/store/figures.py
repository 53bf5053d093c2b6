"""The figures and the facts that they count, changed only by `apply`."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from contracts.events.indicators import FigureChanged
from contracts.recorded import Recorded
from services.indicators.domain.days import Period
from services.indicators.domain.figures import ContractYear, Counted, Figure, FigureKey
from services.messaging.database import Connection


async def apply(connection: Connection, recorded: Sequence[Recorded[FigureChanged]]) -> None:
    """Brings figures up to these events of the own topic; known ones change nothing."""
    facts = [
        (one.event, change, revision)
        for one in recorded
        for revision, change in enumerate(
            one.event.facts, start=one.event.revision - len(one.event.facts) + 1
        )
    ]
    await connection.execute(
        _APPLY,
        [one.sequence for one in recorded],
        [one.departement for one in recorded],
        [one.event.cpts_id for one in recorded],
        [one.event.indicator for one in recorded],
        [one.event.contract_year_starts_on for one in recorded],
        [one.event.contract_year_ends_on for one in recorded],
        [one.event.value for one in recorded],
        [one.event.revision for one in recorded],
        [event.cpts_id for event, _, _ in facts],
        [event.indicator for event, _, _ in facts],
        [event.contract_year_starts_on for event, _, _ in facts],
        [change.fact_id for _, change, _ in facts],
        [revision for _, _, revision in facts],
        [change.is_counted for _, change, _ in facts],
        [change.quantity for _, change, _ in facts],
        [change.from_on for _, change, _ in facts],
    )


_APPLY = """
    with said as (
        select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::date[],
                             $6::date[], $7::bigint[], $8::bigint[])
            as said (sequence, departement, cpts_id, indicator, starts_on, ends_on, value, revision)
    ), kept_fact as (
        insert into figure_fact (cpts_id, indicator, starts_on, fact_id, revision, is_counted,
                                 quantity, from_on)
        select * from unnest($9::text[], $10::text[], $11::date[], $12::text[], $13::bigint[],
                             $14::boolean[], $15::bigint[], $16::date[])
        on conflict do nothing
    )
    insert into figure as kept (cpts_id, indicator, starts_on, ends_on, departement, value,
                                revision, sequence)
    select distinct on (cpts_id, indicator, starts_on)
           cpts_id, indicator, starts_on, ends_on, departement, value, revision, sequence
    from said
    order by cpts_id, indicator, starts_on, sequence desc
    on conflict (cpts_id, indicator, starts_on) do update
    set ends_on = excluded.ends_on, value = excluded.value, revision = excluded.revision,
        sequence = excluded.sequence
    where kept.sequence < excluded.sequence
"""


async def lock_figures(
    connection: Connection, keys: Collection[FigureKey]
) -> dict[FigureKey, Figure]:
    """The figures that exist among `keys`, locked in their order."""
    ordered = sorted(keys)
    rows = await connection.fetch(
        """
        select figure.* from figure
        join unnest($1::text[], $2::text[], $3::date[]) as key (cpts_id, indicator, starts_on)
            using (cpts_id, indicator, starts_on)
        order by cpts_id, indicator, starts_on
        for update of figure
        """,
        [key.cpts_id for key in ordered],
        [key.indicator for key in ordered],
        [key.starts_on for key in ordered],
    )
    found = [
        Figure(
            key=_key(row),
            ends_on=row["ends_on"],
            departement=row["departement"],
            value=row["value"],
            revision=row["revision"],
            sequence=row["sequence"],
        )
        for row in rows
    ]
    return {figure.key: figure for figure in found}


async def keys_of_years(
    connection: Connection, years: Collection[tuple[str, date]]
) -> set[FigureKey]:
    """The figures that there are of contract years, each a CPTS and a first day."""
    rows = await connection.fetch(
        """
        select cpts_id, indicator, starts_on from figure
        join unnest($1::text[], $2::date[]) as year (cpts_id, starts_on)
            using (cpts_id, starts_on)
        """,
        [cpts_id for cpts_id, _ in years],
        [starts_on for _, starts_on in years],
    )
    return {_key(row) for row in rows}


Counting = dict[str, dict[FigureKey, Counted]]


async def counted_in(connection: Connection, fact_ids: Collection[str]) -> Counting:
    """The figures that count each fact now, and what it adds."""
    rows = await connection.fetch(
        """
        select distinct on (fact_id, cpts_id, indicator, starts_on) *
        from figure_fact
        where fact_id = any ($1)
        order by fact_id, cpts_id, indicator, starts_on, revision desc
        """,
        list(fact_ids),
    )
    return _counting(rows)


async def counted_of(
    connection: Connection, cpts_ids: Collection[str], indicators: Collection[str]
) -> Counting:
    """The facts that figures of these CPTS and indicators count now, and what each adds."""
    rows = await connection.fetch(
        """
        select distinct on (cpts_id, indicator, starts_on, fact_id) *
        from figure_fact
        where cpts_id = any ($1) and indicator = any ($2)
        order by cpts_id, indicator, starts_on, fact_id, revision desc
        """,
        list(cpts_ids),
        list(indicators),
    )
    return _counting(rows)


def _counting(rows: Sequence[Any]) -> Counting:
    counted: Counting = {}
    for row in rows:
        if row["is_counted"]:
            there = counted.setdefault(row["fact_id"], {})
            there[_key(row)] = Counted(row["quantity"], row["from_on"])
    return counted


async def years_of(connection: Connection, cpts_ids: Collection[str]) -> list[ContractYear]:
    """The contract years of these CPTS, and those of which only a figure is left."""
    rows = await connection.fetch(
        """
        select cpts_id, starts_on, max(ends_on) as ends_on
        from (
            select cpts_id, starts_on, ends_on from contract_year where cpts_id = any ($1)
            union
            select cpts_id, starts_on, ends_on from figure where cpts_id = any ($1)
        ) as year
        group by cpts_id, starts_on
        """,
        list(cpts_ids),
    )
    return [
        ContractYear(cpts_id=row["cpts_id"], period=Period(row["starts_on"], row["ends_on"]))
        for row in rows
    ]


def _key(row: Any) -> FigureKey:
    return FigureKey(row["cpts_id"], row["indicator"], row["starts_on"])
