"""The platform in containers, read and not run: goal, that it is whole, ordered, closed and keeps
no secret in clear.

Method: every rule on the repository's own files, then on a copy with one thing wrong.
"""

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.compose import passwords
from deploy.local import databases, postgres
from deploy.local.services import ROOT, SERVICES
from tests.architecture import containers
from tests.architecture.containers import Compose

COMPOSE: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DEMO: Compose = yaml.safe_load((ROOT / "deploy" / "compose" / "demo.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")

Rule = Callable[[Compose], Iterable[str]]
RULES: list[Rule] = [
    containers.missing_parts,
    containers.wrong_profiles,
    containers.missing_configuration,
    containers.unhealthy,
    containers.wrong_order,
    containers.clear_secrets,
    containers.foreign_secrets,
    containers.open_ports,
    containers.powers,
    containers.forgetful,
]

PASSWORD_IN_URL = "postgresql://payments:easy@postgres:5432/payments"
BROKEN: list[tuple[Rule, tuple[str, ...], Any]] = [
    (containers.missing_parts, ("services", "cache"), {}),
    (containers.wrong_profiles, ("services", "grafana", "profiles"), []),
    (containers.wrong_profiles, ("services", "payments", "profiles"), ["monitoring"]),
    (containers.missing_configuration, ("configs", "rules", "file"), "deploy/rules.yml"),
    (containers.missing_configuration, ("services", "prometheus", "configs"), []),
    (containers.unhealthy, ("services", "payments", "healthcheck"), {"disable": True}),
    (containers.wrong_order, ("services", "payments", "depends_on"), ["postgres"]),
    (containers.clear_secrets, ("services", "postgres", "environment", "POSTGRES_PASSWORD"), "x"),
    (
        containers.clear_secrets,
        ("services", "payments", "environment", "DATABASE_URL"),
        PASSWORD_IN_URL,
    ),
    (containers.clear_secrets, ("secrets", "payments"), {"environment": "PAYMENTS"}),
    (containers.foreign_secrets, ("services", "payments", "secrets"), ["membership"]),
    (containers.foreign_secrets, ("services", "console", "secrets"), ["payments"]),
    (containers.open_ports, ("services", "payments", "ports"), ["18004:8000"]),
    (containers.powers, ("services", "payments", "user"), "root"),
    (containers.powers, ("services", "payments", "read_only"), False),
    (containers.forgetful, ("services", "postgres", "volumes"), []),
    (containers.forgetful, ("services", "prometheus", "volumes"), []),
    (containers.forgetful, ("services", "kafka", "image"), "apache/kafka:latest"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_compose_file_keeps_every_rule(rule: Rule) -> None:
    assert list(rule(COMPOSE)) == []


@pytest.mark.parametrize(("rule", "where", "value"), BROKEN)
def test_each_rule_bites(rule: Rule, where: tuple[str, ...], value: Any) -> None:
    broken = deepcopy(COMPOSE)
    part = broken
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    assert list(rule(broken)) != []


def test_there_is_one_dockerfile_and_its_image_is_small_and_closed() -> None:
    found = [path for path in ROOT.rglob("*Dockerfile*") if ".venv" not in path.parts]
    assert found == [ROOT / "deploy" / "Dockerfile"]
    assert containers.unsafe_image(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("USER 10001", ""),
        ("USER 10001", "USER 0"),
        ("--no-default-groups", ""),
        ("COPY --from=build /app /app", "COPY . /app"),
        ("FROM python:3.13-slim\n", ""),
    ],
)
def test_a_worse_dockerfile_is_seen(old: str, new: str) -> None:
    assert old in DOCKERFILE
    assert containers.unsafe_image(DOCKERFILE.replace(old, new)) != []


def test_the_engine_is_sent_what_the_image_is_made_of_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {line.removeprefix("!") for line in rules if line.startswith("!")}
    assert sent == {"pyproject.toml", "uv.lock", "contracts", "services", "docs/runbook"}


def test_containers_and_the_embedded_platform_are_of_the_same_versions() -> None:
    jars = (ROOT / "deploy" / "local" / "kafka.lock").read_text("utf-8")
    kafka = COMPOSE["services"]["kafka"]["image"].rpartition(":")[2]
    assert re.search(rf"\bkafka_2\.13\b.*\b{re.escape(kafka)}\b", jars)
    assert COMPOSE["services"]["postgres"]["image"] == f"postgres:{postgres.MAJOR_VERSION}"
    assert COMPOSE["services"]["databases"]["image"] == f"postgres:{postgres.MAJOR_VERSION}"


@pytest.mark.parametrize(
    "name", ["track_commit_timestamp", "max_connections", "shared_buffers", "timezone"]
)
def test_both_servers_have_the_same_settings(name: str) -> None:
    assert f"--{name}={postgres.SETTINGS[name]}" in COMPOSE["services"]["postgres"]["command"]


def test_the_demonstration_adds_a_clock_and_nothing_else() -> None:
    assert DEMO.keys() == {"services", "x-service"}
    for name, added in DEMO["services"].items():
        environment = {"CPTS_CLOCK_FILE"} if name in SERVICES else set()
        assert set(added) <= {"restart", "environment", "volumes"}
        assert set(added.get("environment", ())) == environment
    assert "CPTS_CLOCK" not in str(COMPOSE)


def test_the_secrets_are_made_once_and_others_are_kept_out(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "secrets"
    passwords.make_secrets(folder)
    made = {path.name: path.read_text("ascii") for path in folder.iterdir()}
    assert made.keys() == COMPOSE["secrets"].keys() == {"postgres", *SERVICES}
    assert len(set(made.values())) == len(made)
    assert folder.stat().st_mode & 0o777 == 0o700
    passwords.make_secrets(folder)
    assert {path.name: path.read_text("ascii") for path in folder.iterdir()} == made


def test_a_role_has_the_password_that_it_has_on_every_server_of_that_administrator(
    tmp_path: Path,
) -> None:
    passwords.make_secrets(tmp_path)
    admin_url = passwords.admin_url(tmp_path, port=15432)
    for service, url in databases.database_urls(admin_url).items():
        password = (tmp_path / service).read_text("ascii")
        assert url == f"postgresql://{service}:{password}@127.0.0.1:15432/{service}"


def test_git_does_not_look_at_the_secrets() -> None:
    folder = passwords.DEFAULT_SECRETS.relative_to(ROOT)
    assert f"{folder.parts[0]}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
