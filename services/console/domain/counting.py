"""Counts that only grow, turned into what happened meanwhile: flows, and the time that is kept."""

import math
from collections import deque
from collections.abc import Mapping

import msgspec

from services.console.domain.reading import ENDLESS, Counts, add

FLOW_SECONDS = 30.0
CHAIN_SECONDS = 300.0


def increase(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """What was added to each count; one that is lower began anew, and is all new."""
    return {
        key: value - before.get(key, 0) if value >= before.get(key, 0) else value
        for key, value in now.items()
        if value != before.get(key, 0)
    }


def grown(before: Counts | None, now: Counts) -> Counts:
    """What was added since the answer before; nothing for a first answer, whose past is unknown."""
    if before is None:
        return Counts()
    return Counts(
        heard=increase(before.heard, now.heard),
        sent=increase(before.sent, now.sent),
        funded=increase(before.funded, now.funded),
    )


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Half and 99 % of so many took at most this long, in seconds: None beyond all measures."""

    count: int
    half: float | None
    most: float | None


class Window:
    """What was added lately, by the instant at which it was seen."""

    def __init__(self) -> None:
        self._added: deque[tuple[float, float, Counts]] = deque()

    def take(self, since: float, now: float, counts: Counts) -> None:
        """Keep what was added between two instants, and forget what is too old."""
        self._added.append((since, now, counts))
        while self._added[0][1] <= now - CHAIN_SECONDS:
            self._added.popleft()

    def flows(self, now: float) -> tuple[dict[str, float], dict[str, float]]:
        """Events heard and sent a second, by département, over the last half minute."""
        lately = [one for one in self._added if one[1] > now - FLOW_SECONDS]
        seconds = sum(until - since for since, until, _ in lately)
        if not seconds:
            return {}, {}
        heard = add(*(counts.heard for *_, counts in lately))
        sent = add(*(counts.sent for *_, counts in lately))
        return _a_second(heard, seconds), _a_second(sent, seconds)

    def funded(self) -> Quantiles:
        """From the acceptance to the euro, over the last five minutes."""
        return quantiles(add(*(counts.funded for *_, counts in self._added)))


def _a_second(counts: Mapping[str, float], seconds: float) -> dict[str, float]:
    return {key: value / seconds for key, value in counts.items()}


def quantiles(buckets: Mapping[str, float]) -> Quantiles:
    """From a histogram: its buckets count what was at most so long, by `le` in seconds."""
    count = buckets.get(ENDLESS, 0)
    bounds = sorted((float(le), counted) for le, counted in buckets.items())

    def at_most(share: float) -> float | None:
        bound = next(bound for bound, counted in bounds if counted >= share * count)
        return bound if math.isfinite(bound) else None

    if not count:
        return Quantiles(count=0, half=None, most=None)
    return Quantiles(count=int(count), half=at_most(0.5), most=at_most(0.99))
