"""The lists of the SAS platforms, and the participations beside them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.events.membership import ParticipationRecorded
from services.membership.domain import Cpts
from services.membership.domain.participants import Followed, Home, Listed, PlatformList
from services.messaging.database import Connection

LISTS = "select platform, listed_on, departements from platform_list order by platform"
LIST = "select platform, listed_on, departements from platform_list where platform = $1"
KEEP_LIST = """
    insert into platform_list (platform, listed_on, departements) values ($1, $2, $3)
    on conflict (platform) do update
    set listed_on = excluded.listed_on, departements = excluded.departements
"""
FORGET = "delete from platform_participant where platform = $1"
KEEP = """
    insert into platform_participant (platform, rpps, way, structure_finess, since_on)
    select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::date[])
"""
LOCK_CONCERNED = """
    select cpts.* from cpts
    where cpts_id in (
        select cpts_id from member where rpps = any ($2)
        union select cpts_id from participation where verified_by = $1 and to_on is null
    )
    order by cpts_id for update
"""
# Of each professional and CPTS the membership that began first and holds on the day.
HOMES = """
    select rpps, cpts_id, departement, finess, min(from_on) as from_on
    from member join cpts using (cpts_id)
    where rpps = any ($1) and not is_withdrawn and from_on <= $2
      and (to_on is null or to_on >= $2) and (merged_on is null or merged_on > $2)
      and ($3::text[] is null or cpts_id = any ($3))
    group by rpps, cpts_id, departement, finess
"""
VERIFIED = """
    select * from participation
    where verified_by = $1 and to_on is null and not is_withdrawn
    order by cpts_id, participation_id
"""
_DECLARED = """
    verified_by is null and not is_withdrawn and from_on <= $1 and (to_on is null or to_on >= $1)
"""
NEXT = f"""
    select rpps from (
        select rpps from platform_participant
        union select rpps from participation where {_DECLARED}
    ) as professional
    where rpps > $2 and ($3::text is null or rpps in (
        select rpps from member where cpts_id = $3
        union select rpps from participation where cpts_id = $3
    ))
    order by rpps limit $4
"""  # noqa: S608 - a constant
LISTED = """
    select platform, rpps, way, structure_finess, since_on from platform_participant
    where rpps = any ($1)
"""
DECLARED = f"""
    select participation.*, departement from participation join cpts using (cpts_id)
    where rpps = any ($2) and {_DECLARED} order by cpts_id, participation_id
"""  # noqa: S608 - a constant


async def lists(connection: Connection) -> list[PlatformList]:
    """The lists that are there."""
    return [msgspec.convert(dict(row), PlatformList) for row in await connection.fetch(LISTS)]


async def list_of(connection: Connection, platform: str) -> PlatformList | None:
    """The list of a platform; None when there is none."""
    row = await connection.fetchrow(LIST, platform)
    return None if row is None else msgspec.convert(dict(row), PlatformList)


async def keep(connection: Connection, told: PlatformList, listed: Sequence[Listed]) -> None:
    """Keep a list in the place of the platform's former one."""
    await connection.execute(KEEP_LIST, told.platform, told.listed_on, list(told.departements))
    await connection.execute(FORGET, told.platform)
    await connection.execute(
        KEEP,
        told.platform,
        [one.rpps for one in listed],
        [one.way for one in listed],
        [one.structure_finess for one in listed],
        [one.since_on for one in listed],
    )


async def lock_concerned(
    connection: Connection, platform: str, rpps: Collection[str]
) -> dict[str, Cpts]:
    """The CPTS that a list may say something of, by id, locked."""
    rows = await connection.fetch(LOCK_CONCERNED, platform, list(rpps))
    return {row["cpts_id"]: Cpts(**dict(row)) for row in rows}


async def homes(
    connection: Connection, rpps: Collection[str], day: date, among: Collection[str] | None = None
) -> dict[str, list[Home]]:
    """The CPTS of professionals on a day, by RPPS, `among` some or of all; who has none is left
    out.
    """
    found: defaultdict[str, list[Home]] = defaultdict(list)
    for row in await connection.fetch(
        HOMES, list(rpps), day, list(among) if among is not None else None
    ):
        values = dict(row)
        found[values.pop("rpps")].append(Home(**values))
    return found


async def verified_by(connection: Connection, platform: str) -> list[ParticipationRecorded]:
    """The participations that a platform has verified and that have no end."""
    return [_participation(row) for row in await connection.fetch(VERIFIED, platform)]


async def followed_after(
    connection: Connection, day: date, after: str, cpts_id: str | None, limit: int
) -> tuple[list[Followed], dict[str, str]]:
    """The next professionals whom a platform lists or a CPTS declares on a day, by RPPS; and the
    département of each CPTS that declares. With `cpts_id` those of that CPTS.
    """
    rows = await connection.fetch(NEXT, day, after, cpts_id, limit)
    rpps = [row["rpps"] for row in rows]
    listed: defaultdict[str, dict[str, Listed]] = defaultdict(dict)
    for row in await connection.fetch(LISTED, rpps):
        values = dict(row)
        platform = values.pop("platform")
        listed[values["rpps"]][platform] = msgspec.convert(values, Listed)
    declared: defaultdict[str, list[ParticipationRecorded]] = defaultdict(list)
    departements = {}
    for row in await connection.fetch(DECLARED, day, rpps):
        declared[row["rpps"]].append(_participation(row))
        departements[row["cpts_id"]] = row["departement"]
    belonging = await homes(connection, rpps, day)
    followed = [
        Followed(
            rpps=one,
            homes=belonging.get(one, []),
            listed=listed.get(one, {}),
            declared=declared.get(one, []),
        )
        for one in rpps
    ]
    return followed, departements


def _participation(row: Any) -> ParticipationRecorded:
    return ParticipationRecorded(
        **{name: row[name] for name in ParticipationRecorded.__struct_fields__}
    )
