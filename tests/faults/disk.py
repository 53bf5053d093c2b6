"""A small disk for the databases, which may be filled: a tmpfs, where this account may mount one.

PostgreSQL's own files, the write-ahead log among them, stay where they are: what runs full is the
tablespace, and PostgreSQL is told so by the kernel (ENOSPC), as on any disk.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.local import postgres
from deploy.local.folders import is_root

SIZE = "800m"
TABLESPACE = "small_disk"


class Disk:
    """The disk below an instance's folder; `folder` is None where there can be none, `why_not`
    says why then.
    """

    def __init__(self, below: Path) -> None:
        self._below = below / "disk"
        self.folder: Path | None = None
        self.why_not = ""

    def __enter__(self) -> Self:
        if not is_root():
            self.why_not = "only root may mount a tmpfs"
            return self
        _clear_what_was_left(self._below)
        self._below.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self._below)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            self.why_not = f"no tmpfs can be mounted: {done.stderr.strip()}"
            return self
        self.folder = self._below
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self.folder is not None:
            subprocess.run(["umount", "--lazy", str(self._below)], check=False)

    def take(self, admin_url: str, database_urls: Mapping[str, str]) -> None:
        """Move empty databases onto the disk, if there is one."""
        if self.folder is None:
            return
        with psycopg.connect(admin_url, autocommit=True) as connection:
            space = self.folder / "space"
            if not space.exists():
                space.mkdir()
                if (account := postgres.account()) is not None:
                    os.chown(space, *account)
                connection.execute(
                    sql.SQL("create tablespace {} location {}").format(
                        sql.Identifier(TABLESPACE), sql.Literal(str(space))
                    )
                )
            for url in database_urls.values():
                connection.execute(
                    sql.SQL("alter database {} set tablespace {}").format(
                        sql.Identifier(urlsplit(url).path[1:]), sql.Identifier(TABLESPACE)
                    )
                )


def _clear_what_was_left(ours: Path) -> None:
    """Unmount the disks of campaigns that were killed: with them, their folders cannot go."""
    for folder in ours.parent.parent.glob(f"*/{ours.name}"):
        if folder.is_mount() and not (folder.parent / "instance.json").exists():
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
            shutil.rmtree(folder.parent, ignore_errors=True)
