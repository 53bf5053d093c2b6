"""What the demo asks of the platform that it plays on: the embedded stack has it, and compose's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Platform(Protocol):
    """Kafka, PostgreSQL and the five services, up for one run; `Stack` says what each part is."""

    @property
    def folder(self) -> Path:
        """Its files on this machine; the clock is one of them."""

    @property
    def kafka(self) -> str:
        """The brokers' address."""

    @property
    def admin_url(self) -> str:
        """The connection string of PostgreSQL's administrator."""

    @property
    def namespace(self) -> str:
        """What the names of the topics begin with."""

    @property
    def database_urls(self) -> Mapping[str, str]:
        """Each service's connection string."""

    @property
    def http_urls(self) -> Mapping[str, str]:
        """Each service's address."""

    @property
    def components(self) -> tuple[str, ...]:
        """What runs, in the order in which it starts."""

    @property
    def look_inside(self) -> str:
        """The command that shows it, from another terminal."""

    def start_services(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the services and wait until all are ready. Raises `ComponentFailed`."""

    def start_service(self, service: str, environment: Mapping[str, str] | None = None) -> None:
        """Start one service and wait until it is ready. Raises `ComponentFailed`."""

    def start_console(self) -> str:
        """Start the page of the person on call unless it runs; its address, once it is ready."""

    def kill(self, component: str) -> None:
        """SIGKILL a component or service, as a crash would."""

    def has_died(self, component: str) -> bool:
        """Whether a component was started, was not stopped, and has ended all the same."""

    def log(self, component: str) -> Path:
        """The log of a component."""
