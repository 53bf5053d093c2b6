"""Which rates somebody of the caisse has confirmed: kept from events."""

from collections.abc import Sequence
from typing import Any

from contracts.events.payments import RateConfirmed
from contracts.recorded import Recorded
from services.messaging.database import Connection

KEEP = """
    insert into rate_confirmation (rate_id, sequence, amount_cents, text, read_on, confirmed_by,
                                   confirmed_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (rate_id) do nothing
"""


async def keep(connection: Connection, recorded: Sequence[Recorded[Any]]) -> None:
    """Keep the first confirmation of each rate."""
    confirmed = [
        (
            one.event.rate_id,
            one.sequence,
            one.event.amount_cents,
            one.event.text,
            one.event.read_on,
            one.event.confirmed_by,
            one.occurred_at,
        )
        for one in recorded
        if isinstance(one.event, RateConfirmed)
    ]
    if confirmed:
        await connection.executemany(KEEP, confirmed)


async def confirmed_rates(connection: Connection) -> frozenset[str]:
    """The rates that are confirmed."""
    rows = await connection.fetch("select rate_id from rate_confirmation")
    return frozenset(row["rate_id"] for row in rows)


async def find(connection: Connection, rate_id: str) -> RateConfirmed | None:
    """The confirmation of a rate, None while there is none."""
    row = await connection.fetchrow(
        """
        select rate_id, amount_cents, text, read_on, confirmed_by from rate_confirmation
        where rate_id = $1
        """,
        rate_id,
    )
    return RateConfirmed(**row) if row else None
