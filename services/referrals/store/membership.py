"""What membership told, as far as referrals need it; the highest sequence of an entry is kept."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.departements import NATIONAL
from contracts.events.membership import CptsRegistered, FinessAssigned, MemberRecorded
from contracts.recorded import Recorded
from services.messaging.database import Connection
from services.referrals.domain.territory import TerritoryEntry

# A registration without FINESS counts as sequence 0, so that it never takes a number away.
KEEP_CPTS = """
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
    insert into member (cpts_id, member_id, rpps, from_on, to_on, is_withdrawn, sequence)
    select distinct on (cpts_id, member_id) *
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::boolean[], $7::bigint[]
    ) as new (cpts_id, member_id, rpps, from_on, to_on, is_withdrawn, sequence)
    order by cpts_id, member_id, sequence desc
    on conflict (cpts_id, member_id) do update
    set rpps = excluded.rpps, from_on = excluded.from_on, to_on = excluded.to_on,
        is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where member.sequence < excluded.sequence
"""
KEEP_ENTRIES = """
    insert into territory_entry (
        cpts_id, entry_id, place_key, commune, part, from_on, to_on, is_withdrawn, sequence
    )
    select distinct on (cpts_id, entry_id) *
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
        $6::date[], $7::date[], $8::boolean[], $9::bigint[]
    ) as new (
        cpts_id, entry_id, place_key, commune, part, from_on, to_on, is_withdrawn, sequence
    )
    order by cpts_id, entry_id, sequence desc
    on conflict (cpts_id, entry_id) do update
    set place_key = excluded.place_key, commune = excluded.commune, part = excluded.part,
        from_on = excluded.from_on, to_on = excluded.to_on,
        is_withdrawn = excluded.is_withdrawn, sequence = excluded.sequence
    where territory_entry.sequence < excluded.sequence
"""
SELECT_ENTRIES = """
    select cpts_id, entry_id, place_key, commune, part, from_on, to_on, is_withdrawn, sequence
    from territory_entry where place_key = any ($1)
"""
SELECT_ENTRIES_AND_KNOWN = """
    select exists (select from referral where referral_id = $2) as is_known, entry.*
    from (values (1)) as one (row)
    left join (
        select cpts_id, entry_id, place_key, commune, part, from_on, to_on, is_withdrawn, sequence
        from territory_entry where place_key = $1
    ) as entry on true
"""
SELECT_DEPARTEMENT = """
    select coalesce(
        (select departement from cpts where finess = $1 order by cpts_id collate "C" limit 1),
        (
            select cpts.departement from member join cpts using (cpts_id)
            where member.rpps = $2 and not member.is_withdrawn and member.from_on <= $3
                and (member.to_on is null or $3 <= member.to_on)
            order by cpts_id collate "C" limit 1
        ),
        $4
    )
"""


async def keep_cpts(
    connection: Connection, told: Sequence[Recorded[CptsRegistered | FinessAssigned]]
) -> None:
    """Keep each CPTS's département and its FINESS: the highest sequence stands."""
    if told:
        await connection.execute(
            KEEP_CPTS,
            [one.event.cpts_id for one in told],
            [one.departement for one in told],
            [one.event.finess for one in told],
            [one.sequence if one.event.finess else 0 for one in told],
        )


async def keep_members(connection: Connection, told: Sequence[Recorded[MemberRecorded]]) -> None:
    """Keep the present state of these memberships."""
    if told:
        await connection.execute(
            KEEP_MEMBERS,
            [one.event.cpts_id for one in told],
            [one.event.member_id for one in told],
            [one.event.rpps for one in told],
            [one.event.from_on for one in told],
            [one.event.to_on for one in told],
            [one.event.is_withdrawn for one in told],
            [one.sequence for one in told],
        )


async def keep_entries(connection: Connection, entries: Sequence[TerritoryEntry]) -> None:
    """Keep the present state of these territory entries."""
    if entries:
        names = TerritoryEntry.__struct_fields__
        columns: list[list[Any]] = [[getattr(one, name) for one in entries] for name in names]
        await connection.execute(KEEP_ENTRIES, *columns)


async def entries_of(connection: Connection, place_keys: Sequence[str]) -> list[TerritoryEntry]:
    """All territory entries of these places, withdrawn ones included."""
    rows = await connection.fetch(SELECT_ENTRIES, place_keys)
    return [msgspec.convert(dict(row), TerritoryEntry) for row in rows]


async def entries_by_place(
    connection: Connection, place_keys: Sequence[str]
) -> dict[str, list[TerritoryEntry]]:
    """All territory entries of each of these places."""
    entries: dict[str, list[TerritoryEntry]] = {key: [] for key in place_keys}
    for entry in await entries_of(connection, place_keys):
        entries[entry.place_key].append(entry)
    return entries


async def entries_for_demand(
    connection: Connection, place_key: str, referral_id: str
) -> tuple[list[TerritoryEntry], bool]:
    """All entries of a place, and whether the referral is known already, in one statement."""
    rows = await connection.fetch(SELECT_ENTRIES_AND_KNOWN, place_key, referral_id)
    found = (dict(row) for row in rows if row["cpts_id"] is not None)
    return [msgspec.convert(row, TerritoryEntry) for row in found], rows[0]["is_known"]


async def departement_of_organisation(
    connection: Connection, *, finess: str | None, rpps: str | None, day: date
) -> str:
    """The département of the CPTS with this FINESS, else of the practitioner's that day, else 00.

    Of several CPTS of a practitioner, the one with the smallest id.
    """
    found = await connection.fetchval(SELECT_DEPARTEMENT, finess, rpps, day, NATIONAL)
    return str(found)
