"""The associations that CPTS are, for the SIREN under which their books are kept."""

from collections.abc import Sequence

from contracts.events.membership import AssociationRecorded
from contracts.recorded import Recorded
from services.messaging.database import Connection

KEEP = """
    insert into association as kept values ($1, $2, $3, $4, $5, $6)
    on conflict (cpts_id, association_id) do update
    set sequence = excluded.sequence, declared_on = excluded.declared_on, siren = excluded.siren,
        is_withdrawn = excluded.is_withdrawn
    where kept.sequence < excluded.sequence
"""
SIREN = """
    select siren from association
    where cpts_id = $1 and siren is not null and not is_withdrawn
    order by declared_on desc, sequence desc limit 1
"""


async def put_associations(
    connection: Connection, heard: Sequence[Recorded[AssociationRecorded]]
) -> None:
    """Keeps the highest sequence of each association."""
    rows = [
        (
            one.event.cpts_id,
            one.event.association_id,
            one.sequence,
            one.event.declared_on,
            one.event.siren,
            one.event.is_withdrawn,
        )
        for one in heard
    ]
    await connection.executemany(KEEP, rows)


async def siren_of(connection: Connection, cpts_id: str) -> str | None:
    """The SIREN of a CPTS: of its associations that stand, the one declared last that has one."""
    value = await connection.fetchval(SIREN, cpts_id)
    return None if value is None else str(value)
