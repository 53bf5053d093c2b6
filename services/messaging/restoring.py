"""A restore: the log held own events that the history did not.

It is remembered in the database, for every process and over every start. While `is_hearing` the
others' topics are not yet heard to their ends: handlers keep what they hear and derive nothing,
since what they derived then is in the own topic, and half of what they hear tells a past that is
over. Then they derive again, and what they have not derived is looked at once.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from contracts.recorded import Cause
from services.messaging.database import Connection
from services.messaging.unit import Desk, Unit, open_unit

BEGIN = "insert into restore (id) values (1) on conflict (id) do update set is_hearing = true"
IS_UNDER_WAY = "select exists (select from restore)"
HEARD = "update restore set is_hearing = false"
END = "delete from restore where not is_hearing"

# A service's look at all that it derives, a part a transaction: it announces what differs from
# what it has heard. Given where the part before ended, it answers where this one does; None at the
# end.
LookAgain = Callable[[Unit, Cause, str], Awaitable[str | None]]


async def begin_restore(connection: Connection) -> None:
    """Remember that a restore is under way, with the first own event that it brings back."""
    await connection.execute(BEGIN)


async def is_restore_under_way(desk: Desk) -> bool:
    """Whether a restore has not come to its end."""
    return bool(await desk.pool.fetchval(IS_UNDER_WAY))


async def end_restore(desk: Desk, look_again: LookAgain | None, now: datetime) -> None:
    """Let every process's handlers derive again, then look at what they have not derived.

    The first statement waits for transactions that still keep without deriving (they share the
    row, `Unit.hears_the_past`): the look sees what they kept. Interrupted, it begins again and
    finds less to announce.
    """
    await desk.pool.execute(HEARD)
    await derive_again(desk, look_again, now)
    await desk.pool.execute(END)
    desk.is_catching_up = False


async def derive_again(desk: Desk, look_again: LookAgain | None, now: datetime) -> None:
    """Let the service look again at all that it derives, part by part."""
    if look_again is None:
        return
    cause = Cause(id=f"heard-again:{desk.name}:{now.isoformat()}", recorded_at=now)
    part: str | None = ""
    while part is not None:
        async with open_unit(desk) as unit:
            part = await look_again(unit, cause, part)
