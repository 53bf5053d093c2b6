"""`python -m tests.faults.launcher SERVICE`: a real service, with a stop in it or without a guard.

`--arms FILE` holds the stops to come, as JSON, and may be replaced at any time: each stops the
process at the given hit of a point, counted from when the file came, after it has written a line of
JSON to `--stops`. `--without GUARD` takes a guard away; `--limits` replaces some of the bounds, as
JSON. The rest is the service itself.
"""

import argparse
import asyncio
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

HOLD = "HOLD"  # no signal: the step is held, and the rest of the process goes on


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One stop to come: at which hit of which point, by which signal.

    `HOLD` holds the step for so many seconds instead, at so many hits in a row.
    """

    point: str
    hit: int = 1
    signal: str = "SIGKILL"
    seconds: float = 0.0
    hits: int = 1

    def __str__(self) -> str:
        return f"{self.point}:{self.hit}:{self.signal}"


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that came: which process, which session and transaction of the database."""

    stop: Stop
    pid: int
    backend: int | None
    xid: str | None


class Stopper:
    """Counts the hits of each point, and stops this process at those that its file names."""

    def __init__(self, arms: Path, told: Path) -> None:
        self._arms, self._told = arms, told
        self._seen = (0, 0)  # which file, and when it came
        self._to_come: list[Stop] = []
        self._hits: Counter[str] = Counter()

    def wants(self, point: str) -> bool:
        """Whether a stop at this point is to come."""
        try:
            found = self._arms.stat()
        except FileNotFoundError:
            return False
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            self._to_come = msgspec.json.decode(self._arms.read_bytes(), type=list[Stop])
            self._hits.clear()
            self._seen = found.st_ino, found.st_mtime_ns
        return any(stop.point == point for stop in self._to_come)

    async def act(self, _service: str, point: str, connection: Any, xid: str | None) -> None:
        self._hits[point] += 1
        for stop in self._to_come:
            if stop.point == point and stop.hit <= self._hits[point] < stop.hit + stop.hits:
                await self._stop(stop, connection, xid)

    async def _stop(self, stop: Stop, connection: Any, xid: str | None) -> None:
        backend = None if connection is None else connection.get_server_pid()
        line = Stopped(stop=stop, pid=os.getpid(), backend=backend, xid=xid)
        with self._told.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        if stop.signal == HOLD:
            await asyncio.sleep(stop.seconds)
        else:
            os.kill(os.getpid(), signal.Signals[stop.signal])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.launcher", description=__doc__)
    parser.add_argument("service")
    parser.add_argument("--arms", type=Path, required=True)
    parser.add_argument("--stops", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[], choices=list(guards.TAKE_AWAY))
    parser.add_argument("--limits", default="{}")
    given = parser.parse_args()
    limits = msgspec.json.decode(given.limits)

    def read_limited(service: str) -> Settings:
        settings = read_settings(service)
        changed: Limits = msgspec.structs.replace(settings.limits, **limits)
        return msgspec.structs.replace(settings, limits=changed)

    service = importlib.import_module(f"services.{given.service}.app").SERVICE
    sys.argv = [sys.argv[0]]
    stopper = Stopper(given.arms, given.stops)
    with (
        patch.object(process, "read_settings", read_limited),
        guards.without(*given.without),
        stops.points(stopper.act, stopper.wants),
    ):
        process.main(service)


if __name__ == "__main__":
    main()
