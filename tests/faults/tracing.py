"""What shows that a fault really struck, and the seed that makes it strike there again."""

import os
import secrets
from typing import Any

import pytest

SEED_VARIABLE = "FAULTS_SEED"
TRACE = "trace of a fault"  # the property of a test's report that holds it


def draw_seed() -> None:
    """Draw the seed of this run, unless it is given; all of pytest's workers get the same."""
    os.environ.setdefault(SEED_VARIABLE, secrets.token_hex(4))


def summarize(reporter: pytest.TerminalReporter) -> None:
    """Print the seed and the traces of all reports, when there are any."""
    traces = {
        str(said)
        for reports in reporter.stats.values()
        for report in reports
        for name, said in getattr(report, "user_properties", ())
        if name == TRACE
    }
    if not traces:
        return
    reporter.section(f"faults: {SEED_VARIABLE}={os.environ[SEED_VARIABLE]}")
    for trace in sorted(traces):
        reporter.write_line(trace)


class Trace:
    """What shows that a fault really struck."""

    def __init__(self, name: str) -> None:
        self.seed = f"{os.environ[SEED_VARIABLE]}:{name}"
        self.found: dict[str, Any] = {}

    def __str__(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.found.items())

    def note(self, **found: Any) -> None:
        """Keep what was found, to be printed."""
        self.found |= found

    def struck(self, **found: int) -> None:
        """Keep what was found; AssertionError when there is nothing of it."""
        self.note(**found)
        for name, count in found.items():
            assert count > 0, f"the fault did not strike: {name} is {count}; {self.found}"
