"""Agendas: their state, which events make, and what the doors show of them, which stands apart."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.departements import by_code
from contracts.events.gateway import AgendaExtended, AgendaHoursSet, AgendaRecorded
from contracts.recorded import Recorded
from services.gateway.domain.agendas import Agenda
from services.gateway.domain.serving import Membership, ShownAgenda, ShownCpts
from services.messaging.database import Connection
from services.messaging.timers import Due

_COLUMNS = """
    agenda_id, departement, sequence, cpts_id, practitioner_rpps, structure_number, specialties,
    is_closed, time_zone, hours::text as hours, until_on
"""
RECORD = """
    insert into agenda (
        agenda_id, departement, sequence, cpts_id, practitioner_rpps, structure_number,
        specialties, is_closed, time_zone
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (agenda_id) do update
    set sequence = excluded.sequence, structure_number = excluded.structure_number,
        specialties = excluded.specialties, is_closed = excluded.is_closed
"""
SET_HOURS = "update agenda set sequence = $2, hours = $3::text::jsonb where agenda_id = $1"
EXTEND = "update agenda set sequence = $2, until_on = $3 where agenda_id = $1"
COUNT_ON = "update agenda set sequence = $2 where agenda_id = $1"
LOCK = f"select {_COLUMNS} from agenda where agenda_id = $1 for update"  # noqa: S608 - constants
LOCK_DUE = f"""
    select {_COLUMNS} from agenda
    where hours is not null and not is_closed and until_on < $1
    order by until_on, agenda_id limit $2 offset $3 for update skip locked
"""  # noqa: S608
LISTED = f"""
    select {_COLUMNS} from agenda
    where ($1::text is null or cpts_id = $1) and agenda_id > $2 order by agenda_id limit $3
"""  # noqa: S608
_SHOWN = """
    select agenda_id, practitioner_rpps, structure_number, specialties, time_zone, family_name,
        given_name, address_line, city, postal_code, phone, booking_url
    from agenda join agenda_card using (agenda_id)
    join practitioner_card on practitioner_card.rpps = agenda.practitioner_rpps
    where not is_closed
"""
SHOWN_OF = f"{_SHOWN} and practitioner_rpps = any ($1) order by agenda_id"
SHOWN = f"{_SHOWN} and agenda_id = $1"
CPTS_IDS = """
    select distinct cpts_id from member
    where rpps = $1 and not is_withdrawn and from_on <= $2 and (to_on is null or $2 <= to_on)
"""
MEMBERSHIPS = """
    select rpps, cpts_id, from_on, to_on from member where rpps = any ($1) and not is_withdrawn
"""
_CPTS = """
    select cpts_id, finess, cpts_name, phone from cpts left join cpts_card using (cpts_id)
    where finess is not null and cpts_name is not null
"""
CPTS_OF = f"{_CPTS} and cpts_id in (select cpts_id from member where rpps = any ($1))"  # noqa: S608
CPTS_BY_FINESS = f"{_CPTS} and finess = $1 order by cpts_id limit 1"
DEPARTEMENT = "select departement from cpts where cpts_id = $1"
KEEP_PERSON = """
    insert into practitioner_card (rpps, family_name, given_name) values ($1, $2, $3)
    on conflict (rpps) do update
    set family_name = excluded.family_name, given_name = excluded.given_name
"""
KEEP_PLACE = """
    insert into agenda_card (agenda_id, address_line, city, postal_code, phone, booking_url)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (agenda_id) do update
    set address_line = excluded.address_line, city = excluded.city,
        postal_code = excluded.postal_code, phone = excluded.phone,
        booking_url = excluded.booking_url
"""
KEEP_PHONE = """
    insert into cpts_card (cpts_id, phone) values ($1, $2)
    on conflict (cpts_id) do update set phone = excluded.phone
"""


async def apply_recorded(connection: Connection, told: Recorded[AgendaRecorded]) -> None:
    """Keep an agenda; its local time is that of its département."""
    event = told.event
    await connection.execute(
        RECORD,
        event.agenda_id,
        told.departement,
        told.sequence,
        event.cpts_id,
        event.practitioner_rpps,
        event.structure_number,
        list(event.specialties),
        event.is_closed,
        by_code(told.departement).time_zone,
    )


async def apply_hours(connection: Connection, told: Recorded[AgendaHoursSet]) -> None:
    """Keep the recurring hours."""
    hours = msgspec.json.encode(told.event).decode()
    await connection.execute(SET_HOURS, told.event.agenda_id, told.sequence, hours)


async def apply_extended(connection: Connection, told: Recorded[AgendaExtended]) -> None:
    """Keep until when the hours are opened."""
    await connection.execute(EXTEND, told.event.agenda_id, told.sequence, told.event.until_on)


async def count_on(connection: Connection, agenda_id: str, sequence: int) -> None:
    """Keep the number of the agenda's last event."""
    await connection.execute(COUNT_ON, agenda_id, sequence)


async def lock(connection: Connection, agenda_id: str) -> Agenda | None:
    """The agenda, locked; None if there is none."""
    row = await connection.fetchrow(LOCK, agenda_id)
    return None if row is None else _read(row)


async def lock_due(connection: Connection, due: Due, until_on: date) -> list[Agenda]:
    """Agendas whose hours are not opened until that day; those that others hold are left."""
    return [_read(row) for row in await connection.fetch(LOCK_DUE, until_on, due.limit, due.skip)]


async def listed(
    connection: Connection, cpts_id: str | None, after: str, limit: int
) -> list[Agenda]:
    """Agendas in the order of their ids, of all CPTS or of one."""
    return [_read(row) for row in await connection.fetch(LISTED, cpts_id, after, limit)]


async def shown_of(connection: Connection, rpps: Sequence[str]) -> dict[str, ShownAgenda]:
    """The open agendas of these professionals, as the doors show them."""
    rows = await connection.fetch(SHOWN_OF, rpps)
    return {row["agenda_id"]: msgspec.convert(dict(row), ShownAgenda) for row in rows}


async def shown(connection: Connection, agenda_id: str) -> ShownAgenda | None:
    """An open agenda, as the doors show it."""
    row = await connection.fetchrow(SHOWN, agenda_id)
    return None if row is None else msgspec.convert(dict(row), ShownAgenda)


async def cpts_ids_of(connection: Connection, rpps: str, day: date) -> list[str]:
    """The CPTS of which a professional is a member on a day."""
    return [row["cpts_id"] for row in await connection.fetch(CPTS_IDS, rpps, day)]


async def memberships(connection: Connection, rpps: Sequence[str]) -> list[Membership]:
    """Who belongs to which CPTS from when to when."""
    rows = await connection.fetch(MEMBERSHIPS, rpps)
    return [msgspec.convert(dict(row), Membership) for row in rows]


async def cpts_of(connection: Connection, rpps: Sequence[str]) -> dict[str, ShownCpts]:
    """The CPTS of these professionals whose FINESS is known."""
    rows = await connection.fetch(CPTS_OF, rpps)
    return {row["cpts_id"]: msgspec.convert(dict(row), ShownCpts) for row in rows}


async def cpts_by_finess(connection: Connection, finess: str) -> ShownCpts | None:
    """The CPTS of a FINESS."""
    row = await connection.fetchrow(CPTS_BY_FINESS, finess)
    return None if row is None else msgspec.convert(dict(row), ShownCpts)


async def departement_of_cpts(connection: Connection, cpts_id: str) -> str | None:
    """The key of a CPTS; None if it is unknown."""
    found: str | None = await connection.fetchval(DEPARTEMENT, cpts_id)
    return found


async def keep_person(connection: Connection, rpps: str, family: str, given: str) -> None:
    """Keep a professional's name, beside the log."""
    await connection.execute(KEEP_PERSON, rpps, family, given)


async def keep_place(connection: Connection, agenda_id: str, *shown: str | None) -> None:
    """Keep, beside the log, an agenda's address line, city, postal code, phone, booking address."""
    await connection.execute(KEEP_PLACE, agenda_id, *shown)


async def keep_phone(connection: Connection, cpts_id: str, phone: str) -> None:
    """Keep, beside the log, how a CPTS is reached."""
    await connection.execute(KEEP_PHONE, cpts_id, phone)


def _read(row: Any) -> Agenda:
    values = dict(row)
    told = values.pop("hours")
    hours = None if told is None else msgspec.json.decode(told, type=AgendaHoursSet)
    return Agenda(**values | {"hours": hours, "specialties": tuple(values["specialties"])})
