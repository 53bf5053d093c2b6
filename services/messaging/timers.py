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


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """`fire(unit, now, limit)` takes at most `limit` due rows, `for update skip locked`, announces
    what follows from them, and answers how many it took.
    """

    name: str
    fire: Callable[[Unit, datetime, int], Awaitable[int]]


async def fire_due(desk: Desk, timer: Timer, clock: Clock) -> int:
    """Fire everything that is due, so many rows a transaction; answers how many there were."""
    total = 0
    while True:
        async with open_unit(desk) as unit:
            taken = await timer.fire(unit, clock.now(), ROWS_AT_ONCE)
        total += taken
        desk.counters["timer_rows"] += taken
        if taken < ROWS_AT_ONCE:
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
