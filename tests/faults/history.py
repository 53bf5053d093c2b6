"""What happened in a slice, line by line: orders sent and answered, faults, events seen."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

ENCODE = msgspec.json.Encoder().encode


class History:
    """Kept in memory, written when it is asked for: a slice that broke is read afterwards."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._lines: list[tuple[float, str, tuple[Any, ...]]] = []

    def note(self, what: str, *told: Any) -> None:
        """Keep a line, with the seconds since the beginning."""
        self._lines.append((round(time.monotonic() - self._begun, 3), what, told))

    def write(self, path: Path) -> None:
        """Write all lines, JSON each."""
        path.write_bytes(b"\n".join(self._encoded()) + b"\n")

    def _encoded(self) -> Iterable[bytes]:
        for line in self._lines:
            yield ENCODE(line)
