"""A world to strike, and the trace that each fault leaves in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.faults.season import Season
from tests.faults.tracing import TRACE, Trace
from tests.faults.world import World, opened


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
def trace(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[Trace]:
    """The test's own trace, and its seed: the session's, or `FAULTS_SEED`, and the test's name."""
    made = Trace(request.node.name)
    yield made
    record_property(TRACE, f"{request.node.name}: {made}")


OpenWorld = Callable[[Season], AbstractAsyncContextManager[World]]


@pytest.fixture
def open_world(
    stack: Stack, namespace: str, fresh_databases: dict[str, str], tmp_path: Path
) -> OpenWorld:
    """Opens a world for a season; nothing runs in it yet."""
    return lambda season: opened(stack, season, namespace, fresh_databases, tmp_path)
