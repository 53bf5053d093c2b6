"""A published amount is never edited: the files only grow.

Method: the rate files of this tree against those of the commit that it must stay compatible with
(see `tests/contracts/compatibility.py`); then each kind of edit, made on purpose, is seen.
"""

import subprocess
import tomllib
from typing import Any

import pytest

from services.payments.store.rate_files import RATES_DIRECTORY
from tests.contracts.compatibility import REPOSITORY, base_commit

Rates = dict[str, dict[str, Any]]


def rates_of(texts: list[str]) -> Rates:
    return {rate["rate_id"]: rate for text in texts for rate in tomllib.loads(text)["rate"]}


def edits(old: Rates, new: Rates) -> list[str]:
    """What the new files change in the old ones, a sentence each."""
    found = [f"{rate_id} was removed" for rate_id in old if rate_id not in new]
    return found + [
        f"{rate_id}: {name} was {rate.get(name)!r} and is {new[rate_id].get(name)!r}"
        for rate_id, rate in old.items()
        if rate_id in new
        for name in sorted(rate.keys() | new[rate_id].keys())
        if rate.get(name) != new[rate_id].get(name)
    ]


def here() -> Rates:
    return rates_of([path.read_text("utf-8") for path in sorted(RATES_DIRECTORY.glob("*.toml"))])


def at(commit: str) -> Rates:
    folder = RATES_DIRECTORY.relative_to(REPOSITORY).as_posix()
    names = git("ls-tree", "--name-only", f"{commit}:{folder}").split()
    return rates_of([git("show", f"{commit}:{folder}/{name}") for name in names])


def git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout


def test_no_amount_of_the_base_was_edited() -> None:
    base = base_commit()
    if base is None:
        pytest.skip("this clone holds no older commit to compare with")
    old = at(base)
    if not old:
        pytest.skip(f"the base {base[:10]} has no rates yet")
    assert edits(old, here()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount_cents", 1), ("text", "JO du 31 mars 2022"), ("verified", True), ("to_on", "2030")],
)
def test_an_edit_is_said(name: str, value: object) -> None:
    old = here()
    first = next(iter(old))
    (said,) = edits(old, old | {first: old[first] | {name: value}})
    assert said.startswith(f"{first}: {name} was ")


def test_a_removed_amount_is_said_and_a_new_one_is_not() -> None:
    old = here()
    first, second, *_ = old
    moved = {rate_id: rate for rate_id, rate in old.items() if rate_id != first}
    assert edits(old, moved | {"new": old[second]}) == [f"{first} was removed"]
