"""The real Kafka and PostgreSQL of the tests: one instance a session, fresh names a test."""

import secrets
from collections.abc import Iterator

import pytest

from deploy.local import databases
from deploy.local.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
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


@pytest.fixture
def fresh_databases(stack: Stack, namespace: str) -> Iterator[dict[str, str]]:
    """Empty databases of this test alone: each service's connection string under its own role."""
    suffix = f"_{namespace.rstrip('-')}"
    yield databases.create_databases(stack.admin_url, suffix)
    databases.drop_databases(stack.admin_url, suffix)
