"""Accounts of regulators: their state, which events make, and their names, which stand apart."""

from collections.abc import Sequence

import msgspec

from contracts.events.gateway import RegulatorRecorded
from contracts.recorded import Recorded
from services.gateway.domain.regulators import Account, Key, KnownAccount
from services.messaging.database import Connection

WRITE = """
    insert into regulator (regulator_id, sequence, is_active, changed_at)
    select * from unnest($1::text[], $2::bigint[], $3::boolean[], $4::timestamptz[])
    on conflict (regulator_id) do update
    set sequence = excluded.sequence, is_active = excluded.is_active,
        changed_at = excluded.changed_at
    where regulator.sequence < excluded.sequence
"""
FORGET_IDENTIFIERS = "delete from regulator_identifier where regulator_id = any ($1)"
WRITE_IDENTIFIERS = """
    insert into regulator_identifier (regulator_id, place, kind, system, value)
    select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[])
"""
_IDENTIFIERS = """
    select json_agg(
        json_build_object('kind', kind, 'system', system, 'value', value) order by place
    )
    from regulator_identifier where regulator_identifier.regulator_id = regulator.regulator_id
"""
FIND = f"""
    select json_build_object(
        'regulator_id', regulator_id, 'sequence', sequence, 'is_active', is_active,
        'identifiers', ({_IDENTIFIERS})
    )::text as account
    from regulator where regulator_id in (
        select regulator_id from regulator_identifier
        join unnest($1::text[], $2::text[]) as asked (kind, value) using (kind, value)
    )
"""  # noqa: S608 - constants
KEEP_IDENTITY = """
    insert into regulator_identity (regulator_id, family_name, given_name, email)
    values ($1, $2, $3, $4)
    on conflict (regulator_id) do update
    set family_name = excluded.family_name, given_name = excluded.given_name, email = excluded.email
"""
SHOWN = f"""
    select json_build_object(
        'is_active', is_active, 'identifiers', ({_IDENTIFIERS}),
        'family_name', coalesce(family_name, ''), 'given_name', coalesce(given_name, ''),
        'email', coalesce(email, '')
    )::text as account
    from regulator left join regulator_identity using (regulator_id) where regulator_id = $1
"""  # noqa: S608
LOCK_ACTIVE = "select is_active from regulator where regulator_id = $1 for share"


async def write(connection: Connection, recorded: Sequence[Recorded[RegulatorRecorded]]) -> None:
    """Keep these accounts as they were last told."""
    latest = {one.subject: one for one in sorted(recorded, key=lambda one: one.sequence)}
    told = list(latest.values())
    await connection.execute(
        WRITE,
        [one.subject for one in told],
        [one.sequence for one in told],
        [one.event.is_active for one in told],
        [one.occurred_at for one in told],
    )
    rows = [
        (one.subject, place, each.kind, each.system, each.value)
        for one in told
        for place, each in enumerate(one.event.identifiers)
    ]
    await connection.execute(FORGET_IDENTIFIERS, list(latest))
    await connection.execute(
        WRITE_IDENTIFIERS, *(list(column) for column in zip(*rows, strict=True))
    )


async def find(connection: Connection, keys: Sequence[Key]) -> list[KnownAccount]:
    """The accounts that have, or had when they were disabled, one of these identifiers."""
    rows = await connection.fetch(FIND, [one.kind for one in keys], [one.value for one in keys])
    return [msgspec.convert(msgspec.json.decode(row["account"]), KnownAccount) for row in rows]


async def keep_identity(connection: Connection, regulator_id: str, account: Account) -> None:
    """Keep whose account it is, beside the log."""
    await connection.execute(
        KEEP_IDENTITY, regulator_id, account.family_name, account.given_name, account.email
    )


async def shown(connection: Connection, regulator_id: str) -> Account | None:
    """An account with its names; without them when a rebuild has not brought them back."""
    row = await connection.fetchrow(SHOWN, regulator_id)
    if row is None:
        return None
    return msgspec.convert(msgspec.json.decode(row["account"]), Account)


async def is_active(connection: Connection, regulator_id: str) -> bool | None:
    """Whether the account may do anything, kept so until the end of the transaction; None if there
    is none.
    """
    active: bool | None = await connection.fetchval(LOCK_ACTIVE, regulator_id)
    return active
