"""What the SAS platform told: its appointments, and the messages themselves for a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from asyncpg import Record

from contracts.events.referrals import PlatformAppointmentReported
from services.messaging.database import Connection
from services.messaging.timers import Due
from services.referrals.domain.platform_appointment import PlatformAppointment

LOAD = """
    select appointment_id, departement, sequence, told::text
    from platform_appointment where appointment_id = any ($1)
"""
WRITE = """
    insert into platform_appointment (appointment_id, departement, sequence, told)
    select appointment_id, departement, sequence, told::jsonb
    from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
        as new (appointment_id, departement, sequence, told)
    on conflict (appointment_id) do update
    set sequence = excluded.sequence, told = excluded.told
    where platform_appointment.sequence < excluded.sequence
"""
KEEP_MESSAGE = """
    insert into sas_message (
        distribution_id, received_at, outcome, hub_code, reasons, appointment_id, body,
        has_identities, notes
    )
    values ($1, $2, $3, $4, $5, $6, $7, $7::bytea is not null, $8)
    on conflict (distribution_id) where outcome <> 'invalid' do nothing
    returning position
"""
_MESSAGE = (
    "position, distribution_id, received_at, outcome, hub_code, reasons, notes, appointment_id"
)
FIND_MESSAGE = f"""
    select {_MESSAGE} from sas_message where distribution_id = $1 and outcome <> 'invalid'
"""  # noqa: S608 - constants
LIST_MESSAGES = f"""
    select {_MESSAGE}, has_identities from sas_message
    where position > $1 and ($3::text is null or $3 = any (notes))
    order by position limit $2
"""  # noqa: S608
LOCK_WITH_IDENTITIES = """
    select position, body from sas_message
    where has_identities and received_at <= $1 order by received_at limit $2 offset $3
    for update skip locked
"""
REMOVE_IDENTITIES = """
    update sas_message set body = new.body, has_identities = false
    from unnest($1::bigint[], $2::bytea[]) as new (position, body)
    where sas_message.position = new.position
"""


class KeptMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was answered. `outcome`: taken, recorded, refused or invalid."""

    position: int
    distribution_id: str | None
    received_at: datetime
    outcome: str
    hub_code: int | None
    reasons: list[str]
    notes: list[str]
    appointment_id: str | None


async def load(connection: Connection, ids: Sequence[str]) -> list[PlatformAppointment]:
    """The present state of those that exist."""
    if not ids:
        return []
    return [_read(row) for row in await connection.fetch(LOAD, ids)]


async def write(connection: Connection, states: Sequence[PlatformAppointment]) -> None:
    """Keep these states; an older one than what is kept changes nothing."""
    await connection.execute(
        WRITE,
        [one.appointment_id for one in states],
        [one.departement for one in states],
        [one.sequence for one in states],
        [msgspec.json.encode(one.told).decode() for one in states],
    )


async def find_message(connection: Connection, distribution_id: str) -> KeptMessage | None:
    """How a valid message of this id was answered the first time."""
    row = await connection.fetchrow(FIND_MESSAGE, distribution_id)
    return None if row is None else msgspec.convert(dict(row), KeptMessage)


async def keep_message(
    connection: Connection,
    *,
    distribution_id: str | None,
    received_at: datetime,
    outcome: str,
    hub_code: int | None = None,
    reasons: Sequence[str] = (),
    appointment_id: str | None = None,
    body: bytes | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Keep a message and its answer; `body` only of one that was not refused.

    `notes` tell what is odd in it.

    asyncpg.SerializationError when another transaction keeps the same message at the same time.
    """
    position = await connection.fetchval(
        KEEP_MESSAGE,
        distribution_id,
        received_at,
        outcome,
        hub_code,
        list(reasons),
        appointment_id,
        body,
        list(notes),
    )
    if position is None:
        raise asyncpg.SerializationError("the same message is being taken by another")


async def messages(
    connection: Connection, after: int, limit: int, note: str | None
) -> list[Mapping[str, Any]]:
    """The messages in the order in which they came, or those with a note, without their bodies."""
    return [dict(row) for row in await connection.fetch(LIST_MESSAGES, after, limit, note)]


async def lock_with_identities(
    connection: Connection, received_until: datetime, due: Due
) -> list[tuple[int, bytes]]:
    """Originals received until then that still hold names; those that others hold are left."""
    rows = await connection.fetch(LOCK_WITH_IDENTITIES, received_until, due.limit, due.skip)
    return [(row["position"], row["body"]) for row in rows]


async def remove_identities(
    connection: Connection, replacements: Sequence[tuple[int, bytes]]
) -> None:
    """Replace originals, by position, with what names nobody."""
    positions, bodies = zip(*replacements, strict=True)
    await connection.execute(REMOVE_IDENTITIES, list(positions), list(bodies))


def _read(row: Record) -> PlatformAppointment:
    return PlatformAppointment(
        appointment_id=row["appointment_id"],
        departement=row["departement"],
        sequence=row["sequence"],
        told=msgspec.json.decode(row["told"], type=PlatformAppointmentReported),
    )
