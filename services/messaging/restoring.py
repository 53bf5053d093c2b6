"""A restore: the log held own events that the history did not.

It is remembered in the database, for every process and over every start, until the others' topics
are heard to their ends.
"""

from collections.abc import Awaitable, Callable

from services.messaging.database import Connection
from services.messaging.unit import Desk, Unit, open_unit

BEGIN = "insert into restore (id) values (1) on conflict do nothing"
IS_UNDER_WAY = "select exists (select from restore)"
END = "delete from restore returning began_at"

AfterRestore = Callable[[Unit], Awaitable[None]]


async def begin_restore(connection: Connection) -> None:
    """Remember that a restore is under way, with the first own event that it brings back."""
    await connection.execute(BEGIN)


async def is_restore_under_way(desk: Desk) -> bool:
    """Whether the others' topics are still to be heard to their ends."""
    return bool(await desk.pool.fetchval(IS_UNDER_WAY))


async def end_restore(desk: Desk, after_restore: AfterRestore | None) -> None:
    """End the restore: one process, in one transaction, also lets the service look at what it held
    back, since it decides again.
    """
    async with open_unit(desk) as unit:
        if await unit.connection.fetchval(END) is not None and after_restore is not None:
            unit.is_rebuild = False
            await after_restore(unit)
