"""Holds an ephemeral instance in another process, until that process is ended."""

import subprocess
import sys
from pathlib import Path

from deploy.local.services import ROOT


def hold() -> tuple["subprocess.Popen[str]", Path]:
    """The process that owns the instance, in a process group of its own, and its folder."""
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.stack.hold_stack"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().rstrip("\n"))
