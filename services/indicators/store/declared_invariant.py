"""What must always hold of the declared figures, worked out again by SQL from the entries.

It shares no code with the domain that gives their facts: it is there to judge it.
"""

from datetime import date, timedelta

from contracts.indicators import indicators
from services.indicators.domain.rule import CountingRule, Name
from services.messaging.database import Connection


async def declared_facts_equal_entries(connection: Connection, rule: CountingRule) -> bool:
    """Whether the facts counted, each with what it adds, are those that the entries give."""
    added = sorted(rule.activities.added, key=lambda one: (one.kind, one.indicator, one.from_on))
    lasts = [
        following.from_on - timedelta(days=1)
        if (following.kind, following.indicator) == (one.kind, one.indicator)
        else date.max
        for one, following in zip(added, [*added[1:], *added[:1]], strict=True)
    ]
    declared = [one for one in indicators().values() if one.source != "events"]
    typologies = [
        (word, period.first, period.last or date.max)
        for period, words in rule.all_periods(Name.CRISIS_TYPOLOGIES)
        for word in words
    ]
    is_right: bool = await connection.fetchval(
        _IS_RIGHT,
        [one.kind for one in added],
        [one.indicator for one in added],
        [one.counts for one in added],
        [one.unit for one in added],
        [one.from_on for one in added],
        lasts,
        [one.code for one in declared],
        [one.from_on for one in declared],
        [one.to_on or date.max for one in declared],
        *([one[n] for one in typologies] for n in range(3)),
    )
    return is_right


_IS_RIGHT = """
    with added as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[])
            as added (kind, indicator, counts, unit, first, last)
    ), declared as (
        select * from unnest($7::text[], $8::date[], $9::date[])
            as declared (indicator, from_on, to_on)
    ), typology as (
        select * from unnest($10::text[], $11::date[], $12::date[]) as typology (word, first, last)
    ), said as (
        select kind, cpts_id, event from entry join history using (subject, sequence)
        where not coalesce((event ->> 'is_withdrawn')::boolean, false)
    ), year as (
        select cpts_id, starts_on, max(ends_on) as ends_on from contract_year group by 1, 2
    ), activity as (
        select said.cpts_id, added.*, event, event ->> 'activity_id' as activity_id,
               (event ->> 'held_on')::date as day
        from said join added on added.kind = event ->> 'kind'
             and (event ->> 'held_on')::date between first and last
        where said.kind = 'ActivityRecorded'
    ), plan as (
        select cpts_id, event, (event ->> 'sent_to_ars_on')::date as sent_on, not exists (
                   select from typology
                   where (event ->> 'written_on')::date between first and last
                     and not event -> 'typologies' ? word
               ) as is_whole
        from said where kind = 'CrisisPlanRecorded'
    ), response as (
        select answer.cpts_id, answer.event, (crisis.event ->> 'from_on')::date as day
        from said as answer
        join said as crisis on crisis.kind = 'CrisisRecognised'
             and crisis.event ->> 'crisis_id' = answer.event ->> 'crisis_id'
        join cpts on cpts.cpts_id = answer.cpts_id
             and crisis.event -> 'departements' ? cpts.departement
        where answer.kind = 'CrisisResponseRecorded'
    ), on_a_day as (
        select cpts_id, indicator, day, 'activity:' || cpts_id || '/' || activity_id as fact_id,
               case when counts = 'sessions' then 1 else (
                   select sum((one ->> 'count')::bigint)
                   from jsonb_array_elements(event -> 'quantities') as one
                   where one ->> 'unit' = activity.unit) end as quantity
        from activity where counts in ('sessions', 'quantity')
        union all
        select cpts_id, indicator, day, 'participant:' || cpts_id || '/' || rpps, 1
        from activity, jsonb_array_elements_text(event -> 'participants') as rpps
        where counts = 'professionals'
        union all
        select cpts_id, 'crise_mise_a_jour', day::date, 'plan:' || cpts_id, 1
        from plan, jsonb_array_elements_text(event -> 'updated_on') as day
        where is_whole and sent_on is not null
        union all
        select cpts_id, 'crise_actions', day,
               'response:' || cpts_id || '/' || (event ->> 'crisis_id'),
               (event ->> 'actions_count')::bigint
        from response
        union all
        select cpts_id, 'crise_professionnels', day, 'mobilised:' || cpts_id || '/' || rpps, 1
        from response, jsonb_array_elements_text(event -> 'professionals') as rpps
    ), right_fact as (
        select distinct cpts_id, indicator, starts_on, fact_id, quantity::bigint
        from on_a_day join year using (cpts_id)
        where day between starts_on and ends_on and quantity > 0
        union
        select cpts_id, 'crise_plan', starts_on, 'plan:' || cpts_id, 1
        from plan join year using (cpts_id) where is_whole and sent_on <= ends_on
        union
        select said.cpts_id, event ->> 'indicator', starts_on, 'value:' || said.cpts_id,
               (event ->> 'value')::bigint
        from said join year on year.cpts_id = said.cpts_id
             and starts_on = (event ->> 'contract_year_starts_on')::date
        where kind = 'ValueRecorded'
    ), wanted as (
        select cpts_id, indicator, starts_on, fact_id, quantity
        from right_fact join declared using (indicator)
        where starts_on between declared.from_on and declared.to_on
    ), latest as (
        select distinct on (cpts_id, indicator, starts_on, fact_id)
               cpts_id, indicator, starts_on, fact_id, quantity, is_counted
        from figure_fact where indicator = any ($7)
        order by cpts_id, indicator, starts_on, fact_id, revision desc
    ), counted as (
        select cpts_id, indicator, starts_on, fact_id, quantity from latest where is_counted
    )
    select not exists (select * from wanted except select * from counted)
       and not exists (select * from counted except select * from wanted)
"""
