"""docs/first-euro.md: the commands that it shows, run one after the other, end in its two amounts.

Method: each block is given to a shell as it is, with stand-ins for `uv run just` (the same program)
and for `curl` (a bare machine has none). A block is run again while what it builds on is still on
its way through the log: a person's fingers take longer.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ROOT
from deploy.local.stack import Stack

DOCUMENT = ROOT / "docs" / "first-euro.md"
WITHIN_SECONDS = 30
STAND_INS = f"""
set -e
uv() {{ shift 2; '{sys.executable}' -m deploy.local "$@"; }}
curl() {{ '{sys.executable}' -m tests.stack.curl "$@"; }}
"""


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout and may be written to."""
    for name in ("deploy", "contracts", "services", "tests", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_the_commands_end_in_an_amount_and_its_explanation(
    platform: Stack, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPTS_INSTANCE", platform.name)
    setting, *orders = blocks()
    explained: list[dict[str, Any]] = []
    for block in orders:
        is_question = "/explanation" in block
        wanted = 20_000 * (len(explained) + 1) if is_question else None
        answer = run_until_done(setting + block, checkout, wanted)
        if is_question:
            explained.append(json.loads(answer))
    assert len(orders) >= 7
    first, second = explained
    (line,) = first["lines"]
    assert line["facts"]["items"] == ["referral:r-a0365ac6ac280b6aa84e82c444a90084"]
    assert first["missions"][0]["rate"]["text"]
    (line,) = second["lines"]
    assert len(line["facts"]["items"]) == 2
    rebuilt = run_until_done("uv run just rebuild payments", checkout, None)
    assert " ledger_entry " in rebuilt
    assert "DIFFERS" not in rebuilt


def run_until_done(commands: str, folder: Path, wanted_cents: int | None) -> str:
    """What the commands print, once they succeed and, if an amount is wanted, say it."""
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
        says_it = wanted_cents is None or f'"variable_cents": {wanted_cents}' in told.stdout
        if told.returncode == 0 and says_it:
            return told.stdout
        assert time.monotonic() < limit, commands + told.stdout + told.stderr
        time.sleep(0.2)
