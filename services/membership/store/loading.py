"""What an order locks and reads before it decides."""

from collections.abc import Collection
from datetime import date
from typing import TypeVar

import asyncpg
import msgspec

from contracts.events.membership import (
    AciSigned,
    CptsRegistered,
    MemberRecorded,
    ParticipationRecorded,
    TailleDetermined,
    TerritoryPlaceRecorded,
)
from services.membership.domain import Cpts
from services.membership.domain.territory import HeldPlace
from services.messaging.database import Connection

E = TypeVar("E", bound=msgspec.Struct)

LOCK_CPTS = """
    select * from cpts where cpts_id = $1 for update
"""
CPTS_WITH_FINESS = """
    select * from cpts where finess = $1
"""
REGISTRATION = """
    select event::text as event from history where subject = $1 and sequence = 1
"""
TERRITORY_AT = """
    select territory_entry.*, cpts_name from territory_entry join cpts using (cpts_id)
    where place = any ($1) and not is_withdrawn order by cpts_id, entry_id
"""
TERRITORY_OF = """
    select * from territory_entry where cpts_id = $1 order by entry_id
"""
TERRITORY_ENTRIES = """
    select * from territory_entry where cpts_id = $1 and entry_id = any ($2)
"""
FIRST_PLACES = """
    select history.event::text as event from territory_entry as entry
    join history on subject = cpts_id and history.sequence = first_sequence
    where cpts_id = $1 and entry_id = any ($2)
"""
MEMBERS_WITH_RPPS = """
    select * from member where cpts_id = $1 and rpps = any ($2) order by member_id
"""
MEMBERS = """
    select * from member where cpts_id = $1 and member_id = any ($2)
"""
FIRST_MEMBERS = """
    select history.event::text as event from member as entry
    join history on subject = cpts_id and history.sequence = first_sequence
    where cpts_id = $1 and member_id = any ($2)
"""
PARTICIPATION = """
    select * from participation where cpts_id = $1 and participation_id = $2
"""
FIRST_PARTICIPATION = """
    select history.event::text as event from participation as entry
    join history on subject = cpts_id and history.sequence = first_sequence
    where cpts_id = $1 and participation_id = $2
"""
SIGNED = """
    select history.event::text as event from aci
    join history on subject = cpts_id and history.sequence = aci.sequence
    where cpts_id = $1 order by starts_on
"""
FIRST_ACI = """
    select history.event::text as event from aci
    join history on subject = cpts_id and history.sequence = first_sequence
    where cpts_id = $1 and aci_id = $2
"""
MEMBERS_OF = """
    select * from member where cpts_id = $1 order by member_id
"""
TAILLES = """
    select cpts_id, contract_year_starts_on, taille, population from taille where cpts_id = $1
"""


async def lock_cpts(connection: Connection, cpts_id: str) -> Cpts | None:
    """The CPTS, its row locked until the end of the transaction; None when there is none."""
    row = await connection.fetchrow(LOCK_CPTS, cpts_id)
    return None if row is None else Cpts(**dict(row))


async def cpts_with_finess(connection: Connection, finess: str | None) -> Cpts | None:
    """The CPTS that has this FINESS, if any."""
    row = None if finess is None else await connection.fetchrow(CPTS_WITH_FINESS, finess)
    return None if row is None else Cpts(**dict(row))


async def registration(connection: Connection, cpts_id: str) -> CptsRegistered | None:
    """The first event of a CPTS; None when it is not registered."""
    row = await connection.fetchrow(REGISTRATION, cpts_id)
    return None if row is None else _event(row, CptsRegistered)


async def territory_at(connection: Connection, places: Collection[str]) -> list[HeldPlace]:
    """The present entries of every CPTS at these place keys, withdrawn ones left out."""
    rows = await connection.fetch(TERRITORY_AT, list(places))
    return [
        HeldPlace(place=row["place"], cpts_name=row["cpts_name"], entry=_territory_entry(row))
        for row in rows
    ]


async def territory_of(connection: Connection, cpts_id: str) -> list[TerritoryPlaceRecorded]:
    """The present entries of a CPTS, withdrawn ones too."""
    return [_territory_entry(row) for row in await connection.fetch(TERRITORY_OF, cpts_id)]


