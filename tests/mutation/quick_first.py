"""A plugin of pytest: tests that need no servers come first, as most mutants die of one."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("stack") is not None)
