"""The seed of the faults, and the trace that each leaves: printed at the end of every run."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import Stack
from tests.faults.season import Season
from tests.faults.world import World, opened

SEED = os.environ.get("FAULTS_SEED") or secrets.token_hex(4)
_traces: dict[str, dict[str, Any]] = {}


class Trace:
    """What shows that a fault really struck."""

    def __init__(self, name: str) -> None:
        self.seed = f"{SEED}:{name}"
        self.found: dict[str, Any] = {}

    def note(self, **found: Any) -> None:
        """Keep what was found, to be printed."""
        self.found |= found

    def struck(self, **found: int) -> None:
        """Keep what was found; AssertionError when there is nothing of it."""
        self.note(**found)
        for name, count in found.items():
            assert count > 0, f"the fault did not strike: {name} is {count}; {self.found}"


@pytest.fixture
def trace(request: pytest.FixtureRequest) -> Iterator[Trace]:
    """The test's own trace, and its seed: the session's, or `FAULTS_SEED`, and the test's name."""
    made = Trace(request.node.name)
    yield made
    _traces[request.node.name] = made.found


OpenWorld = Callable[[Season], AbstractAsyncContextManager[World]]


@pytest.fixture
def open_world(
    stack: Stack, namespace: str, fresh_databases: dict[str, str], tmp_path: Path
) -> OpenWorld:
    """Opens a world for a season; nothing runs in it yet."""
    return lambda season: opened(stack, season, namespace, fresh_databases, tmp_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _traces:
        return
    terminalreporter.section(f"faults: FAULTS_SEED={SEED}")
    for name, found in _traces.items():
        said = ", ".join(f"{key} {value}" for key, value in found.items())
        terminalreporter.write_line(f"{name}: {said}")
