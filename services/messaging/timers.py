"""What falls due: rows with a due time, taken by a query, dated by that time and not by ours."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from services.messaging.clock import Clock
from services.messaging.database import is_not_now
from services.messaging.health import Health
from services.messaging.unit import Desk, Unit, open_unit

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 200
LOOK_EVERY_SECONDS = 0.2
AFTER_FAILURE_SECONDS = 2.0
SKIPS_MAX = 20


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Which due rows a timer is to take: the oldest `limit`, after the `skip` oldest."""

    now: datetime
    limit: int
    skip: int = 0


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """`fire(unit, due)` takes due rows, `for update skip locked`, announces what follows from them,
    and answers how many it took.
    """

    name: str
    fire: Callable[[Unit, Due], Awaitable[int]]


async def fire_due(desk: Desk, timer: Timer, clock: Clock) -> int:
    """Fire everything that is due, so many rows a transaction; answers how many there were.

    When rows fail by what they hold they go one by one, and the others do not wait for one that
    cannot be fired: it is left due. Raises what the first such row raised, once all others fired.
    """
    total, skip = 0, 0
    limit = ROWS_AT_ONCE
    failure: Exception | None = None
    while True:
        try:
            async with open_unit(desk) as unit:
                taken = await timer.fire(unit, Due(now=clock.now(), limit=limit, skip=skip))
        except Exception as error:
            if is_not_now(error):
                raise
            if limit == 1:
                failure = failure or error
                skip += 1
            if skip > SKIPS_MAX:
                break
            limit = 1
            continue
        total += taken
        desk.counters["timer_rows"] += taken
        if taken < limit:
            break
    if failure is not None:
        raise failure
    return total


async def run_timers(desk: Desk, timers: Sequence[Timer], clock: Clock, health: Health) -> None:
    """Look for due rows for ever. A timer that fails is reported and tried again later."""
    while timers:
        pause_seconds = LOOK_EVERY_SECONDS
        for timer in timers:
            part = f"timer {timer.name}"
            try:
                await fire_due(desk, timer, clock)
            except Exception as error:
                desk.counters["timer_failures"] += 1
                pause_seconds = AFTER_FAILURE_SECONDS
                health.is_failing(part, error)
                if is_not_now(error):
                    log.warning("%s waits: %r", part, error)
                else:
                    log.exception("%s failed", part)
            else:
                health.is_well(part)
        await asyncio.sleep(pause_seconds)
