"""What was said in a data file and is now said otherwise: dated values are added, never edited."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contracts.compatibility import REPOSITORY

Entries = Mapping[str, Mapping[str, Any]]


def edits(old: Entries, new: Entries) -> list[str]:
    """What the new entries change in the old ones, by their key, a sentence each."""
    found = [f"{key} was removed" for key in old if key not in new]
    return found + [
        f"{key}: {name} was {entry.get(name)!r} and is {new[key].get(name)!r}"
        for key, entry in old.items()
        if key in new
        for name in sorted(entry.keys() | new[key].keys())
        if entry.get(name) != new[key].get(name)
    ]


def files_at(commit: str, place: Path) -> list[str]:
    """The texts of a file, or of the files of a folder, at a commit; none when it had none."""
    path = place.relative_to(REPOSITORY).as_posix()
    names = _git("ls-tree", "-r", "--name-only", commit, path).split()
    return [_git("show", f"{commit}:{name}") for name in names]


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
