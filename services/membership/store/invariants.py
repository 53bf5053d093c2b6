"""What must always hold of CPTS, computed from the rows now."""

from contracts.communes import resolve
from services.messaging.database import Connection

# Two entries clash on a common day when one holds what the other holds: the same part, the whole of
# what the other has a part of, or the city of which the other is an arrondissement.
INVARIANTS = """
    with held as (
        select *, daterange(from_on, to_on, '[]') as days
        from territory_entry where not is_withdrawn and (to_on is null or from_on <= to_on)
    ), contract as (
        select cpts_id, aci_id, daterange(starts_on, ends_on, '[]') as days
        from aci where not is_withdrawn
    ), year as (
        select aci.cpts_id, year.starts_on
        from aci
        join history on subject = aci.cpts_id and history.sequence = aci.sequence
        cross join lateral jsonb_to_recordset(event -> 'contract_years') as year (starts_on date)
    )
    select
        not exists (
            select from held as one
            join held as other on other.place = one.place and other.days && one.days
             and (other.cpts_id, other.entry_id) > (one.cpts_id, one.entry_id)
            where case when one.commune = other.commune
                       then one.part is null or other.part is null or one.part = other.part
                       else one.place in (one.commune, other.commune) end
        ) as places_are_held_once,
        not exists (
            select from contract as one
            join contract as other on other.cpts_id = one.cpts_id and other.aci_id > one.aci_id
             and other.days && one.days
        ) as one_aci_a_day,
        not exists (
            select from year where not exists (
                select from taille
                where taille.cpts_id = year.cpts_id and contract_year_starts_on = year.starts_on)
        ) as contract_years_have_a_taille
"""
# What the parts of a commune declare together is greatest on the first day of one of them.
DECLARED = """
    select commune, max(declared) as declared from (
        select one.commune, one.from_on, sum(other.population) as declared
        from (select distinct commune, from_on from territory_entry
              where part is not null and not is_withdrawn) as one
        join territory_entry as other on other.commune = one.commune
         and other.part is not null and not other.is_withdrawn
         and one.from_on between other.from_on and coalesce(other.to_on, 'infinity')
        group by one.commune, one.from_on
    ) as on_a_day
    group by commune
"""


async def invariants(connection: Connection) -> dict[str, bool]:
    """Each invariant by its name, and whether it holds."""
    row = await connection.fetchrow(INVARIANTS)
    populations = [
        (one["declared"], commune.population)
        for one in await connection.fetch(DECLARED)
        if (commune := resolve(one["commune"])) is not None
    ]
    return dict(row or {}) | {
        "parts_fit_their_commune": all(
            population is None or declared <= population for declared, population in populations
        )
    }
