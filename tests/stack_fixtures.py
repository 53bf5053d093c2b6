"""The real Kafka and PostgreSQL of the tests: one instance a session, fresh names a test."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from deploy.local import databases
from deploy.local.stack import Stack
from tests import containers


@pytest.fixture(scope="session", autouse=True)
def servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `CPTS_TEST_STACK=containers`, Kafka and PostgreSQL of the session, in its environment.

    Nothing is started for tests that need neither.
    """
    are_needed = any(item.get_closest_marker("stack") for item in request.session.items)
    if not (are_needed and containers.are_wanted()):
        yield
        return
    with containers.servers() as given, pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def stack(servers: None) -> Iterator[Stack]:
    """Kafka and PostgreSQL: those of the environment variables, embedded ones otherwise."""
    with Stack("tests", ephemeral=True) as running:
        yield running


def fresh_name(stack: Stack, letter: str) -> str:
    """A name for databases and topics that no other test uses.

    On given servers it begins with the session's, which deletes all that does when it ends.
    """
    return f"{stack.namespace}{letter}{secrets.token_hex(4)}"


@pytest.fixture
def namespace(stack: Stack) -> str:
    """A prefix of topic names that no other test uses."""
    return f"{fresh_name(stack, 't')}-"


@pytest.fixture(scope="session")
def spare_suffixes() -> list[str]:
    """The suffixes of databases that a test has done with; they are empty again."""
    return []


@pytest.fixture
def fresh_databases(stack: Stack, spare_suffixes: list[str]) -> Iterator[dict[str, str]]:
    """Empty databases for this test alone: each service's connection string under its own role.

    They are emptied, not dropped: PostgreSQL writes out everything it holds for every drop.
    """
    suffix = spare_suffixes.pop() if spare_suffixes else f"_{fresh_name(stack, 't')}"
    urls = databases.create_databases(stack.admin_url, suffix)
    yield urls
    for url in urls.values():
        empty_database(urlsplit(stack.admin_url)._replace(path=urlsplit(url).path).geturl())
    spare_suffixes.append(suffix)


def empty_database(url: str) -> None:
    """End the sessions of a database and take its schemas away, so that it is as if made now."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        schemas = connection.execute(
            "select nspname from pg_namespace"
            " where nspname !~ '^pg_' and nspname <> 'information_schema'"
        ).fetchall()
        for (name,) in schemas:
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))
        connection.execute("create schema public authorization pg_database_owner")
        connection.execute("grant usage on schema public to public")
