"""An open loop: work is due at instants drawn beforehand, whether or not the earlier is done."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

LEAD_SECONDS = 0.5


def poisson(count: int, rate: float, seed: int) -> list[float]:
    """Seconds from the start at which `count` works are due."""
    chance, at, due = random.Random(seed), 0.0, []
    for _ in range(count):
        at += chance.expovariate(rate)
        due.append(at)
    return due


async def begin_when_due(
    count: int, rate: float, seed: int, begin: Callable[[int, float], object]
) -> None:
    """Call `begin` for each when it is due, with its number and that instant in epoch seconds."""
    begins_at = time.time() + LEAD_SECONDS
    for number, after in enumerate(poisson(count, rate, seed)):
        due_at = begins_at + after
        if (pause := due_at - time.time()) > 0:
            await asyncio.sleep(pause)
        begin(number, due_at)


async def all_when_due(
    count: int, rate: float, seed: int, work: Callable[[int, float], Awaitable[None]]
) -> None:
    """Do each in a task of its own when it is due; returns when all are done."""
    async with asyncio.TaskGroup() as tasks:

        async def one(number: int, due_at: float) -> None:
            await work(number, due_at)

        await begin_when_due(
            count, rate, seed, lambda number, due_at: tasks.create_task(one(number, due_at))
        )
