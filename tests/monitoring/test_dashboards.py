"""The dashboards: goal, that each is what the code makes, and shows what the services expose.

Method: the committed JSON against the code, and every query in it against every series.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from deploy.local.services import ROOT
from deploy.monitoring import dashboards
from tests.monitoring.queries import faults

MADE = {name: msgspec.json.decode(dashboards.written(name)) for name in dashboards.DASHBOARDS}
SOURCES = yaml.safe_load((ROOT / "deploy/monitoring/grafana/datasources.yml").read_text("utf-8"))
promtool = shutil.which("promtool")


def expressions(made: dict[str, Any]) -> list[str]:
    """Every question of a dashboard to Prometheus."""
    found = [target["expr"] for panel in made["panels"] for target in panel.get("targets", ())]
    chosen = [
        re.fullmatch(r"label_values\((.+), (\w+)\)", one["query"])
        for one in made["templating"].get("list", ())
    ]
    return found + [f"count by ({one[2]}) ({one[1]})" for one in chosen if one]


def test_the_committed_dashboards_are_those_that_the_code_makes() -> None:
    """Otherwise: `python -m deploy.monitoring.dashboards`."""
    there = {path.stem: path.read_text("utf-8") for path in dashboards.FOLDER.iterdir()}
    assert there == {name: dashboards.written(name) for name in dashboards.DASHBOARDS}


@pytest.mark.parametrize("name", MADE)
def test_a_dashboard_asks_for_what_the_services_expose(name: str) -> None:
    asked = expressions(MADE[name])
    assert len(asked) > 10
    assert {one: found for one in asked if (found := list(faults(one)))} == {}


@pytest.mark.parametrize(
    "expression",
    [
        "max(cpts_lag)",
        'max(cpts_lag_seconds{town="93"})',
        "max by (town) (cpts_lag_seconds)",
        'sum(cpts_events_in_total{fate="lost"})',
        'sum(cpts_events_out_total{type=~"payments.(YearSettled|YearLost).v1"})',
        'max(cpts_offers_open{service="tolls"})',
    ],
)
def test_what_nobody_exposes_is_seen(expression: str) -> None:
    assert list(faults(expression)) != []


@pytest.mark.parametrize("name", MADE)
def test_a_panel_says_how_to_read_it_and_asks_a_source_that_is_there(name: str) -> None:
    sources = {one["uid"] for one in SOURCES["datasources"]}
    for panel in MADE[name]["panels"]:
        if panel["type"] != "row":
            assert len(panel["description"]) > 10, panel["title"]
            assert panel["datasource"]["uid"] in sources


@pytest.mark.skipif(promtool is None, reason="promtool is not here")
def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    rules = [
        {"record": "asked", "labels": {"n": str(n)}, "expr": re.sub(r"\$__\w+", "5m", one)}
        for n, one in enumerate(one for made in MADE.values() for one in expressions(made))
    ]
    path = tmp_path / "asked.yml"
    path.write_bytes(msgspec.yaml.encode({"groups": [{"name": "all", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", path], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
