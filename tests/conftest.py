"""Fixtures that every test may use, and the mark of the tests that need the real components."""

import pytest

from tests import containers
from tests.faults import tracing
from tests.stack_fixtures import fresh_databases, namespace, servers, spare_suffixes, stack

__all__ = ["fresh_databases", "namespace", "servers", "spare_suffixes", "stack"]

NEED_COMPONENTS = {"stack", "own_home"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="the tests too that say of more what others say"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "stack: needs a real Kafka and PostgreSQL (set by itself)")
    config.addinivalue_line("markers", "thorough: left out unless --thorough is given")
    containers.are_wanted()
    tracing.draw_seed()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if NEED_COMPONENTS & set(getattr(item, "fixturenames", ())):
            item.add_marker("stack")
    if not config.getoption("--thorough"):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tracing.summarize(terminalreporter)
