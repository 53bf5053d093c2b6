"""What membership said, kept by natural keys: of each entry the highest sequence stands.

Each function answers what it changed; what was known already changes nothing.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from contracts.events.membership import (
    AciSigned,
    CptsMerged,
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.recorded import Recorded
from services.indicators.domain.days import Period
from services.indicators.domain.figures import ContractYear
from services.messaging.database import Connection


class EntryChange(msgspec.Struct, frozen=True):
    """An entry of a CPTS about a professional that is new or changed."""

    cpts_id: str
    rpps: str


async def put_cpts(connection: Connection, heard: Sequence[Recorded[Any]]) -> dict[str, set[str]]:
    """Keeps each CPTS with its key and FINESS; answers the FINESS that changed hands, by CPTS."""
    finess = [
        one.event.finess if isinstance(one.event, CptsRegistered | FinessAssigned) else None
        for one in heard
    ]
    rows = await connection.fetch(
        """
        insert into cpts as kept (cpts_id, departement, finess, finess_sequence)
        select distinct on (cpts_id) cpts_id, departement, finess, sequence
        from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
            as said (cpts_id, departement, finess, sequence)
        order by cpts_id, sequence desc
        on conflict (cpts_id) do update
        set finess = excluded.finess, finess_sequence = excluded.finess_sequence
        where kept.finess_sequence < excluded.finess_sequence
        returning new.cpts_id, old.finess as previous, new.finess as present
        """,
        [one.subject for one in heard],
        [one.departement for one in heard],
        finess,
        [one.sequence if number else 0 for one, number in zip(heard, finess, strict=True)],
    )
    moved = {
        row["cpts_id"]: {row["previous"], row["present"]} - {None}
        for row in rows
        if row["previous"] != row["present"]
    }
    return {cpts_id: numbers for cpts_id, numbers in moved.items() if numbers}


async def put_mergers(connection: Connection, heard: Sequence[Recorded[CptsMerged]]) -> set[str]:
    """Keeps which CPTS are parts of others, and since when; answers those that were not known."""
    if not heard:
        return set()
    rows = await connection.fetch(
        """
        update cpts set merged_on = said.merged_on, into_cpts_id = said.into_cpts_id
        from unnest($1::text[], $2::date[], $3::text[]) as said (cpts_id, merged_on, into_cpts_id)
        where cpts.cpts_id = said.cpts_id and cpts.merged_on is null
        returning cpts.cpts_id
        """,
        [one.event.cpts_id for one in heard],
        [one.event.merged_on for one in heard],
        [one.event.into_cpts_id for one in heard],
    )
    return {row["cpts_id"] for row in rows}


async def finess_of_parts(connection: Connection, cpts_ids: Collection[str]) -> dict[str, set[str]]:
    """The FINESS of CPTS and of all that are parts of these, by the CPTS asked for."""
    rows = await connection.fetch(
        """
        with recursive part as (
            select cpts_id as whole, cpts_id, finess from cpts where cpts_id = any ($1)
            union
            select whole, cpts.cpts_id, cpts.finess from cpts
            join part on cpts.into_cpts_id = part.cpts_id
        )
        select whole, finess from part where finess is not null
        """,
        list(cpts_ids),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["whole"], set()).add(row["finess"])
    return found


async def put_contract_years(
    connection: Connection, heard: Sequence[Recorded[AciSigned]]
) -> list[ContractYear]:
    """Keeps the contract years of signed ACI; answers those that came and those that went.

    The highest sequence of an ACI replaces all its years; what it says again changes nothing.
    """
    latest: dict[tuple[str, str], Recorded[AciSigned]] = {}
    for one in heard:
        key = (one.event.cpts_id, one.event.aci_id)
        latest[key] = max(latest.get(key, one), one, key=lambda each: each.sequence)
    if not latest:
        return []
    newer = await connection.fetch(
        """
        insert into aci as kept (cpts_id, aci_id, sequence)
        select * from unnest($1::text[], $2::text[], $3::bigint[])
        on conflict (cpts_id, aci_id) do update set sequence = excluded.sequence
        where kept.sequence < excluded.sequence
        returning cpts_id, aci_id
        """,
        [cpts_id for cpts_id, _ in latest],
        [aci_id for _, aci_id in latest],
        [one.sequence for one in latest.values()],
    )
    signed = [latest[row["cpts_id"], row["aci_id"]].event for row in newer]
    years = [(aci, year) for aci in signed for year in aci.contract_years]
    said = (
        [aci.cpts_id for aci, _ in years],
        [aci.aci_id for aci, _ in years],
        [year.starts_on for _, year in years],
        [year.ends_on for _, year in years],
    )
    gone = await connection.fetch(
        """
        delete from contract_year
        where (cpts_id, aci_id) in (select * from unnest($5::text[], $6::text[]))
          and (cpts_id, aci_id, starts_on, ends_on) not in (
              select * from unnest($1::text[], $2::text[], $3::date[], $4::date[]))
        returning cpts_id, starts_on, ends_on
        """,
        *said,
        [aci.cpts_id for aci in signed],
        [aci.aci_id for aci in signed],
    )
    come = await connection.fetch(
        """
        insert into contract_year (cpts_id, aci_id, starts_on, ends_on)
        select * from unnest($1::text[], $2::text[], $3::date[], $4::date[])
        on conflict do nothing
        returning cpts_id, starts_on, ends_on
        """,
        *said,
    )
    return [_contract_year(row) for row in (*gone, *come)]


async def put_members(
    connection: Connection, heard: Sequence[Recorded[MemberRecorded]]
) -> list[EntryChange]:
    """Keeps memberships; answers the CPTS and professionals concerned by a change."""
    if not heard:
        return []
    rows = await connection.fetch(
        """
        insert into member as kept (cpts_id, member_id, sequence, rpps, profession,
                                    from_on, to_on, is_withdrawn)
        select distinct on (cpts_id, member_id) *
        from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[],
                    $6::date[], $7::date[], $8::boolean[])
            as said (cpts_id, member_id, sequence, rpps, profession, from_on, to_on, is_withdrawn)
        order by cpts_id, member_id, sequence desc
        on conflict (cpts_id, member_id) do update
        set sequence = excluded.sequence, rpps = excluded.rpps, profession = excluded.profession,
            from_on = excluded.from_on, to_on = excluded.to_on,
            is_withdrawn = excluded.is_withdrawn
        where kept.sequence < excluded.sequence
        returning new.cpts_id, old.rpps as previous, new.rpps as present
        """,
        [one.event.cpts_id for one in heard],
        [one.event.member_id for one in heard],
        [one.sequence for one in heard],
        [one.event.rpps for one in heard],
        [one.event.profession for one in heard],
        [one.event.from_on for one in heard],
        [one.event.to_on for one in heard],
        [one.event.is_withdrawn for one in heard],
    )
    return _entry_changes(rows)


async def put_participations(
    connection: Connection, heard: Sequence[Recorded[ParticipationRecorded]]
) -> list[EntryChange]:
    """Keeps participations; answers the CPTS and professionals concerned by a change."""
    if not heard:
        return []
    rows = await connection.fetch(
        """
        insert into participation as kept (cpts_id, participation_id, sequence, rpps, way,
                                           from_on, to_on, is_withdrawn)
        select distinct on (cpts_id, participation_id) *
        from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[],
                    $6::date[], $7::date[], $8::boolean[])
            as said (cpts_id, participation_id, sequence, rpps, way, from_on, to_on, is_withdrawn)
        order by cpts_id, participation_id, sequence desc
        on conflict (cpts_id, participation_id) do update
        set sequence = excluded.sequence, rpps = excluded.rpps, way = excluded.way,
            from_on = excluded.from_on, to_on = excluded.to_on,
            is_withdrawn = excluded.is_withdrawn
        where kept.sequence < excluded.sequence
        returning new.cpts_id, old.rpps as previous, new.rpps as present
        """,
        [one.event.cpts_id for one in heard],
        [one.event.participation_id for one in heard],
        [one.sequence for one in heard],
        [one.event.rpps for one in heard],
        [one.event.way for one in heard],
        [one.event.from_on for one in heard],
        [one.event.to_on for one in heard],
        [one.event.is_withdrawn for one in heard],
    )
    return _entry_changes(rows)


async def contract_years(
    connection: Connection, cpts_ids: Sequence[str]
) -> dict[str, list[ContractYear]]:
    """Every contract year of the CPTS, by CPTS.

    Until a correction of one ACI has come, two may hold a year that begins on one day: the longer.
    """
    rows = await connection.fetch(
        """
        select cpts_id, starts_on, max(ends_on) as ends_on from contract_year
        where cpts_id = any ($1) group by cpts_id, starts_on
        """,
        cpts_ids,
    )
    years: dict[str, list[ContractYear]] = {}
    for row in rows:
        years.setdefault(row["cpts_id"], []).append(_contract_year(row))
    return years


async def cpts_after(connection: Connection, cpts_id: str, limit: int) -> list[str]:
    """The next CPTS, in order of their id."""
    rows = await connection.fetch(
        "select cpts_id from cpts where cpts_id > $1 order by cpts_id limit $2", cpts_id, limit
    )
    return [row["cpts_id"] for row in rows]


async def departements(connection: Connection, cpts_ids: Sequence[str]) -> dict[str, str]:
    """The key of each CPTS."""
    rows = await connection.fetch(
        "select cpts_id, departement from cpts where cpts_id = any ($1)", cpts_ids
    )
    return {row["cpts_id"]: row["departement"] for row in rows}


async def professionals_of(connection: Connection, cpts_ids: Sequence[str]) -> set[str]:
    """The RPPS of everybody who is, was or will be a member of one of the CPTS."""
    rows = await connection.fetch(
        "select distinct rpps from member where cpts_id = any ($1)", cpts_ids
    )
    return {row["rpps"] for row in rows}


async def cpts_of(connection: Connection, rpps: Sequence[str]) -> set[str]:
    """The CPTS of which one of the professionals is, was or will be a member."""
    rows = await connection.fetch("select distinct cpts_id from member where rpps = any ($1)", rpps)
    return {row["cpts_id"] for row in rows}


def _entry_changes(rows: Sequence[Any]) -> list[EntryChange]:
    return [
        EntryChange(row["cpts_id"], rpps)
        for row in rows
        for rpps in {row["previous"], row["present"]} - {None}
    ]


def _contract_year(row: Any) -> ContractYear:
    period = Period(row["starts_on"], row["ends_on"])
    return ContractYear(cpts_id=row["cpts_id"], period=period)
