"""The commands that a document shows, given to a shell as they are.

There are stand-ins for `uv run just` (the same program) and for `curl` (a bare machine has none). A
block is run again while what it builds on is still on its way through the log: a person's fingers
take longer.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.services import ROOT

WITHIN_SECONDS = 30
LINKED = ("deploy", "contracts", "services", "tests", "docs")
STAND_INS = f"""
set -e
uv() {{ shift 2; '{sys.executable}' -m deploy.local "$@"; }}
curl() {{ '{sys.executable}' -m tests.stack.curl "$@"; }}
"""


def blocks(name: str) -> list[str]:
    """The shell blocks of a document in docs/, the first of which sets variables for the others."""
    text = (ROOT / "docs" / name).read_text("utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def checkout(folder: Path) -> Path:
    """A folder that looks like the checkout and may be written to."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    return folder


def run_until_done(commands: str, folder: Path, wanted: str = "") -> str:
    """What the commands print, once they succeed and what is wanted is in it."""
    limit = time.monotonic() + WITHIN_SECONDS
    while True:
        told = subprocess.run(
            ["sh", "-c", STAND_INS + commands],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if told.returncode == 0 and wanted in told.stdout:
            return told.stdout
        assert time.monotonic() < limit, commands + told.stdout + told.stderr
        time.sleep(0.2)
