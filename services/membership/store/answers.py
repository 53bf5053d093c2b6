"""What people are shown: CPTS and their entries, who holds a place, and what to look at."""

from datetime import date
from typing import Any

from services.messaging.database import Connection

CPTS_PAGE = """
    select cpts_id, cpts_name, seat_commune, departement, finess from cpts
    where cpts_id > $1 and ($2::text is null or departement = $2)
    order by cpts_id limit $3
"""
CPTS = """
    select cpts_id, cpts_name, seat_commune, departement, finess, emerged_on, merged_on,
           into_cpts_id, sequence
    from cpts where cpts_id = $1
"""
# Of each contract year, the places without a known population on its first day: they stopped the
# taille from following the territory.
YEARS = """
    select aci.cpts_id, aci.aci_id, year.starts_on, year.ends_on, taille.taille, taille.population,
           array(
               select distinct commune from territory_entry as entry
               where entry.cpts_id = aci.cpts_id and not entry.is_withdrawn
                 and entry.population is null and entry.from_on <= year.starts_on
                 and (entry.to_on is null or entry.to_on >= year.starts_on)
               order by commune
           ) as unknown_communes
    from aci
    join history on subject = aci.cpts_id and history.sequence = aci.sequence
    cross join lateral jsonb_to_recordset(event -> 'contract_years')
        as year (starts_on date, ends_on date)
    left join taille
        on taille.cpts_id = aci.cpts_id and taille.contract_year_starts_on = year.starts_on
"""
POPULATION_WARNINGS_PAGE = f"""
    select cpts_id, aci_id, starts_on as contract_year_starts_on, taille, population,
           unknown_communes
    from ({YEARS}) as year
    where unknown_communes <> '{{}}' and (cpts_id, starts_on) > ($1, $2)
    order by cpts_id, starts_on limit $3
"""  # noqa: S608 - a constant
IS_MISSED = "is_missed_said or coalesce(met_on > due_on, false)"
# What is near of a CPTS that has become a part of another is nobody's to meet.
DEADLINES_PAGE = f"""
    select cpts_id, cpts_name, departement, aci_id, mission, step, due_on, met_on
    from mission_deadline join cpts using (cpts_id)
    where case when $1 then {IS_MISSED}
               else is_near_said and not is_missed_said and met_on is null and merged_on is null
          end
      and ($2::text is null or departement = $2)
      and (due_on, cpts_id, aci_id, mission, step) > ($3, $4, $5, $6, $7)
    order by due_on, cpts_id, aci_id, mission, step limit $8
"""  # noqa: S608 - a constant
HOLDERS = """
    select cpts_id, cpts_name, entry_id, commune, part, population, from_on, to_on
    from territory_entry join cpts using (cpts_id)
    where commune = any ($1) and not is_withdrawn
      and from_on <= $2 and (to_on is null or to_on >= $2)
    order by commune, part nulls first
"""
WARNINGS_PAGE = """
    select cpts_id, kind, id, rpps from (
        select cpts_id, 'member' as kind, member_id as id, rpps, is_withdrawn
        from member where has_wrong_check_digit
        union all
        select cpts_id, 'participation', participation_id, rpps, is_withdrawn
        from participation where has_wrong_check_digit
    ) as entry
    where not is_withdrawn and (cpts_id, kind, id) > ($1, $2, $3)
    order by cpts_id, kind, id limit $4
"""


async def cpts_page(
    connection: Connection, *, departement: str | None, after: str, limit: int
) -> list[dict[str, Any]]:
    """CPTS by id, from the one after `after`, of one département or of all."""
    rows = await connection.fetch(CPTS_PAGE, after, departement, limit)
    return [dict(row) for row in rows]


async def cpts_summary(connection: Connection, cpts_id: str) -> dict[str, Any] | None:
    """One CPTS without its entries; None when there is none."""
    row = await connection.fetchrow(CPTS, cpts_id)
    return None if row is None else dict(row)


async def deadlines_page(
    connection: Connection,
    *,
    are_missed: bool,
    departement: str | None,
    after: tuple[date, str, str, str, str],
    limit: int,
) -> list[dict[str, Any]]:
    """The deadlines that were missed, else those that are near, after (day, CPTS, ACI, mission,
    step).
    """
    rows = await connection.fetch(DEADLINES_PAGE, are_missed, departement, *after, limit)
    return [dict(row) for row in rows]


async def holders(connection: Connection, communes: list[str], on: date) -> list[dict[str, Any]]:
    """Who holds these communes or arrondissements, or parts of them, on a day."""
    return [dict(row) for row in await connection.fetch(HOLDERS, communes, on)]


async def warnings_page(
    connection: Connection, *, after: tuple[str, str, str], limit: int
) -> list[dict[str, Any]]:
    """The entries whose RPPS has a wrong check digit, after (cpts_id, kind, id)."""
    rows = await connection.fetch(WARNINGS_PAGE, *after, limit)
    return [dict(row) for row in rows]


async def population_warnings_page(
    connection: Connection, *, after: tuple[str, date], limit: int
) -> list[dict[str, Any]]:
    """The contract years whose territory has places of unknown population, after (CPTS, day)."""
    rows = await connection.fetch(POPULATION_WARNINGS_PAGE, *after, limit)
    return [dict(row) for row in rows]
