"""`python -m tests.faults.launcher SERVICE`: a real service, with a stop in it or without a guard.

`--stop-at POINT[:HIT[:SIGNAL]]` (again and again) stops the process at the given hit of a point,
counted from its start, after it has written a line of JSON to `--stops`; `--without GUARD` takes
a guard away; `--limits` replaces some of the bounds, as JSON. The rest is the service itself.
"""

import argparse
import importlib
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from services.messaging import process
from services.messaging.settings import Limits, Settings, read_settings
from tests.faults import guards, stops


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One stop to come: at which hit of which point, by which signal."""

    point: str
    hit: int
    signal: str

    def __str__(self) -> str:
        return f"{self.point}:{self.hit}:{self.signal}"


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that came: which process, which session and transaction of the database."""

    stop: Stop
    pid: int
    backend: int | None
    xid: str | None


def parse_stop(text: str, signal_name: str = "SIGKILL") -> Stop:
    """ValueError for an unknown point or signal."""
    point, _, rest = text.partition(":")
    hit, _, by = rest.partition(":")
    if point not in stops.POINTS:
        raise ValueError(f"no point is called {point}; there are {', '.join(stops.POINTS)}")
    return Stop(point=point, hit=int(hit or 1), signal=signal.Signals[by or signal_name].name)


class Stopper:
    """Counts the hits of each point, and stops this process at the chosen ones."""

    def __init__(self, to_come: list[Stop], told: Path | None) -> None:
        self._to_come, self._told = to_come, told
        self._hits: Counter[str] = Counter()

    async def act(self, _service: str, point: str, connection: Any, xid: str | None) -> None:
        self._hits[point] += 1
        for stop in self._to_come:
            if (stop.point, stop.hit) == (point, self._hits[point]):
                self._stop(stop, connection, xid)

    def _stop(self, stop: Stop, connection: Any, xid: str | None) -> None:
        backend = None if connection is None else connection.get_server_pid()
        line = Stopped(stop=stop, pid=os.getpid(), backend=backend, xid=xid)
        assert self._told is not None, "--stops says where a stop is written"
        with self._told.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        os.kill(os.getpid(), signal.Signals[stop.signal])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.launcher", description=__doc__)
    parser.add_argument("service")
    parser.add_argument("--stop-at", action="append", default=[])
    parser.add_argument("--signal", default="SIGKILL")
    parser.add_argument("--stops", type=Path)
    parser.add_argument("--without", action="append", default=[], choices=list(guards.TAKE_AWAY))
    parser.add_argument("--limits", default="{}")
    given = parser.parse_args()
    to_come = [parse_stop(text, given.signal) for text in given.stop_at]
    limits = msgspec.json.decode(given.limits)

    def read_limited(service: str) -> Settings:
        settings = read_settings(service)
        changed: Limits = msgspec.structs.replace(settings.limits, **limits)
        return msgspec.structs.replace(settings, limits=changed)

    service = importlib.import_module(f"services.{given.service}.app").SERVICE
    sys.argv = [sys.argv[0]]
    with patch.object(process, "read_settings", read_limited), guards.without(*given.without):
        if not to_come:
            process.main(service)
        with stops.points(Stopper(to_come, given.stops).act):
            process.main(service)


if __name__ == "__main__":
    main()
