"""What the counts are made of: the steps of every CPTS, and the places that it has on a day."""

from datetime import date

import msgspec

from services.membership.domain.stages import Period, Steps
from services.messaging.database import Connection

# A validated lettre or projet stays one, whatever comes after; an ACI counts from its signature.
STEPS = """
    select cpts.cpts_id, departement, emerged_on, merged_on, lettre.validated_on as lettre_on,
           projet.validated_on as projet_on, signed.from_on, signed.to_on
    from cpts
    left join lateral (
        select min((event ->> 'validated_on')::date) as validated_on
        from entry join history on subject = entry.cpts_id and history.sequence = entry.sequence
        where entry.cpts_id = cpts.cpts_id and kind = 'LettreIntentionRecorded'
          and not (event ->> 'is_withdrawn')::boolean
    ) as lettre on true
    left join lateral (
        select min(decided_on) as validated_on from projet_de_sante as one
        where one.cpts_id = cpts.cpts_id and outcome = 'validated'
    ) as projet on true
    left join lateral (
        select array_agg(signed_on order by signed_on) as from_on,
               array_agg(ends_on order by signed_on) as to_on
        from aci where aci.cpts_id = cpts.cpts_id and not is_withdrawn
    ) as signed on true
    where $1::text is null or cpts.cpts_id = $1
    order by cpts.cpts_id
"""
PLACES_ON = """
    select cpts_id, commune, population from territory_entry
    where not is_withdrawn and from_on <= $1 and (to_on is null or to_on >= $1)
"""


class HeldOn(msgspec.Struct, frozen=True, kw_only=True):
    """A place that a CPTS has on a day, with the inhabitants it counts for."""

    cpts_id: str
    commune: str
    population: int | None


async def steps(connection: Connection, cpts_id: str | None = None) -> list[Steps]:
    """The steps of every CPTS by id, or of one."""
    return [
        Steps(
            cpts_id=row["cpts_id"],
            departement=row["departement"],
            emerged_on=row["emerged_on"],
            lettre_validated_on=row["lettre_on"],
            projet_validated_on=row["projet_on"],
            contracts=tuple(
                Period(from_on=from_on, to_on=to_on)
                for from_on, to_on in zip(row["from_on"] or (), row["to_on"] or (), strict=True)
            ),
            merged_on=row["merged_on"],
        )
        for row in await connection.fetch(STEPS, cpts_id)
    ]


async def places_on(connection: Connection, day: date) -> list[HeldOn]:
    """Every place that is held on a day."""
    return [HeldOn(**dict(row)) for row in await connection.fetch(PLACES_ON, day)]
