"""What must always hold of the figures, worked out again by SQL from what was heard.

It shares no code with the handlers that keep the figures: it is there to judge them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from services.indicators.domain.figures import (
    DEMANDS,
    DOCTORS,
    DOCTORS_VIA_CPTS,
    INDICATOR_LABELS,
)
from services.indicators.domain.rule import CountingRule, Name
from services.indicators.store.declared_invariant import declared_facts_equal_entries
from services.messaging.database import Connection

# Of each indicator, the facts that the rule gives: (CPTS, contract year, fact).
RIGHT_FACTS: Final[Mapping[str, str]] = {
    DOCTORS: "select cpts_id, starts_on, fact_id from doctor",
    DOCTORS_VIA_CPTS: "select cpts_id, starts_on, fact_id from doctor where is_via_cpts",
    DEMANDS: """
        select year.cpts_id, year.starts_on, 'referral:' || referral_id as fact_id
        from referral
        join counting_status as rule on rule.word = status and answered_on between first and last
        join contract_year as year on year.cpts_id = referral.cpts_id
             and answered_on between year.starts_on and year.ends_on
        where answer = 'accepted'
        union
        select year.cpts_id, year.starts_on, 'appointment:' || appointment_id
        from attribution
        join contract_year as year on year.cpts_id = attribution.cpts_id
             and booked_on between year.starts_on and year.ends_on
        where outcome = 'counted'
    """,
}
# An indicator without its facts here would make the invariant false: it is an error at once.
if _WITHOUT_FACTS := INDICATOR_LABELS.keys() - RIGHT_FACTS.keys():
    raise ValueError(
        f"RIGHT_FACTS has no facts of {', '.join(sorted(_WITHOUT_FACTS))}, computed from events: "
        "README.md, “How to add an indicator”"
    )
_RIGHT_FACTS = " union ".join(
    f"select cpts_id, '{indicator}' as indicator, starts_on, fact_id "  # noqa: S608
    f"from ({RIGHT_FACTS[indicator]}) as fact"
    for indicator in INDICATOR_LABELS
)
_INDICATORS = ", ".join(f"'{indicator}'" for indicator in INDICATOR_LABELS)


async def invariants(connection: Connection, rule: CountingRule) -> dict[str, bool]:
    """What must always hold, computed from the rows now.

    `figures_equal_facts`: each figure is the sum of the facts it counts; `revisions_equal_rows`:
    and its revision the number of rows behind it; `facts_equal_rule`: the facts counted are those
    that the rule gives, worked out again from members, referrals and attributions;
    `declared_facts_equal_entries`: those of declared figures are what the entries give.
    """
    words = [
        [(word, period.first, period.last or date.max) for period, words in dated for word in words]
        for dated in (
            rule.all_periods(Name.REFERRAL_STATUSES),
            rule.all_periods(Name.PROFESSIONS),
            rule.all_periods(Name.PARTICIPATION_WAYS),
        )
    ]
    row = await connection.fetchrow(
        _INVARIANTS, *([one[n] for one in dated] for dated in words for n in range(3))
    )
    declared = await declared_facts_equal_entries(connection, rule)
    return {**dict(row or {}), "declared_facts_equal_entries": declared}


_INVARIANTS = f"""
    with counting_status as (
        select * from unnest($1::text[], $2::date[], $3::date[]) as rule (word, first, last)
    ), counting_profession as (
        select * from unnest($4::text[], $5::date[], $6::date[]) as rule (word, first, last)
    ), counting_way as (
        select * from unnest($7::text[], $8::date[], $9::date[]) as rule (word, first, last)
    ), doctor as (
        select member.cpts_id, year.starts_on, 'rpps:' || member.rpps as fact_id,
               participation.way = 'cpts' and participation.cpts_id = member.cpts_id as is_via_cpts
        from member
        join counting_profession as profession on profession.word = member.profession
        join participation on participation.rpps = member.rpps
        join counting_way as way on way.word = participation.way
        join contract_year as year on year.cpts_id = member.cpts_id
        where not member.is_withdrawn and not participation.is_withdrawn
          and greatest(member.from_on, profession.first, participation.from_on, way.first,
                       year.starts_on)
           <= least(member.to_on, profession.last, participation.to_on, way.last, year.ends_on)
    ), right_fact as (
        {_RIGHT_FACTS}
    ), latest_fact as (
        select distinct on (cpts_id, indicator, starts_on, fact_id)
               cpts_id, indicator, starts_on, fact_id, is_counted, quantity
        from figure_fact
        order by cpts_id, indicator, starts_on, fact_id, revision desc
    ), counted_fact as (
        select cpts_id, indicator, starts_on, fact_id from latest_fact
        where is_counted and indicator in ({_INDICATORS})
    ), told as (
        select cpts_id, indicator, starts_on, count(*) as revision from figure_fact
        group by cpts_id, indicator, starts_on
    ), counted as (
        select cpts_id, indicator, starts_on, sum(quantity) as value from latest_fact
        where is_counted
        group by cpts_id, indicator, starts_on
    )
    select
        not exists (
            select from figure full join counted using (cpts_id, indicator, starts_on)
            where coalesce(figure.value, -1) <> coalesce(counted.value, 0)
        ) as figures_equal_facts,
        not exists (
            select from figure full join told using (cpts_id, indicator, starts_on)
            where coalesce(figure.revision, -1) <> coalesce(told.revision, 0)
        ) as revisions_equal_rows,
        not exists (select * from right_fact except select * from counted_fact)
        and not exists (select * from counted_fact except select * from right_fact)
            as facts_equal_rule
"""  # noqa: S608  (names of indicators)
