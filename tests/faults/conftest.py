"""A world to strike, and the trace that each fault leaves in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.faults.tracing import TRACE, Trace
from tests.faults.world import World, opened
from tests.faults.zygote import Zygote


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


@pytest.fixture(scope="session")
def zygote(stack: Stack) -> Iterator[Zygote]:
    """What the services' processes are forked from."""
    with Zygote(stack.folder) as running:
        yield running


OpenWorld = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
def open_world(
    stack: Stack,
    zygote: Zygote,
    namespace: str,
    fresh_databases: dict[str, str],
    tmp_path: Path,
) -> OpenWorld:
    """Opens a world; nothing runs in it yet."""
    return lambda: opened(stack, zygote, namespace, fresh_databases, tmp_path)
