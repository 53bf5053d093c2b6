"""Which of the cases of a test are played only with `--thorough`."""

from collections.abc import Collection, Iterable

import pytest


def all_but(values: Iterable[str], thorough: Collection[str]) -> list[object]:
    """The values as cases, those of `thorough` marked so."""
    return [
        pytest.param(one, marks=pytest.mark.thorough if one in thorough else ()) for one in values
    ]
