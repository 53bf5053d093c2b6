"""A restore: the log held own events that the history did not.

It is remembered in the database, for every process and over every start, until the others' topics
are heard to their ends. Until then handlers keep what they hear and derive nothing: what they
derived then is in the own topic, and half of what they hear tells a past that is over.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from contracts.recorded import Cause
from services.messaging.database import Connection
from services.messaging.unit import Desk, Unit, open_unit

BEGIN = "insert into restore (id) values (1) on conflict do nothing"
IS_UNDER_WAY = "select exists (select from restore)"
END = "delete from restore"

# A service's look at all that it derives, a part a transaction: it announces what differs from
# what it has heard. Given where the part before ended, it answers where this one does; None at the
# end.
LookAgain = Callable[[Unit, Cause, str], Awaitable[str | None]]


async def begin_restore(connection: Connection) -> None:
    """Remember that a restore is under way, with the first own event that it brings back."""
    await connection.execute(BEGIN)


async def is_restore_under_way(desk: Desk) -> bool:
    """Whether the others' topics are still to be heard to their ends."""
    return bool(await desk.pool.fetchval(IS_UNDER_WAY))


async def end_restore(desk: Desk, look_again: LookAgain | None, now: datetime) -> None:
    """Let handlers derive again, then look at what they have not derived; the restore is over.

    In this order: what is heard meanwhile is derived by its handler, or was committed under the
    join rows for which the look waits. Interrupted, it begins again and finds less to announce.
    """
    desk.is_catching_up = False
    await derive_again(desk, look_again, now)
    await desk.pool.execute(END)


async def derive_again(desk: Desk, look_again: LookAgain | None, now: datetime) -> None:
    """Let the service look again at all that it derives, part by part."""
    if look_again is None:
        return
    cause = Cause(id=f"heard-again:{desk.name}:{now.isoformat()}", recorded_at=now)
    part: str | None = ""
    while part is not None:
        async with open_unit(desk) as unit:
            part = await look_again(unit, cause, part)
