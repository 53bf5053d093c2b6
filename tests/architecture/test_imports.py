"""Who may import whom: goal, that the import rules of `pyproject.toml` hold and bite.

Method: `lint-imports` on the tree, then on copies of it, each with one offending import. A part
that a service does not have yet is an empty module in the copy, so that every rule is tried on
every service.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from contracts.topics import TOPICS

REPOSITORY = Path(__file__).parent.parent.parent
SERVICES = [topic.producer for topic in TOPICS]
ORACLE = sorted(path.stem for path in (REPOSITORY / "deploy/local/demo").glob("oracle*.py"))
PARTS = ["domain", "events", "store", "handlers", "http", "app"]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def broken_rules(tree: Path) -> set[str]:
    """The names of the rules that a tree breaks."""
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, f"no verdict:\n{done.stdout}\n{done.stderr}"
    broken = {
        line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if " BROKEN" in line
    }
    assert bool(broken) == (done.returncode != 0)
    return broken


def module_file(tree: Path, module: str) -> Path:
    path = tree / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code and its rules, complete with what is not written yet."""
    no_rubbish = shutil.ignore_patterns("__pycache__", "*.tsv", "examples", "schemas")
    for package in ("contracts", "deploy", "services"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=no_rubbish)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for name in SERVICES:
        (tmp_path / "services" / name).mkdir(exist_ok=True)
        (tmp_path / "services" / name / "__init__.py").touch()
        for part in PARTS:
            module_file(tmp_path, f"services.{name}.{part}").touch()
    (tmp_path / "services" / "messaging" / "__init__.py").touch()
    return tmp_path


RULES = {
    rule["id"]: rule["name"]
    for rule in tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}
OFFENCES = {
    "services-are-independent": [
        ("services.payments.store", "import services.indicators.domain"),
        ("services.membership.app", "from services.referrals import http"),
        ("services.console.http", "import services.payments.domain"),
    ],
    "messaging-knows-no-service": [("services.messaging", "import services.referrals.app")],
    "contracts-stand-alone": [
        ("contracts.topics", "import services.messaging"),
        ("contracts.recorded", "import asyncpg"),
    ],
    "services-stand-on-contracts": [
        ("services.membership.app", "import deploy.local"),
        ("services.messaging", "import tests.examples"),
    ],
    "oracle-stands-alone": [
        *((f"deploy.local.demo.{name}", "import services.referrals.domain") for name in ORACLE),
        ("deploy.local.demo.oracle_registers", "from contracts import communes"),
        ("deploy.local.demo.orders", "from services.messaging import codec"),
    ],
    "domain-is-pure": [
        *((f"services.{name}.domain", "import asyncpg") for name in SERVICES),
        ("services.referrals.domain", "import logging"),
        ("services.console.domain.watching", "from services.console.outside import asking"),
        ("services.referrals.domain", "from time import monotonic"),
        ("services.payments.domain", "import random"),
        ("services.payments.domain", "def f():\n    import os"),
        ("services.indicators.domain", "import asyncio"),
        ("services.indicators.domain", "from opentelemetry import trace"),
        ("services.membership.domain", "import socket"),
        ("services.membership.domain", "from services.messaging import unit"),
        ("services.membership.domain", "from services.membership import store"),
        ("contracts.recorded", "import random"),
    ],
    "domain-reads-no-file": [("services.membership.domain", "import tomllib")],
    "events-are-contracts-only": [
        ("services.indicators.events", "from services.messaging import unit"),
        ("services.payments.events", "from services.payments import domain"),
    ],
    "store-knows-no-kafka": [
        *((f"services.{name}.store", "import aiokafka") for name in SERVICES),
        ("services.referrals.store", "from services.referrals import handlers"),
    ],
    "handlers-know-no-broker": [
        *((f"services.{name}.handlers", "import faststream") for name in SERVICES),
        *(
            (f"services.{name}.handlers", "from aiokafka import TopicPartition")
            for name in SERVICES
        ),
    ],
    "http-knows-no-kafka": [
        *((f"services.{name}.http", "import aiokafka") for name in SERVICES),
        ("services.payments.http", "from faststream.kafka import KafkaBroker"),
    ],
}


def test_the_tree_breaks_no_rule(tree: Path):
    assert broken_rules(tree) == set()


def test_every_rule_is_broken_once_on_purpose():
    assert OFFENCES.keys() == RULES.keys()


@pytest.mark.parametrize(
    ("rule", "module", "offence"),
    [(rule, module, line) for rule, offences in OFFENCES.items() for module, line in offences],
)
def test_an_offending_import_is_refused(tree: Path, rule: str, module: str, offence: str):
    path = module_file(tree, module)
    path.write_text(f"{path.read_text('utf-8')}\n{offence}\n", encoding="utf-8")
    assert RULES[rule] in broken_rules(tree)


@pytest.mark.parametrize("name", SERVICES)
def test_a_split_part_is_under_the_same_rules(tree: Path, name: str):
    domain = tree / "services" / name / "domain"
    if not domain.is_dir():
        domain.with_suffix(".py").unlink()
        domain.mkdir()
        (domain / "__init__.py").touch()
    (domain / "invented.py").write_text("import httpx\n", encoding="utf-8")
    assert broken_rules(tree) == {RULES["domain-is-pure"]}