async def territory_entries(
    connection: Connection, cpts_id: str, entry_ids: Collection[str]
) -> dict[str, TerritoryPlaceRecorded]:
    """The present state of these entries, by id; those that do not exist are left out."""
    rows = await connection.fetch(TERRITORY_ENTRIES, cpts_id, list(entry_ids))
    return {row["entry_id"]: _territory_entry(row) for row in rows}


async def first_places(
    connection: Connection, cpts_id: str, entry_ids: Collection[str]
) -> dict[str, TerritoryPlaceRecorded]:
    """The first event of these entries, by id."""
    rows = await connection.fetch(FIRST_PLACES, cpts_id, list(entry_ids))
    events = [_event(row, TerritoryPlaceRecorded) for row in rows]
    return {event.entry_id: event for event in events}


async def members_with_rpps(
    connection: Connection, cpts_id: str, numbers: Collection[str]
) -> list[MemberRecorded]:
    """The present entries of these professionals in a CPTS."""
    rows = await connection.fetch(MEMBERS_WITH_RPPS, cpts_id, list(numbers))
    return [_member(row) for row in rows]


async def members(
    connection: Connection, cpts_id: str, member_ids: Collection[str]
) -> dict[str, MemberRecorded]:
    """The present state of these members, by id; those that do not exist are left out."""
    rows = await connection.fetch(MEMBERS, cpts_id, list(member_ids))
    return {row["member_id"]: _member(row) for row in rows}


async def members_of(connection: Connection, cpts_id: str) -> list[MemberRecorded]:
    """The present state of all the members of a CPTS, withdrawn ones included."""
    return [_member(row) for row in await connection.fetch(MEMBERS_OF, cpts_id)]


async def first_members(
    connection: Connection, cpts_id: str, member_ids: Collection[str]
) -> dict[str, MemberRecorded]:
    """The first event of these members, by id."""
    rows = await connection.fetch(FIRST_MEMBERS, cpts_id, list(member_ids))
    events = [_event(row, MemberRecorded) for row in rows]
    return {event.member_id: event for event in events}


async def participation(
    connection: Connection, cpts_id: str, participation_id: str
) -> ParticipationRecorded | None:
    """The present state of a participation."""
    row = await connection.fetchrow(PARTICIPATION, cpts_id, participation_id)
    if row is None:
        return None
    return ParticipationRecorded(
        **{name: row[name] for name in ParticipationRecorded.__struct_fields__}
    )


async def first_participation(
    connection: Connection, cpts_id: str, participation_id: str
) -> ParticipationRecorded | None:
    """The first event of a participation."""
    row = await connection.fetchrow(FIRST_PARTICIPATION, cpts_id, participation_id)
    return None if row is None else _event(row, ParticipationRecorded)


async def signed_by(connection: Connection, cpts_id: str) -> list[AciSigned]:
    """The present state of the ACI that a CPTS signed, oldest first, withdrawn ones last."""
    return [_event(row, AciSigned) for row in await connection.fetch(SIGNED, cpts_id)]


async def first_aci(connection: Connection, cpts_id: str, aci_id: str) -> AciSigned | None:
    """The first event of an ACI."""
    row = await connection.fetchrow(FIRST_ACI, cpts_id, aci_id)
    return None if row is None else _event(row, AciSigned)


async def tailles_of(connection: Connection, cpts_id: str) -> dict[date, TailleDetermined]:
    """The present taille of each contract year of a CPTS, by its first day."""
    rows = await connection.fetch(TAILLES, cpts_id)
    return {row["contract_year_starts_on"]: TailleDetermined(**dict(row)) for row in rows}


def _event(row: asyncpg.Record, event_class: type[E]) -> E:
    return msgspec.json.decode(row["event"], type=event_class)


def _territory_entry(row: asyncpg.Record) -> TerritoryPlaceRecorded:
    return TerritoryPlaceRecorded(
        **{name: row[name] for name in TerritoryPlaceRecorded.__struct_fields__}
    )


def _member(row: asyncpg.Record) -> MemberRecorded:
    return MemberRecorded(**{name: row[name] for name in MemberRecorded.__struct_fields__})
