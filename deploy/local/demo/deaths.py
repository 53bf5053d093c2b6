"""Notices at once when a component dies in the course of a season, and says which.

The service that the demo kills on purpose is spared for as long as that lasts.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from deploy.local.demo.platform import Platform
from deploy.local.processes import ComponentFailed

LOOK_EVERY_SECONDS = 0.25
DEATH_SHOWS_WITHIN_SECONDS = 1.0
ENDS_WITHIN_SECONDS = 5
ADVICE = "run it again; if it dies again, its last lines say why (a machine without memory kills)"

T = TypeVar("T")


async def unless_one_dies(
    stack: Platform, work: Coroutine[Any, Any, T], spared: Callable[[], str | None]
) -> T:
    """The result of `work`. Raises `ComponentFailed` as soon as a component other than the one that
    `spared` names has died, also when `work` fails because of it.
    """
    task = asyncio.create_task(work)
    try:
        while not task.done():
            _raise_death(stack, spared())
            await asyncio.wait([task], timeout=LOOK_EVERY_SECONDS)
        if task.exception() is not None:
            # A lost connection is noticed before the end of the process that it led to.
            await asyncio.sleep(DEATH_SHOWS_WITHIN_SECONDS)
            _raise_death(stack, spared())
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=ENDS_WITHIN_SECONDS)


def _raise_death(stack: Platform, spared: str | None) -> None:
    for component in stack.components:
        if component != spared and stack.has_died(component):
            what = "died in the course of the season"
            raise ComponentFailed(component, what, stack.log(component), ADVICE)
