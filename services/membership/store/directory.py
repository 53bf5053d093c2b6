"""The extracts of the national directory as they are kept, and the entries that they are beside."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from services.membership.domain.directory import (
    Directory,
    KnownProfessional,
    KnownStructure,
    Named,
    NamedStructure,
    place_in,
)
from services.membership.domain.extracts import Kind, Rejected, columns_of
from services.messaging.database import Connection

LOCK = "select pg_try_advisory_xact_lock(hashtext('directory'), hashtext($1))"
TABLES = {Kind.PROFESSIONALS: "directory_activity", Kind.STRUCTURES: "directory_structure"}
KEYS = {Kind.PROFESSIONALS: "rpps", Kind.STRUCTURES: "finess"}
KEPT = "select kept_count from directory_extract where kind = $1"
EXTRACTS = """
    select kind, taken_on, imported_at, line_count, kept_count, passed_over_count,
        (select count(*) from directory_rejection as one where one.kind = extract.kind)
            as rejected_count
    from directory_extract as extract order by kind
"""
KEEP_EXTRACT = """
    insert into directory_extract (
        kind, taken_on, imported_at, line_count, kept_count, passed_over_count
    )
    values ($1, $2, $3, $4, $5, $6)
    on conflict (kind) do update
    set taken_on = excluded.taken_on, imported_at = excluded.imported_at,
        line_count = excluded.line_count, kept_count = excluded.kept_count,
        passed_over_count = excluded.passed_over_count
"""
FORGET_REJECTIONS = "delete from directory_rejection where kind = $1"
KEEP_REJECTIONS = """
    insert into directory_rejection (kind, line, reason, field)
    select $1, * from unnest($2::bigint[], $3::text[], $4::text[])
"""
REJECTIONS = """
    select line, reason, field from directory_rejection
    where kind = $1 and line > $2 order by line limit $3
"""
KNOWN_KINDS = "select kind from directory_extract"
PROFESSIONALS = """
    select rpps, array_agg(distinct profession) as professions,
        array_remove(array_agg(distinct specialty), null) as specialties,
        array_remove(
            array_agg(distinct '1' || finess) || array_agg(distinct '3' || siret)
                || array_agg(distinct former_number), null
        ) as places
    from directory_activity where rpps = any ($1) group by rpps
"""
STRUCTURES = """
    select '1' || finess as finess, array_agg(distinct category) as categories,
        array_remove(array_agg(distinct siret), null) as sirets
    from directory_structure where finess = any ($1) group by finess
"""
_STRUCTURE = """
    select entry.cpts_id, entry_id, event ->> 'kind' as structure_kind,
        event ->> 'finess' as finess, event ->> 'siret' as siret,
        coalesce((event ->> 'is_withdrawn')::boolean, false) as is_withdrawn,
        (event ->> 'to_on')::date as to_on
    from entry join history on subject = entry.cpts_id and history.sequence = entry.sequence
    where entry.kind = 'StructureRecorded'
"""
ENTRIES = f"""
    with structure as ({_STRUCTURE}), standing as (
        select 'cpts' as kind, cpts_id, cpts_id as id, null as rpps, null as profession,
            'cpts' as structure_kind, finess, null as siret, null::date as to_on
        from cpts where finess is not null
        union all
        select 'member', member.cpts_id, member_id, rpps, profession, structure.structure_kind,
            structure.finess, structure.siret, member.to_on
        from member left join structure
            on structure.cpts_id = member.cpts_id and structure.entry_id = member.structure_id
        where not member.is_withdrawn
        union all
        select 'participation', cpts_id, participation_id, rpps, null, null, null, null, to_on
        from participation where not is_withdrawn
        union all
        select 'structure', cpts_id, entry_id, null, null, structure_kind, finess, siret, to_on
        from structure where not is_withdrawn and finess is not null
    )
    select kind, cpts_id, id, rpps, profession, structure_kind, finess, siret from standing
    where (to_on is null or to_on >= $1) and ($2::text is null or cpts_id = $2)
      and (cpts_id, kind, id) > ($3, $4, $5)
    order by cpts_id, kind, id limit $6
"""  # noqa: S608 - a constant


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that stands today or later, and who or what it names."""

    kind: str
    cpts_id: str
    id: str
    professional: Named | None
    structure: NamedStructure | None


async def lock_import(connection: Connection, kind: Kind) -> bool:
    """Whether no other import of that kind is under way; held until the end of the transaction."""
    return bool(await connection.fetchval(LOCK, kind.value))


