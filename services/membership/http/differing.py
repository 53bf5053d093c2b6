"""A page of what differs somewhere among many that mostly do not: read on until it is full."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

LOOKED_AT_ONCE, LOOKED_AT_MAX = 1000, 10_000

Place = TypeVar("Place")
Differing = TypeVar("Differing")


async def differing_page(
    read_after: Callable[[Place], Awaitable[Sequence[tuple[Place, Sequence[Differing]]]]],
    after: Place,
    limit: int,
) -> tuple[list[Differing], Place, bool]:
    """What differs, at least `limit` of it if there is, the last place looked at, and whether it is
    the end. A page may be short, or empty, when `LOOKED_AT_MAX` places were looked at for it.

    `read_after` answers the next `LOOKED_AT_ONCE` places, in order, each with what differs there.
    """
    found: list[Differing] = []
    looked_at = 0
    while looked_at < LOOKED_AT_MAX and len(found) < limit:
        looked = await read_after(after)
        for place, differing in looked:
            after, looked_at = place, looked_at + 1
            found += differing
            if len(found) >= limit:
                break
        else:
            if len(looked) < LOOKED_AT_ONCE:
                return found, after, True
    return found, after, False
