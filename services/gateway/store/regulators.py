"""Accounts of regulators: their state, which events make, and their names, which stand apart."""

from collections.abc import Sequence

from contracts.events.gateway import RegulatorRecorded
from contracts.recorded import Recorded
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
    insert into regulator_identifier (regulator_id, place, kind, system, value, is_active)
    select * from unnest(
        $1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::boolean[]
    )
"""


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
        (one.subject, place, each.kind, each.system, each.value, one.event.is_active)
        for one in told
        for place, each in enumerate(one.event.identifiers)
    ]
    await connection.execute(FORGET_IDENTIFIERS, list(latest))
    await connection.execute(
        WRITE_IDENTIFIERS, *(list(column) for column in zip(*rows, strict=True))
    )
