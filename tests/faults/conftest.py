"""The seed of the faults, and the trace that each leaves: printed at the end of every run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import Stack
from tests.faults.season import Season
from tests.faults.tracing import SEED, Trace
from tests.faults.world import World, opened

_traces: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="session")
def stack(stack: Stack) -> Iterator[Stack]:
    """A stack whose Kafka and PostgreSQL may be killed: the tests' own, or one more."""
    if stack.process("kafka") and stack.process("postgres"):
        yield stack
        return
    with pytest.MonkeyPatch.context() as patch:
        for given in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_URL"):
            patch.delenv(given, raising=False)
        with Stack("faults", ephemeral=True) as own:
            yield own


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
