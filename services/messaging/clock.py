"""The one clock: read only where orders enter and where timers fire.

In a demonstration it may start elsewhere and run faster, or follow a file; in production it is the
real one and nothing else.
"""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

SETTINGS = ("CPTS_CLOCK_START", "CPTS_CLOCK_PACE", "CPTS_CLOCK_ANCHOR", "CPTS_CLOCK_FILE")


class Clock(Protocol):
    """What tells the time. `is_driven` clocks let an order say its own instant."""

    is_driven: bool

    def now(self) -> datetime:
        """The present instant, aware."""
        ...


class RealClock:
    """The machine's clock."""

    is_driven = False

    def now(self) -> datetime:
        """The machine's instant."""
        return datetime.now(UTC)


class PacedClock:
    """A clock that showed `start` at real epoch second `anchor` and runs `pace` times as fast."""

    is_driven = True

    def __init__(self, start: datetime, pace: float, anchor: float) -> None:
        self._start, self._pace, self._anchor = start, pace, anchor

    def now(self) -> datetime:
        """The start and the time since the anchor, stretched."""
        return self._start + timedelta(seconds=(time.time() - self._anchor) * self._pace)


class DrivenClock:
    """A clock that stands still until it is set."""

    is_driven = True

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def set(self, instant: datetime) -> None:
        """Move to another instant, which must be aware."""
        if instant.tzinfo is None:
            raise ValueError("a clock shows aware instants")
        self._instant = instant

    def now(self) -> datetime:
        """The instant last set."""
        return self._instant


class FileClock:
    """A clock that shows the ISO instant a file holds; whoever writes it replaces it whole."""

    is_driven = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed_ns = -1
        self._instant = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """The instant in the file, read again only when the file has changed."""
        changed_ns = self._path.stat().st_mtime_ns
        if changed_ns != self._changed_ns:
            self._instant = datetime.fromisoformat(self._path.read_text().strip())
            self._changed_ns = changed_ns
        return self._instant


def read_clock(*, is_production: bool, environment: Mapping[str, str] | None = None) -> Clock:
    """The clock that the environment asks for. ValueError in production for any but the real."""
    env = os.environ if environment is None else environment
    asked = [name for name in SETTINGS if env.get(name)]
    if not asked:
        return RealClock()
    if is_production:
        raise ValueError(f"in production the clock is the real one; unset {', '.join(asked)}")
    if path := env.get("CPTS_CLOCK_FILE"):
        return FileClock(Path(path))
    return PacedClock(
        start=datetime.fromisoformat(env["CPTS_CLOCK_START"]),
        pace=float(env.get("CPTS_CLOCK_PACE", "1")),
        anchor=float(env.get("CPTS_CLOCK_ANCHOR", str(time.time()))),
    )
