"""What membership told, as far as the doors need it; the highest sequence of an entry is kept."""

from collections.abc import Sequence
from typing import Any

from contracts.events.membership import (
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.recorded import Recorded
from services.messaging.database import Connection

KEEP_CPTS = """
    insert into cpts (cpts_id, departement, cpts_name)
    select distinct on (cpts_id) * from unnest($1::text[], $2::text[], $3::text[])
        as new (cpts_id, departement, cpts_name)
    on conflict (cpts_id) do update set cpts_name = excluded.cpts_name
"""
# A registration without FINESS counts as sequence 0, so that it never takes a number away.
KEEP_FINESS = """
    insert into cpts (cpts_id, departement, finess, finess_sequence)
    select distinct on (cpts_id) *
    from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        as new (cpts_id, departement, finess, sequence)
    order by cpts_id, sequence desc
    on conflict (cpts_id) do update
    set finess = excluded.finess, finess_sequence = excluded.finess_sequence
    where cpts.finess_sequence < excluded.finess_sequence
"""
KEEP_MEMBERS = """
    insert into member (
        cpts_id, member_id, rpps, profession, from_on, to_on, is_withdrawn, sequence
    )
    select distinct on (cpts_id, member_id) *
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::boolean[],
        $8::bigint[]
    ) as new (cpts_id, member_id, rpps, profession, from_on, to_on, is_withdrawn, sequence)
    order by cpts_id, member_id, sequence desc
    on conflict (cpts_id, member_id) do update
    set rpps = excluded.rpps, profession = excluded.profession, from_on = excluded.from_on,
        to_on = excluded.to_on, is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where member.sequence < excluded.sequence
"""
KEEP_PARTICIPATIONS = """
    insert into participation (
        cpts_id, participation_id, rpps, way, from_on, to_on, is_withdrawn, sequence
    )
    select distinct on (cpts_id, participation_id) *
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[], $7::boolean[],
        $8::bigint[]
    ) as new (cpts_id, participation_id, rpps, way, from_on, to_on, is_withdrawn, sequence)
    order by cpts_id, participation_id, sequence desc
    on conflict (cpts_id, participation_id) do update
    set rpps = excluded.rpps, way = excluded.way, from_on = excluded.from_on,
        to_on = excluded.to_on, is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where participation.sequence < excluded.sequence
"""


async def keep_cpts(connection: Connection, told: Sequence[Recorded[CptsRegistered]]) -> None:
    """Keep each CPTS's name and département, which its registration alone tells."""
    if told:
        await connection.execute(
            KEEP_CPTS,
            [one.event.cpts_id for one in told],
            [one.departement for one in told],
            [one.event.cpts_name for one in told],
        )


async def keep_finess(
    connection: Connection, told: Sequence[Recorded[CptsRegistered | FinessAssigned]]
) -> None:
    """Keep each CPTS's FINESS: the highest sequence stands."""
    if told:
        await connection.execute(
            KEEP_FINESS,
            [one.event.cpts_id for one in told],
            [one.departement for one in told],
            [one.event.finess for one in told],
            [one.sequence if one.event.finess else 0 for one in told],
        )


async def keep_members(connection: Connection, told: Sequence[Recorded[MemberRecorded]]) -> None:
    """Keep the present state of these memberships."""
    if told:
        await _keep(connection, KEEP_MEMBERS, told, "member_id", "profession")


async def keep_participations(
    connection: Connection, told: Sequence[Recorded[ParticipationRecorded]]
) -> None:
    """Keep the present state of these participations."""
    if told:
        await _keep(connection, KEEP_PARTICIPATIONS, told, "participation_id", "way")


async def _keep(
    connection: Connection, query: str, told: Sequence[Recorded[Any]], id_: str, word: str
) -> None:
    """Keep entries of a professional in a CPTS, each known by `id_`, with a coded `word`."""
    names = ("cpts_id", id_, "rpps", word, "from_on", "to_on", "is_withdrawn")
    columns = [[getattr(one.event, name) for one in told] for name in names]
    await connection.execute(query, *columns, [one.sequence for one in told])
