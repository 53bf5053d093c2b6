"""Kafka and PostgreSQL from containers, with the images and settings of `docker-compose.yml`."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pytest
import yaml
from testcontainers.core.container import DockerContainer

from deploy.local import given, ports, processes
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT

VARIABLE = "CPTS_TEST_STACK"
CONTAINERS = "containers"
READY_WITHIN_SECONDS = 120


def are_wanted() -> bool:
    """Whether the environment asks for containers. Raises `UsageError` when it asks for else."""
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", CONTAINERS):
        raise pytest.UsageError(f"{VARIABLE} is {asked}; it may be {CONTAINERS}, or empty")
    return asked == CONTAINERS


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The two, up; answers the environment that gives them to the instances of the tests."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    with _kafka(compose["kafka"]) as kafka, _postgres(compose["postgres"]) as admin_url:
        yield {given.KAFKA_VARIABLE: kafka, given.POSTGRES_VARIABLE: admin_url}


@contextmanager
def _kafka(described: Mapping[str, Any]) -> Iterator[str]:
    port = ports.free_port()
    environment = {
        name: value.replace("${KAFKA_PORT:-19092}", str(port))
        for name, value in described["environment"].items()
    }
    container = DockerContainer(described["image"], env=environment, hostname="kafka")
    with _published(container, port, port):
        address = f"127.0.0.1:{port}"
        _wait_for(lambda: given.check_kafka(address))
        yield address


@contextmanager
def _postgres(described: Mapping[str, Any]) -> Iterator[str]:
    password = secrets.token_hex(16)
    environment = {
        "POSTGRES_PASSWORD": password,
        "POSTGRES_INITDB_ARGS": described["environment"]["POSTGRES_INITDB_ARGS"],
    }
    container = DockerContainer(described["image"], env=environment)
    container.with_command(described["command"])
    port = ports.free_port()
    with _published(container, 5432, port):
        admin_url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        _wait_for(lambda: given.check_postgres(admin_url))
        yield admin_url


@contextmanager
def _published(container: DockerContainer, inside: int, outside: int) -> Iterator[None]:
    """A container up, with a port of it on this machine's loopback only."""
    container.ports[f"{inside}/tcp"] = cast("Any", ("127.0.0.1", outside))
    with container:
        yield


def _wait_for(check: Callable[[], None]) -> None:
    """Wait until a server answers. Raises `ComponentFailed` when it does not in time."""

    def answers() -> bool:
        try:
            check()
        except ComponentFailed:
            return False
        return True

    if not processes.wait_until(answers, within_seconds=READY_WITHIN_SECONDS):
        check()
