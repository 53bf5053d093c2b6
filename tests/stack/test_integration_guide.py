"""docs/integration.md: the commands that it shows search a slot, book it, and have it accepted."""

import json
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.stack.documents import blocks, checkout, run_until_done


def test_the_commands_end_in_an_accepted_booking(
    platform: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPTS_INSTANCE", platform.name)
    folder = checkout(tmp_path)
    setting, *orders = blocks("integration.md")
    (booking,) = [one for one in orders if "/bookings" in one]
    before = orders[: orders.index(booking)]
    answers = [run_until_done(setting + block, folder) for block in before]
    (found,) = (json.loads(one) for one in answers if '"Bundle"' in one)
    kinds = [one["resource"]["resourceType"] for one in found["entry"]]
    assert kinds.count("Slot") == 2, found
    booked = run_until_done(setting + booking, folder, '"accepted"')
    assert json.loads(booked)["referral_id"]
    declarations, hub = orders[len(before) + 1 :]
    listed = json.loads(run_until_done(setting + declarations, folder))
    assert listed == {"items": [], "next": None}
    assert json.loads(run_until_done(setting + hub, folder))["is_configured"] is False
