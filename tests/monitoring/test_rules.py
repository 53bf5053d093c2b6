"""The alerts: goal, that each calls when it should, else is silent, and that whoever is called
finds what to do.

Method: the rules against what the services expose; each alert against its page and its cases, which
`promtool` plays where it is installed.
"""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.local.services import ROOT
from services.messaging.meters import CHAIN_SECONDS
from tests.exposed import SERVICES
from tests.monitoring.queries import FOLDER, JOBS, RULES, faults, read

RUNBOOK = ROOT / "docs" / "runbook"
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
CASE_FILES = ("rules_test.yml", "rules_days_test.yml")
CASES = [
    case for name in CASE_FILES for test in read(name)["tests"] for case in test["alert_rule_test"]
]
PARTS = ["What it means", "How to look", "What to do", "How to know it is over"]
INDEX = (RUNBOOK / "README.md").read_text("utf-8")
OBJECTIVE_SECONDS = 5


def page_of(alert: str) -> str:
    """The page of an alert: its name in small letters, with hyphens."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower() + ".md"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_the_services_expose(rule: dict[str, Any]) -> None:
    assert list(faults(rule["expr"])) == []


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_its_page_which_says_all_four_things(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook"] == f"docs/runbook/{page_of(alert)}"
    text = (RUNBOOK / page_of(alert)).read_text("utf-8")
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    said = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all(len(part) > 40 for part in said)
    severity = rule["labels"]["severity"]
    assert f"| [{alert}]({page_of(alert)}) | {severity} |" in INDEX


def test_no_page_is_left_of_an_alert_that_is_gone() -> None:
    pages = {path.name for path in RUNBOOK.iterdir()}
    assert pages == {page_of(alert) for alert in ALERTS} | {"README.md"}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_in_which_it_calls_and_one_in_which_it_is_silent(alert: str) -> None:
    calls = {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert}
    assert calls == {True, False}


def test_the_objective_is_the_same_wherever_it_stands() -> None:
    assert OBJECTIVE_SECONDS in CHAIN_SECONDS, "the histogram can tell"
    of_funding = [rule["expr"] for rule in RULES if "funding_seconds_bucket" in rule["expr"]]
    bounds = {bound for one in of_funding for bound in re.findall(r'le="([^"]+)"', one)}
    assert bounds == {f"{OBJECTIVE_SECONDS:.1f}"}
    policies = read("collector.yml")["processors"]["tail_sampling"]["policies"]
    (slow,) = (one for one in policies if one["type"] == "latency")
    assert slow["latency"]["threshold_ms"] == OBJECTIVE_SECONDS * 1000


def test_prometheus_asks_every_service() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    jobs = {
        one["job_name"]: one["static_configs"] for one in read("prometheus.yml")["scrape_configs"]
    }
    assert jobs.keys() == JOBS
    names = {one["labels"]["service"]: one["targets"] for one in jobs["cpts"]}
    port = compose["payments"]["environment"]["HTTP_PORT"]
    assert names == {service.name: [f"{service.name}:{port}"] for service in SERVICES}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")
@pytest.mark.parametrize(
    "command", [("check", "config", "prometheus.yml"), ("test", "rules", *CASE_FILES)]
)
def test_prometheus_agrees(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *command], cwd=FOLDER, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
