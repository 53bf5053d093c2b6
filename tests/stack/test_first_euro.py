"""docs/first-euro.md: the commands that it shows, one after the other, end in its two amounts."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.stack.documents import blocks, checkout, run_until_done


def test_the_commands_end_in_an_amount_and_its_explanation(
    platform: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPTS_INSTANCE", platform.name)
    folder = checkout(tmp_path)
    setting, *orders = blocks("first-euro.md")
    explained: list[dict[str, Any]] = []
    for block in orders:
        if "/explanation" not in block:
            run_until_done(setting + block, folder)
            continue
        wanted = f'"variable_cents": {20_000 * (len(explained) + 1)}'
        explained.append(json.loads(run_until_done(setting + block, folder, wanted)))
    assert len(orders) >= 7
    first, second = explained
    (line,) = first["lines"]
    assert line["facts"]["items"] == ["referral:r-a0365ac6ac280b6aa84e82c444a90084"]
    assert first["missions"][0]["rate"]["text"]
    (line,) = second["lines"]
    assert len(line["facts"]["items"]) == 2
    way = run_until_done(next(block for block in orders if "just trace" in block), folder)
    assert "0,00 € → 200,00 €" in way
    steps = [line.split()[:2] for line in way.splitlines() if line.startswith(tuple(SERVICES), 1)]
    assert steps == [
        ["referrals", "accepte"],
        ["referrals", "envoie"],
        ["indicators", "compte"],
        ["indicators", "envoie"],
        ["payments", "estime"],
    ]
    unknown = run_until_done("uv run just trace r-0 || true", folder)
    assert unknown == "aucune demande ne s'appelle r-0\n"
    rebuilt = run_until_done("uv run just rebuild payments", folder)
    assert " ledger_entry " in rebuilt
    assert "DIFFERS" not in rebuilt
