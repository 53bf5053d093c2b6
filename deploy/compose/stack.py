"""The platform in containers for one run: started, used by its addresses, and deleted at the end.

It stands where `deploy.local.stack.Stack` does: `with ComposeStack(report) as stack:` gives Kafka
and PostgreSQL, `stack.start_services()` adds the five services.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self, TextIO

from deploy.compose.doors import make_doors
from deploy.compose.passwords import SECRETS_VARIABLE, admin_url, make_secrets
from deploy.local import databases, ports, processes
from deploy.local.processes import ComponentFailed
from deploy.local.services import CONSOLE, ROOT, SERVICES

HOME = ROOT / "var" / "compose-demo"
FILES = ("docker-compose.yml", "deploy/compose/demo.yml")
COMPONENTS = ("kafka", "postgres", *SERVICES)
DEATH_SHOWS_WITHIN_SECONDS = 30
LOG_LINES = 50
OPEN_TO_ALL = 0o755  # the accounts inside the containers read the clock


class ComposeStack:
    """One project of `docker compose`, with ports, secrets and volumes of its own.

    Its name is the checkout's, so that a start takes away what a killed run left behind.
    """

    namespace = ""
    components = COMPONENTS

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self.name = f"sas-cpts-demo-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"
        self._home = HOME
        self.folder = self._home / "shared"
        self._secrets = self._home / "secrets"
        self._ports: dict[str, int] = {}
        for component in (*COMPONENTS, "doors", CONSOLE):
            self._ports[component] = ports.free_port(self._ports.values())
        self._died: set[str] = set()
        self._events: subprocess.Popen[str] | None = None
        self._lock: TextIO | None = None

    # -- addresses

    @property
    def kafka(self) -> str:
        """The brokers' address, from this machine."""
        return f"127.0.0.1:{self._ports['kafka']}"

    @property
    def admin_url(self) -> str:
        """The connection string of PostgreSQL's administrator, from this machine."""
        return admin_url(self._secrets, self._ports["postgres"])

    @property
    def database_urls(self) -> dict[str, str]:
        """Each service's connection string, from this machine."""
        return databases.database_urls(self.admin_url)

    @property
    def http_urls(self) -> dict[str, str]:
        """Each service's address."""
        return {name: f"http://127.0.0.1:{self._ports[name]}" for name in SERVICES}

    @property
    def look_inside(self) -> str:
        """The command that shows the containers, from another terminal."""
        return f"docker compose --project-name {self.name} ps"

    # -- the containers

    def start(self) -> Self:
        """Start Kafka and PostgreSQL. Raises `ComponentFailed`; nothing is left running then."""
        self._be_alone()
        try:
            self._discard()
            self.folder.mkdir(parents=True)
            self.folder.chmod(OPEN_TO_ALL)
            make_secrets(self._secrets)
            make_doors(self._secrets)
            self._report("containers: building the image of the services")
            self._compose("build")
            self._report("containers: starting Kafka and PostgreSQL")
            self._compose("up", "--detach", "--wait", "kafka", "postgres")
        except BaseException:
            self.stop()
            raise
        self._report(f"Kafka: ready at {self.kafka}")
        self._report(f"PostgreSQL: ready at 127.0.0.1:{self._ports['postgres']}")
        return self

    def start_services(self, environment: Mapping[str, str] | None = None) -> None:
        """Make databases, schemas and topics, then start the services and wait for all of them."""
        self._compose("up", "--detach", "--wait", environment=environment)
        self._watch_deaths()
        for service, url in self.http_urls.items():
            self._report(f"{service}: ready at {url}")

    def start_service(self, service: str, environment: Mapping[str, str] | None = None) -> None:
        """Start one service and wait until it is ready. Raises `ComponentFailed`."""
        self._died.discard(service)
        up = ("up", "--detach", "--wait", "--no-deps", service)
        self._compose(*up, environment=environment)
        self._report(f"{service}: ready at {self.http_urls[service]}")

    def start_console(self) -> str:
        """The address of the console's page; it started with the services."""
        return f"http://127.0.0.1:{self._ports[CONSOLE]}"

    def kill(self, component: str) -> None:
        """SIGKILL all that runs in a component's container; it has ended when this returns."""
        self._compose("kill", "--signal", "SIGKILL", component)
        processes.wait_until(
            lambda: component in self._died, within_seconds=DEATH_SHOWS_WITHIN_SECONDS
        )

    def has_died(self, component: str) -> bool:
        """Whether a component has ended, and was not started again."""
        return component in self._died

    def log(self, component: str) -> Path:
        """A file with the last lines of a component."""
        path = self._home / f"{component}.log"
        with path.open("w") as file:
            arguments = ("logs", "--no-color", "--no-log-prefix", "--tail", str(LOG_LINES))
            self._call(*arguments, component, output=file)
        return path

    def _watch_deaths(self) -> None:
        name = '{{index .Actor.Attributes "com.docker.compose.service"}}'
        ours = f"label=com.docker.compose.project={self.name}"
        self._events = subprocess.Popen(
            ["docker", "events", "--filter", ours, "--filter", "event=die", "--format", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        Thread(target=self._note_deaths, args=(self._events,), daemon=True).start()

    def _note_deaths(self, events: "subprocess.Popen[str]") -> None:
        assert events.stdout is not None
        for line in events.stdout:
            self._died.add(line.strip())

    # -- docker compose

    def _compose(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Call `docker compose` on this project. Raises `ComponentFailed` with what it said."""
        log = self._home / "compose.log"
        with log.open("w") as file:
            done = self._call(*arguments, output=file, environment=environment)
        if done.returncode != 0:
            what = f"could not do `{arguments[0]}`"
            advice = "the lines say which component; Docker must run, with its compose plugin"
            raise ComponentFailed("docker compose", what, log, advice)

    def _call(
        self, *arguments: str, output: TextIO, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        files = [option for file in FILES for option in ("--file", str(ROOT / file))]
        told = {f"{name.upper()}_PORT": str(port) for name, port in self._ports.items()}
        told |= {SECRETS_VARIABLE: str(self._secrets), "DEMO_FOLDER": str(self.folder)}
        # In a session of its own: Ctrl-C reaches this process only, which then stops in order.
        try:
            return subprocess.run(
                ["docker", "compose", "--project-name", self.name, *files, *arguments],
                cwd=ROOT,
                env={**os.environ, **told, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                check=False,
            )
        except FileNotFoundError as error:
            advice = "install Docker with its compose plugin"
            raise ComponentFailed("docker", "is not here", None, advice) from error

    # -- the end

    def _be_alone(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        self._lock = self._home.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = "runs already from this checkout"
            advice = "wait for its end, or end it with Ctrl-C"
            raise ComponentFailed("just compose-demo", what, None, advice) from error

    def _discard(self) -> None:
        """Take the containers, the volumes and the files away, also those of a killed run."""
        self._compose("down", "--volumes", "--remove-orphans", "--timeout", "10")
        for path in self._home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def stop(self) -> None:
        """Stop everything and delete it. Ctrl-C is not heard meanwhile."""
        with processes.deaf_to_interrupts():
            if self._events is not None:
                self._events.terminate()
                self._events.wait()
            try:
                self._discard()
            except ComponentFailed as failure:
                self._report(f"left behind: {self.name}\n{failure}")
            if self._lock is not None:
                self._lock.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
