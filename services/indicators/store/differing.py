"""What of CPTS is counted otherwise than it should be, found where it lies: a year has millions of
demands, and a look at all of them mostly finds that all are right.
"""

from collections.abc import Collection
from datetime import date

from services.indicators.domain.figures import DEMANDS, rpps_of
from services.indicators.domain.referrals import ACCEPTED
from services.indicators.domain.rule import CountingRule, Name
from services.messaging.database import Connection

Differing = dict[str, tuple[str, date] | None]
"""By fact id: the CPTS, among those asked for, that counts it and the day; None when none does."""


async def demands(
    connection: Connection, cpts_ids: Collection[str], rule: CountingRule
) -> Differing:
    """The demands and appointments that figures of these CPTS count, or do not, and should not."""
    counting = [
        (status, period.first, period.last or date.max)
        for period, statuses in rule.all_periods(Name.REFERRAL_STATUSES)
        for status in statuses
    ]
    rows = await connection.fetch(
        _DEMANDS,
        list(cpts_ids),
        DEMANDS,
        ACCEPTED,
        *([one[n] for one in counting] for n in range(3)),
    )
    return {
        row["fact_id"]: None if row["cpts_id"] is None else (row["cpts_id"], row["day"])
        for row in rows
    }


_DEMANDS = """
    with counting as (
        select * from unnest($4::text[], $5::date[], $6::date[]) as counting (status, first, last)
    ), place as (
        select 'referral:' || referral_id collate "C" as fact_id, cpts_id, answered_on as day
        from referral join counting using (status)
        where cpts_id = any ($1) and answer = $3 and answered_on between first and last
        union all
        select 'appointment:' || appointment_id collate "C", cpts_id, booked_on
        from attribution where cpts_id = any ($1) and outcome = 'counted'
    ), year as (
        select cpts_id, starts_on, max(ends_on) as ends_on from contract_year
        where cpts_id = any ($1) group by cpts_id, starts_on
    ), wanted as (
        select fact_id, cpts_id, $2::text as indicator, starts_on, day
        from place join year using (cpts_id) where day between starts_on and ends_on
    ), latest as (
        select distinct on (cpts_id, indicator, starts_on, fact_id)
               cpts_id, indicator, starts_on, fact_id, is_counted, quantity, from_on
        from figure_fact
        where cpts_id = any ($1)
          and (fact_id ^@ 'referral:' or fact_id ^@ 'appointment:')
        order by cpts_id, indicator, starts_on, fact_id, revision desc
    ), differing as (
        select distinct fact_id
        from wanted
        full join (select * from latest where is_counted) as counted
            using (fact_id, cpts_id, indicator, starts_on)
        where wanted.day is null or counted.quantity is null or counted.quantity <> 1
           or counted.from_on <> wanted.day
    )
    select fact_id, place.cpts_id, place.day
    from differing left join place using (fact_id)
"""


async def counted_doctors(connection: Connection, cpts_ids: Collection[str]) -> set[str]:
    """The RPPS of the professionals that any figure of these CPTS counts now."""
    rows = await connection.fetch(
        """
        select distinct fact_id
        from (
            select distinct on (cpts_id, indicator, starts_on, fact_id) fact_id, is_counted
            from figure_fact where cpts_id = any ($1) and fact_id ^@ 'rpps:'
            order by cpts_id, indicator, starts_on, fact_id, revision desc
        ) as fact
        where is_counted
        """,
        list(cpts_ids),
    )
    return {rpps for row in rows if (rpps := rpps_of(row["fact_id"]))}
