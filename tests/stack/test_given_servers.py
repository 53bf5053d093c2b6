"""Servers given by the environment: goal, that unfit ones are refused and fit ones left clean.

Method: the session's own Kafka and PostgreSQL are given to other instances.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import databases, given, ports, postgres, processes, topics
from deploy.local.postgres import PostgresNode
from deploy.local.processes import ComponentFailed
from deploy.local.stack import Stack
from tests.stack.holding import hold
from tests.stack_fixtures import fresh_name


@pytest.fixture
def given_servers(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The session's servers, in the environment."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("POSTGRES_URL", stack.admin_url)
    return stack


async def make_topics(kafka: str, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1) for name in names])
    await admin.close()


def kept(stack: Stack, part: str) -> set[str]:
    """The topics and databases of the session's servers that have `part` in their names."""
    with psycopg.connect(stack.admin_url) as connection:
        rows = connection.execute("select datname from pg_database").fetchall()
    return {
        name for name in [*topics.names(stack.kafka), *(row[0] for row in rows)] if part in name
    }


async def test_what_was_made_on_given_servers_goes_with_the_instance(given_servers: Stack) -> None:
    with Stack("guest", ephemeral=True) as guest:
        name = fresh_name(guest, "x")
        databases.create_databases(guest.admin_url, f"_{name}")
        await make_topics(guest.kafka, f"{guest.namespace}payments", f"{name}-payments")
        assert {f"payments_{name}", f"payments_{guest.name}"} < kept(given_servers, guest.name)
    assert kept(given_servers, guest.name) == set()


async def test_a_killed_owner_leaves_nothing_on_given_servers(given_servers: Stack) -> None:
    owner, folder = hold()
    await make_topics(given_servers.kafka, f"{folder.name}-payments")
    assert f"payments_{folder.name}" in kept(given_servers, folder.name)
    owner.kill()
    owner.wait()
    assert processes.wait_until(lambda: not folder.exists(), within_seconds=60)
    assert kept(given_servers, folder.name) == set()


async def test_a_reset_deletes_its_own_and_nothing_of_another_instance(
    given_servers: Stack,
) -> None:
    name = fresh_name(given_servers, "r").replace("_", "-")
    first, second = Stack(name).start(), Stack(f"{name}-other").start()
    await make_topics(given_servers.kafka, f"{name}-payments", f"{name}-other-payments")
    assert first.reset() == []
    others = {f"{service}_{name}-other" for service in first.database_urls}
    assert kept(given_servers, name) == {f"{name}-other-payments", *others}
    assert second.reset() == []
    assert kept(given_servers, name) == set()


async def test_what_cannot_be_deleted_is_told(
    given_servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(fresh_name(given_servers, "r")).start()
    with monkeypatch.context() as broken:
        broken.setattr(databases, "CONNECT_SECONDS", "never")
        (left,) = stack.reset()
    assert left.startswith(f"the databases …_{stack.name} of postgresql://postgres@127.0.0.1")
    databases.drop_databases(stack.admin_url, f"_{stack.name}")


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL alone, as someone else may have set it up; its administrator's URL."""
    node = PostgresNode(folder=folder / "postgres", port=ports.free_port(), password="pw")
    process = postgres.start(node)
    postgres.wait_ready(node, process)
    yield node.admin_url
    processes.stop(process)


def refusal() -> str:
    with pytest.raises(ComponentFailed) as refused, Stack("refused", ephemeral=True):
        pass
    return str(refused.value)


def test_a_server_that_does_not_date_its_commits_is_refused_with_what_to_set(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "track_commit_timestamp", "off")
    with server(own_home) as url:
        monkeypatch.setenv("POSTGRES_URL", url)
        told = refusal()
    assert "PostgreSQL of POSTGRES_URL does not date its commits" in told
    assert "to try: set track_commit_timestamp = on in its postgresql.conf and restart it" in told


def test_an_old_server_is_refused(given_servers: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "POSTGRES_VERSION", postgres.MAJOR_VERSION + 1)
    assert f"is version {postgres.MAJOR_VERSION}; 19 or later is needed" in refusal()


def test_a_role_without_the_right_to_administer_is_refused(
    given_servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_URL", given_servers.database_urls["payments"])
    assert "gives a role that may not make roles and databases" in refusal()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:{}", "Kafka of KAFKA_BOOTSTRAP_SERVERS does not"),
        ("POSTGRES_URL", "postgresql://me@127.0.0.1:{}/x", "PostgreSQL of POSTGRES_URL does not"),
    ],
)
def test_a_server_that_is_away_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value.format(ports.free_port()))
    assert refusal().startswith(told)
