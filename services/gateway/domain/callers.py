"""Who may call at the doors, known by the names of its certificate, and how often."""

from collections.abc import Iterable

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A platform that may call: the CN and the OU of its certificate, and its rate."""

    name: str
    common_name: str
    organizational_unit: str
    calls_per_second: float = 200.0
    burst: int = 400


def caller_of(
    callers: Iterable[Caller], common_names: tuple[str, ...], units: tuple[str, ...]
) -> Caller | None:
    """Whose certificate has these names; None when it is nobody's, or has several CN."""
    for one in callers:
        if common_names == (one.common_name,) and one.organizational_unit in units:
            return one
    return None


class Bucket:
    """What a caller may still ask: `burst` calls at once, `calls_per_second` over time."""

    def __init__(self, caller: Caller) -> None:
        self._rate, self._most = caller.calls_per_second, float(caller.burst)
        self._left, self._at = self._most, 0.0

    def wait_seconds(self, now: float) -> float:
        """0 when a call may be made at `now` (seconds of a clock that only advances), and then it
        is counted; otherwise after how long one may be.
        """
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._rate
