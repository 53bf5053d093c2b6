"""Where the embedded stack keeps its files: a cache (can be rebuilt) and a state (cannot).

PostgreSQL refuses to run as root, so a root user's database runs under another account, which
must be able to reach its files. A root home is closed to others and stays so: root's files go to
`/var` instead, unless `XDG_CACHE_HOME` or `XDG_STATE_HOME` name a folder that others can reach.
"""

import os
import stat
import tempfile
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

APPLICATION = "sas-cpts"


def is_root() -> bool:
    """Whether this process runs as the superuser of a Unix system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def is_reachable_by_all(path: Path) -> bool:
    """Whether any account may walk down to `path` (its missing end does not count)."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return all(
        folder.stat().st_mode & stat.S_IXOTH
        for folder in (there, *there.parents)
        if folder.is_dir()
    )


def make_folder(path: Path) -> Path:
    """Make a folder and its missing parents: closed to others, but root's can be walked through."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o711 if is_root() else 0o700)
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole and in one step, whoever else writes it at the same time."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_bytes(content)
    new.replace(path)


def _first_usable(candidates: list[Path]) -> Path:
    for candidate in candidates:
        if is_root() and not is_reachable_by_all(candidate):
            continue
        try:
            make_folder(candidate)
        except OSError:
            continue
        if os.access(candidate, os.W_OK):
            return candidate
    raise PermissionError(f"none of these folders can be written: {candidates}")


def _last_resort() -> Path:
    owner = os.geteuid() if hasattr(os, "geteuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"{APPLICATION}-{owner}"


def cache_folder() -> Path:
    """The folder of downloads, made if absent: jars, and PostgreSQL's programs when root."""
    return _first_usable(
        [
            user_cache_path(APPLICATION, appauthor=False),
            *([Path("/var/cache") / APPLICATION] if is_root() else []),
            _last_resort() / "cache",
        ]
    )


def state_folder() -> Path:
    """The folder of the instances, made if absent."""
    return _first_usable(
        [
            user_state_path(APPLICATION, appauthor=False),
            *([Path("/var/lib") / APPLICATION] if is_root() else []),
            _last_resort() / "state",
        ]
    )