async def kept_count(connection: Connection, kind: Kind) -> int:
    """The rows of the extract that is there; 0 without one."""
    return await connection.fetchval(KEPT, kind) or 0


async def stage(connection: Connection, kind: Kind, rows: AsyncIterator[bytes]) -> None:
    """Copy rows, in PostgreSQL's own text form, beside those that are there."""
    table = TABLES[kind]
    await connection.execute(f"create table {table}_next (like {table})")
    await connection.copy_to_table(f"{table}_next", source=rows, columns=columns_of(kind))


async def swap(connection: Connection, kind: Kind) -> None:
    """Put what was staged in the place of what was there: questions wait for this alone."""
    table, key = TABLES[kind], KEYS[kind]
    await connection.execute(f"create index {table}_{key}_next on {table}_next ({key})")
    await connection.execute(f"analyze {table}_next")
    await connection.execute(f"drop table {table}")
    await connection.execute(f"alter table {table}_next rename to {table}")
    await connection.execute(f"alter index {table}_{key}_next rename to {table}_{key}")


async def keep_extract(
    connection: Connection,
    kind: Kind,
    taken_on: date | None,
    imported_at: datetime,
    *counts: int,
) -> None:
    """Keep which extract is there, with its lines, rows kept, rows passed over."""
    await connection.execute(KEEP_EXTRACT, kind, taken_on, imported_at, *counts)


async def keep_rejections(
    connection: Connection, kind: Kind, rejected: Sequence[tuple[int, Rejected]]
) -> None:
    """Keep which rows of the extract were in error, and no longer those of the one before."""
    await connection.execute(FORGET_REJECTIONS, kind)
    await connection.execute(
        KEEP_REJECTIONS,
        kind,
        [line for line, _ in rejected],
        [one.reason for _, one in rejected],
        [one.field for _, one in rejected],
    )


async def extracts(connection: Connection) -> list[dict[str, Any]]:
    """The extracts that are there."""
    return [dict(row) for row in await connection.fetch(EXTRACTS)]


async def rejections(
    connection: Connection, kind: Kind, after: int, limit: int
) -> list[dict[str, Any]]:
    """The rows of an extract that were in error, by line."""
    return [dict(row) for row in await connection.fetch(REJECTIONS, kind, after, limit)]


async def directory(
    connection: Connection, rpps: Collection[str] = (), finess: Collection[str] = ()
) -> Directory:
    """What the extracts say of professionals, and of structures by FINESS with its prefix."""
    there = {row["kind"] for row in await connection.fetch(KNOWN_KINDS)}
    professionals = structures = None
    if Kind.PROFESSIONALS in there:
        rows = await connection.fetch(PROFESSIONALS, list(rpps)) if rpps else []
        professionals = {row["rpps"]: _professional(row) for row in rows}
    if Kind.STRUCTURES in there:
        numbers = [one.removeprefix("1") for one in finess]
        rows = await connection.fetch(STRUCTURES, numbers) if numbers else []
        structures = {row["finess"]: _structure(row) for row in rows}
    return Directory(professionals=professionals, structures=structures)


async def standing(
    connection: Connection,
    day: date,
    cpts_id: str | None,
    after: tuple[str, str, str],
    limit: int,
) -> list[Standing]:
    """The entries that stand on a day or later, after (CPTS, kind, id), of one CPTS or of all."""
    rows = await connection.fetch(ENTRIES, day, cpts_id, *after, limit)
    return [_standing(row) for row in rows]


def _standing(row: Any) -> Standing:
    kind, finess, siret = row["structure_kind"], row["finess"], row["siret"]
    rpps, professional, structure = row["rpps"], None, None
    if rpps is not None:
        place = place_in(kind, finess, siret)
        professional = Named(rpps=rpps, profession=row["profession"], place=place)
    else:
        structure = NamedStructure(kind=kind, finess=finess, siret=siret)
    return Standing(
        kind=row["kind"],
        cpts_id=row["cpts_id"],
        id=row["id"],
        professional=professional,
        structure=structure,
    )


def _professional(row: Any) -> KnownProfessional:
    return KnownProfessional(
        professions=frozenset(row["professions"]),
        specialties=frozenset(row["specialties"]),
        places=frozenset(row["places"]),
    )


def _structure(row: Any) -> KnownStructure:
    return KnownStructure(categories=frozenset(row["categories"]), sirets=frozenset(row["sirets"]))
