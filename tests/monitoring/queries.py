"""The questions that dashboards and rules put to Prometheus, held against what is exposed."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from prometheus_client import ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.services import ROOT
from services.messaging.scraping import Taken
from tests.exposed import SERVICES, loaded

Labels = dict[str, str]

FOLDER = ROOT / "deploy" / "monitoring"
BY_SCRAPING = frozenset({"service", "job", "instance"})
JOBS = frozenset({"cpts", "collector", "spans"})
# Exposed by a service that runs; that these are all is seen in tests/messaging/test_metrics.py.
OF_A_RUN: dict[str, list[Labels]] = {
    "cpts_ready": [{}],
    "cpts_reading_failures_total": [{"reading": one} for one in ("database", "log", "invariants")],
    "cpts_reading_timestamp_seconds": [
        {"reading": one} for one in ("database", "log", "invariants")
    ],
}
KEYWORDS = frozenset({"by", "on", "and", "or", "unless", "without", "ignoring", "bool"})
SELECTOR = re.compile(r"([a-zA-Z_][\w:]*)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|without|ignoring) \(([^)]*)\)")
NAME = re.compile(r"\b[a-zA-Z_][\w:]*\b(?!\s*\()")


def read(name: str) -> Any:
    """A file of the folder of what watches."""
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


RULES = [rule for group in read("rules.yml")["groups"] for rule in group["rules"]]
RECORDED = frozenset(rule["record"] for rule in RULES if "record" in rule)

Matchers = list[tuple[str, str, str]]


@cache
def exposed() -> dict[str, list[Labels]]:
    """The labels of every series by the name of its metric, with the service that exposes it."""
    found: dict[str, list[Labels]] = {"up": [{"job": job} for job in JOBS]}
    for service in SERVICES:
        families = [*loaded(service), *ProcessCollector(registry=None).collect()]
        text = generate_latest(Taken(families)).decode()
        of_service = {"service": service.name, "instance": "x", "job": "cpts"}
        for family in text_string_to_metric_families(text):
            for one in family.samples:
                found.setdefault(one.name, []).append(one.labels | of_service)
        for name, series in OF_A_RUN.items():
            found.setdefault(name, []).extend(one | of_service for one in series)
    return found


def selectors(expression: str) -> Iterator[tuple[str, Matchers]]:
    """Each metric of an expression, with what its labels must be."""
    for name, matchers in SELECTOR.findall(expression):
        yield name, MATCHER.findall(matchers)
    rest = GROUPING.sub(" ", SELECTOR.sub(" ", expression))
    for name in NAME.findall(re.sub(r"\[[^]]*\]", " ", rest)):
        if name not in KEYWORDS:
            yield name, []


def faults(expression: str) -> Iterator[str]:
    """What an expression names and neither a service exposes nor a rule records."""
    known: set[str] = {"le"} | BY_SCRAPING
    for name, matchers in selectors(expression):
        if name in RECORDED:
            continue
        series = exposed().get(name, [])
        if not series:
            yield f"{name} is exposed by no service"
        known |= {label for one in series for label in one}
        for matcher in matchers:
            yield from _unmatched(name, series, *matcher)
    for group in GROUPING.findall(expression):
        for label in (one.strip() for one in group.split(",")):
            if label and label not in known:
                yield f"no metric of it has a label {label}"


def _unmatched(name: str, series: list[Labels], label: str, sign: str, value: str) -> Iterator[str]:
    """Each alternative of a regular expression must be the value of some series."""
    values = {one[label] for one in series if label in one}
    if not values:
        yield f"{name} has no label {label}"
    elif "$" not in value and sign in ("=", "=~"):
        matched = {one for one in values if re.fullmatch(value, one)}
        wanted = value.count("|") + 1 if sign == "=~" else 1
        if len(matched) < wanted:
            yield f"{name}: {label} is never {value}"
