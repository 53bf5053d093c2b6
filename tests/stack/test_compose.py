"""The platform in containers, without containers: goal, that what surrounds them does its part.

Method: a program named `docker` writes down what it is asked; the script that makes the databases
runs on the session's own PostgreSQL.
"""

import os
import secrets
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg import sql

from deploy.compose import __main__ as just_compose
from deploy.compose import stack as compose_stack
from deploy.compose.stack import ComposeStack
from deploy.local import postgres
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT, SERVICES
from deploy.local.stack import Stack
from tests import containers

PRETENDER = """\
#!/bin/sh
echo "$*" >> '{asked}'
case "$*" in
  events*) exec sleep 60;;
  *{fails}*) echo 'no space left'; exit 1;;
esac
"""


class Docker:
    """A `docker` first on the path that does nothing, or fails at one thing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._program, self._asked = folder / "docker", folder / "asked"
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        self.fails_at("nothing like this")

    def fails_at(self, words: str) -> None:
        text = PRETENDER.format(asked=self._asked, fails=words.replace(" ", "\\ "))
        self._program.write_text(text)
        self._program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        """What it was asked, without the files and the name of the project."""
        lines = self._asked.read_text().splitlines()
        return [line.partition("demo.yml ")[2] or line for line in lines]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setattr(compose_stack, "HOME", tmp_path / "home")
    return Docker(tmp_path, monkeypatch)


DOWN = "down --volumes --remove-orphans --timeout 10"
SERVERS = "up --detach --wait kafka postgres"


def test_a_run_begins_and_ends_with_nothing(docker: Docker, tmp_path: Path) -> None:
    said: list[str] = []
    with ComposeStack(said.append) as stack:
        stack.start_services({"CPTS_CLOCK_FILE": str(stack.folder / "clock")})
        assert sorted(path.name for path in (tmp_path / "home" / "secrets").iterdir()) == sorted(
            ["doors", "postgres", *SERVICES]
        )
        key = tmp_path / "home" / "secrets" / "doors" / "gateway.key"
        assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o444, 0o755)
        assert key.parents[1].stat().st_mode & 0o777 == 0o700
    told = [line for line in docker.asked if not line.startswith("events")]
    assert told == [DOWN, "build", SERVERS, "up --detach --wait", DOWN]
    assert f"payments: ready at {stack.http_urls['payments']}" in said
    assert list((tmp_path / "home").iterdir()) == []


def test_a_start_that_fails_says_why_and_leaves_nothing(docker: Docker) -> None:
    docker.fails_at(SERVERS)
    with pytest.raises(ComponentFailed) as failed, ComposeStack(lambda _line: None):
        pass
    assert "docker compose could not do `up`" in str(failed.value)
    assert "no space left" in str(failed.value)
    assert docker.asked == [DOWN, "build", SERVERS, DOWN]


def test_what_cannot_be_taken_away_is_told(docker: Docker) -> None:
    said: list[str] = []
    with ComposeStack(said.append) as stack:
        docker.fails_at(DOWN)
    assert said[-1].startswith(f"left behind: {stack.name}\n")
    assert "no space left" in said[-1]


def test_a_second_run_of_a_checkout_is_refused(docker: Docker) -> None:
    with ComposeStack(lambda _line: None):
        before = docker.asked
        with pytest.raises(ComponentFailed, match="runs already from this checkout"):
            ComposeStack(lambda _line: None).start()
        assert docker.asked == before


def test_a_machine_without_docker_is_told_what_to_install(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("CPTS_SECRETS", str(tmp_path / "secrets"))
    with pytest.raises(ComponentFailed, match="docker is not here") as failed:
        ComposeStack(lambda _line: None).start()
    assert "install Docker with its compose plugin" in str(failed.value)
    assert just_compose.main(["up"]) == 1
    assert (
        capsys.readouterr().err == "`docker` is not here: install Docker with its compose plugin\n"
    )


@pytest.fixture
def psql(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """The administrator's URL of a PostgreSQL of our own, with `psql` on the path."""
    if "postgres" not in stack.components:
        pytest.skip("a given server is not ours to close")
    url = urlsplit(stack.admin_url)
    monkeypatch.setenv("PATH", f"{postgres.programs()}{os.pathsep}{os.environ['PATH']}")
    for name, value in {
        "PGHOST": url.hostname,
        "PGPORT": str(url.port),
        "PGUSER": url.username,
    }.items():
        monkeypatch.setenv(name, value or "")
    return stack.admin_url


def test_the_job_makes_one_closed_database_a_role(psql: str, tmp_path: Path) -> None:
    """Again with another password: the database stays, the role has the new one."""
    role = f"guest_{secrets.token_hex(4)}"
    url = urlsplit(psql)
    (tmp_path / "postgres").write_text(unquote(url.password or ""))

    def made(password: str, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        netloc = f"{role}:{password}@{url.hostname}:{url.port}"
        return psycopg.connect(url._replace(netloc=netloc, path=f"/{database}").geturl())

    try:
        for password in ("first", "it's"):
            (tmp_path / role).write_text(password)
            script = ROOT / "deploy" / "compose" / "databases.sh"
            subprocess.run(
                ["sh", str(script), role],
                env=os.environ | {"SECRETS": str(tmp_path)},
                check=True,
                capture_output=True,
                timeout=60,
            )
            with made(password, role) as connection:
                connection.execute("create table if not exists kept (n int)")
                rights = connection.execute(
                    "select rolsuper, rolcreatedb, rolcreaterole, rolreplication"
                    " from pg_roles where rolname = current_user"
                ).fetchone()
            assert rights == (False, False, False, False)
        for closed in ("payments", "postgres", "template1"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                made("it's", closed)
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            made("first", role)
    finally:
        with psycopg.connect(psql, autocommit=True) as connection:
            for what in ("database", "role"):
                drop = sql.SQL("drop {} if exists {}")
                connection.execute(drop.format(sql.SQL(what), sql.Identifier(role)))


def test_a_kind_of_test_stack_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, is_wanted in (("", False), ("containers", True)):
        monkeypatch.setenv("CPTS_TEST_STACK", value)
        assert containers.are_wanted() is is_wanted
    monkeypatch.setenv("CPTS_TEST_STACK", "container")
    with pytest.raises(pytest.UsageError, match="it may be containers, or empty"):
        containers.are_wanted()
