"""A plugin of pytest: tests that need no servers come first, as most mutants die of one; and an
example that shows a mutant is not made smaller, as nobody will look at it.
"""

import pytest
from hypothesis import Phase, settings

settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate))
settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("stack") is not None)
