"""What the HTTP API answers: figures and their facts, steering."""

from datetime import date
from typing import Any

import msgspec

from services.indicators.domain.steering import Tally
from services.messaging.database import Connection

Row = dict[str, Any]

_FIGURE = (
    "cpts_id, indicator, starts_on as contract_year_starts_on, "
    "ends_on as contract_year_ends_on, value, revision"
)


async def figures_of(
    connection: Connection, cpts_id: str, starts_on: date | None, *, after: str, limit: int
) -> list[Row]:
    """A CPTS's figures, of one contract year or of all, in order of year and indicator."""
    rows = await connection.fetch(
        f"""
        select {_FIGURE} from figure
        where cpts_id = $1 and ($2::date is null or starts_on = $2)
          and starts_on::text || '/' || indicator > $3
        order by starts_on::text || '/' || indicator limit $4
        """,  # noqa: S608  (a constant)
        cpts_id,
        starts_on,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def figure(
    connection: Connection, cpts_id: str, indicator: str, starts_on: date
) -> Row | None:
    """One figure; None when its contract year is not known."""
    row = await connection.fetchrow(
        f"select {_FIGURE} from figure "  # noqa: S608  (a constant)
        "where cpts_id = $1 and indicator = $2 and starts_on = $3",
        cpts_id,
        indicator,
        starts_on,
    )
    return None if row is None else dict(row)


async def counted_facts(
    connection: Connection,
    cpts_id: str,
    indicator: str,
    starts_on: date,
    *,
    after: str,
    limit: int,
) -> list[Row]:
    """The facts that a figure counts now, in order of their id."""
    rows = await connection.fetch(
        """
        select fact_id, revision
        from (select distinct on (fact_id) fact_id, revision, is_counted
              from figure_fact
              where cpts_id = $1 and indicator = $2 and starts_on = $3 and fact_id > $4
              order by fact_id, revision desc) as fact
        where is_counted
        order by fact_id limit $5
        """,
        cpts_id,
        indicator,
        starts_on,
        after,
        limit,
    )
    return [dict(row) for row in rows]


async def contract_year_end(connection: Connection, cpts_id: str, starts_on: date) -> date | None:
    """The last day of a contract year; None when it is not known."""
    last: date | None = await connection.fetchval(
        "select max(ends_on) from contract_year where cpts_id = $1 and starts_on = $2",
        cpts_id,
        starts_on,
    )
    return last


async def tally(connection: Connection, cpts_id: str, first: date, last: date) -> Tally:
    """The referrals that a CPTS answered from `first` to `last`, both included."""
    row = await connection.fetchrow(
        """
        select count(*) filter (where answer = 'accepted') as accepted,
               count(*) filter (where answer = 'declined') as declined,
               count(*) filter (where answer = 'expired') as expired,
               count(*) filter (where answer = 'accepted' and status = 'honoured') as honoured,
               count(*) filter (where answer = 'accepted' and status = 'missed') as missed,
               percentile_disc(0.5) within group (order by delay_seconds)
                   filter (where answer = 'accepted') as delay_seconds_p50,
               percentile_disc(0.9) within group (order by delay_seconds)
                   filter (where answer = 'accepted') as delay_seconds_p90
        from (select answer, status,
                     floor(extract(epoch from starts_at - received_at))::bigint as delay_seconds
              from referral
              where cpts_id = $1 and answered_on between $2 and $3) as answered
        """,
        cpts_id,
        first,
        last,
    )
    return msgspec.convert(dict(row or {}), Tally)
