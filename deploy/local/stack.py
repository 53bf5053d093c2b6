"""An instance of the embedded stack: start it, use its addresses, stop it.

`with Stack("demo", ephemeral=True) as stack:` gives Kafka (`stack.kafka`) and PostgreSQL
(`stack.admin_url`); `stack.start_services()` adds the five services, awaited until ready.
"""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self

from deploy.local import (
    databases,
    given,
    instance,
    jars,
    kafka,
    postgres,
    processes,
    services,
    shares,
    watch,
    zipkin,
)
from deploy.local.doors import OwnDoors, own_doors
from deploy.local.kafka import KafkaNode
from deploy.local.postgres import PostgresNode
from deploy.local.processes import RecordedProcess
from deploy.local.services import CONSOLE, SERVICES

STOP_WITHIN_SECONDS = 15


class StartCancelled(Exception):  # noqa: N818  (never leaves this module)
    """The start was given up while a component was being prepared."""


def silent(_line: str) -> None:
    """A report that nobody reads."""


class Stack:
    """One instance: its folder, its components, its services.

    An ephemeral instance is new, belongs to this process and is deleted at the end; a lasting one
    is found again by its name, as is, to look inside, another process's ephemeral one. `report`
    receives lines of progress. `services_package` is where the services' modules are.
    """

    def __init__(
        self,
        name: str,
        *,
        ephemeral: bool = False,
        report: Callable[[str], None] = silent,
        services_package: str = "services",
    ) -> None:
        self.is_ephemeral = ephemeral
        self._report = report
        self._services_package = services_package
        self._lock = threading.RLock()
        self._is_cancelled = threading.Event()
        if ephemeral:
            self.folder, self._record = instance.prepare_ephemeral(name)
        elif running := instance.find_ephemeral(name):
            self.folder, self._record = running
        else:
            self.folder, self._record = instance.prepare_lasting(name)
        self.name = self.folder.name

    @classmethod
    def find(cls, name: str, *, report: Callable[[str], None] = silent) -> Self | None:
        """A lasting instance that was started before, another process's own one, or None."""
        is_lasting = instance.load(instance.lasting_folder(name)) is not None
        return cls(name, report=report) if is_lasting or instance.find_ephemeral(name) else None

    @property
    def other_owner(self) -> RecordedProcess | None:
        """The other process whose instance this is, and with which it ends, or None."""
        return None if self.is_ephemeral else self._record.owner

    # -- addresses

    @property
    def kafka(self) -> str:
        """The value of `KAFKA_BOOTSTRAP_SERVERS`."""
        return self._record.external_kafka or self._kafka_node.address

    @property
    def admin_url(self) -> str:
        """The connection string of PostgreSQL's administrator."""
        return self._record.external_postgres or self._postgres_node.admin_url

    @property
    def namespace(self) -> str:
        """The prefix of this instance's topics on given servers; else empty."""
        return self._record.namespace

    @property
    def database_urls(self) -> dict[str, str]:
        """Each service's connection string, under its own role."""
        return databases.database_urls(self.admin_url, given.database_suffix(self.namespace))

    @property
    def http_urls(self) -> dict[str, str]:
        """Each service's address, that of its first process."""
        return {name: self.url(name) for name in SERVICES}

    @property
    def service_names(self) -> tuple[str, ...]:
        """The names of the services' processes: a service's own, and `payments-2` of a second."""
        return shares.all_names(self._record.shares)

    def departements(self, name: str) -> str:
        """Which départements a process is for; empty for those that no other one names."""
        return shares.departements_of(self._record.shares, name)

    def url(self, component: str) -> str:
        """The address of a service, or of the console's page."""
        return f"http://127.0.0.1:{self._record.ports[component]}"

    @property
    def doors(self) -> OwnDoors:
        """The FHIR doors of its gateway, and where their certificates are."""
        return own_doors(self.folder, self.port("doors"))

    @property
    def look_inside(self) -> str:
        """The command that shows this instance, from another terminal."""
        return f"just status --instance {self.name}"

    @property
    def _kafka_node(self) -> KafkaNode:
        return KafkaNode(
            folder=self.folder / "kafka",
            port=self._record.ports["kafka"],
            controller_port=self._record.ports["kafka_controller"],
        )

    @property
    def _postgres_node(self) -> PostgresNode:
        return PostgresNode(
            folder=self.folder / "postgres",
            port=self._record.ports["postgres"],
            password=self._record.admin_password,
        )

    @property
    def components(self) -> tuple[str, ...]:
        """What this instance runs itself, in the order in which it starts."""
        own_kafka = () if self._record.external_kafka else ("kafka",)
        own_postgres = () if self._record.external_postgres else ("postgres",)
        traces = ("zipkin",) if "zipkin" in self._record.processes else ()
        console = (CONSOLE,) if CONSOLE in self._record.processes else ()
        return (*own_kafka, *own_postgres, *traces, *self.service_names, *console)

    def port(self, component: str) -> int:
        """The port of `kafka`, `postgres`, `zipkin`, the console or a service."""
        return self._record.ports[component]

    def has_died(self, component: str) -> bool:
        """Whether a component was started, was not stopped, and has ended all the same."""
        return component in self._record.processes and self.process(component) is None

    def log(self, component: str) -> Path:
        """The log of `kafka`, `postgres`, `zipkin` or a service."""
        nodes = {"kafka": self._kafka_node.log, "postgres": self._postgres_node.log}
        return nodes.get(component, self.folder / "logs" / f"{component}.log")

    def process(self, component: str) -> RecordedProcess | None:
        """The running process of a component, or None."""
        record = self._record.processes.get(component)
        return record if record is not None and not processes.has_ended(record) else None

    # -- Kafka and PostgreSQL

    def start(self) -> Self:
        """Start Kafka and PostgreSQL, side by side, and make the services' databases.

        What runs already is kept. Raises `ComponentFailed`, `JarRefused` or
        `RepositoryOutOfReach`; nothing of the instance is left running then.
        """
        try:
            self._start_components()
        except BaseException:
            self._is_cancelled.set()
            self.stop()
            raise
        return self

    def _start_components(self) -> None:
        kafka_given = os.environ.get(given.KAFKA_VARIABLE, "")
        postgres_given = os.environ.get(given.POSTGRES_VARIABLE, "")
        given.check(kafka=kafka_given, admin_url=postgres_given)
        instance.take_servers(self._record, self.name, kafka_given, postgres_given, self._report)
        self._save()
        instance.kill_strays(self.folder, self._record.processes.values())
        if self.is_ephemeral:
            watch.start(self.folder)
        with ThreadPoolExecutor(max_workers=2) as pool:
            parts: list[Future[None]] = [
                pool.submit(self._start_kafka),
                pool.submit(self._start_postgres),
            ]
            try:
                processes.await_all(parts)
            except BaseException:
                self._is_cancelled.set()
                for component in ("kafka", "postgres"):
                    self.kill(component)
                raise

    def _start_kafka(self) -> None:
        if external := self._record.external_kafka:
            self._report(f"Kafka: {external} (KAFKA_BOOTSTRAP_SERVERS)")
            return
        if self.process("kafka"):
            return
        node = self._kafka_node
        files = jars.jars(jars.KAFKA, on_progress=self._report_download("Kafka"))
        is_new = not (node.folder / "data").exists()
        self._report("Kafka: formatting and starting" if is_new else "Kafka: starting")
        process = self._started("kafka", lambda: kafka.start(node, files))
        kafka.wait_ready(node, process)
        self._report(f"Kafka: ready at {node.address}")

    def _report_download(self, what: str) -> Callable[[int, int], None]:
        return jars.report_tenths(
            f"{what}: downloading, this once", self._report, self._unless_cancelled
        )

    def _start_postgres(self) -> None:
        if external := self._record.external_postgres:
            given.create_databases(external, given.database_suffix(self.namespace))
            self._report("PostgreSQL: the server of POSTGRES_URL")
            return
        if not self.process("postgres"):
            node = self._postgres_node
            is_new = not node.data.exists()
            what = "making its data directory and starting" if is_new else "starting"
            self._report(f"PostgreSQL: {what}")
            process = self._started("postgres", lambda: postgres.start(node))
            postgres.wait_ready(node, process)
            databases.close_administration(self.admin_url)
            self._report(f"PostgreSQL: ready at 127.0.0.1:{node.port}")
        databases.create_databases(self.admin_url, given.database_suffix(self.namespace))

    def start_traces(self) -> None:
        """Start the page of traces, where services started later send spans; raises as `start`."""
        (jar,) = jars.jars(jars.ZIPKIN, on_progress=self._report_download("Zipkin"))
        self._report("Zipkin: starting")
        port, log = self._record.ports["zipkin"], self.log("zipkin")
        process = self._started("zipkin", lambda: zipkin.start(jar, port, log))
        zipkin.wait_ready(port, process, log)
        self._report(f"Zipkin: ready at {self.traces_page}")

    @property
    def traces_page(self) -> str | None:
        """The address of the page of traces, while it runs."""
        return zipkin.page(self._record.ports["zipkin"]) if self.process("zipkin") else None

    def _unless_cancelled(self) -> None:
        if self._is_cancelled.is_set():
            raise StartCancelled

    def _started(self, component: str, start: Callable[[], RecordedProcess]) -> RecordedProcess:
        """Start a component and record it, unless the start was given up meanwhile."""
        self._unless_cancelled()
        process = start()
        with self._lock:
            self._record.processes[component] = process
            self._save()
        if self._is_cancelled.is_set():
            processes.stop(process, by=signal.SIGKILL)
            raise StartCancelled
        return process

    def _save(self) -> None:
        with self._lock:
            instance.save(self.folder, self._record)

    # -- the services

    def service_environment(
        self, name: str, extra: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The environment that a process of a service starts with."""
        made = services.environment(
            name,
            folder=self.folder,
            kafka=self.kafka,
            database_url=self.database_urls[shares.service_of(name)],
            ports=self._record.ports,
            namespace=self.namespace,
            spans=zipkin.collector(self._record.ports["zipkin"]) if self.traces_page else None,
            departements=self.departements(name),
        )
        return made | self.doors.environment(name) | dict(extra or {})

    def want(self, asked: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
        """Have these processes from the next start on; answers which change, and which end."""
        before, after = self._record.shares, self._record.shares | dict(asked)
        instance.add_ports(self._record, shares.all_names(after))
        self._record.shares = after
        self._save()
        return shares.changed(before, after), shares.gone(before, after)

    def start_services(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the services that do not run, until all are ready. Raises `ComponentFailed`."""
        for name in self.service_names:
            self.start_service(name, environment, wait=False)
        for name in self.service_names:
            self.wait_service(name)

    def start_service(
        self, service: str, environment: Mapping[str, str] | None = None, *, wait: bool = True
    ) -> None:
        """Start one process of a service unless it runs; awaited until ready, if `wait`."""
        if not self.process(service):
            self._start_process(service, self.service_environment(service, environment))
        if wait:
            self.wait_service(service)

    def start_console(self) -> str:
        """Start the page of the person on call unless it runs; its address, once it is ready."""
        if not self.process(CONSOLE):
            urls = shares.urls(self._record.shares, self.url)
            environment = services.console_environment(
                self.folder, urls, self.port(CONSOLE), self.traces_page
            )
            self._start_process(CONSOLE, environment)
        self.wait_service(CONSOLE)
        return self.url(CONSOLE)

    def _start_process(self, name: str, environment: Mapping[str, str]) -> None:
        module = shares.service_of(name)
        start = partial(services.start, module, environment=environment, log=self.log(name))
        self._started(name, partial(start, package=self._services_package))

    def wait_service(self, service: str) -> None:
        """Wait until a service, or the console, is ready. Raises `ComponentFailed`."""
        services.wait_ready(
            service, self.url(service), lambda: self.process(service) is None, self.log(service)
        )
        self._report(f"{service}: ready at {self.url(service)}")

    # -- the end

    def kill(self, component: str) -> None:
        """SIGKILL a component or service, as a crash would."""
        if process := self.process(component):
            processes.stop(process, by=signal.SIGKILL)

    def stop_component(self, component: str) -> None:
        """Ask a component or service to end, in its own way, and wait for it."""
        if process := self.process(component):
            # To PostgreSQL, SIGTERM says to wait for its clients; SIGINT ends their sessions.
            by = signal.SIGINT if component == "postgres" else signal.SIGTERM
            processes.stop(process, by=by, within_seconds=STOP_WITHIN_SECONDS)
        with self._lock:
            self._record.processes.pop(component, None)
            if self.folder.exists():
                self._save()

    def stop(self) -> None:
        """Stop the services, then Kafka and PostgreSQL; an ephemeral instance is deleted too.

        Ctrl-C is not heard meanwhile: the end is bounded, and half an end leaves orphans.
        """
        ours = (CONSOLE, *self.service_names)
        with processes.deaf_to_interrupts(), ThreadPoolExecutor(max_workers=len(ours)) as pool:
            list(pool.map(self.stop_component, ours))
            if self.is_ephemeral:
                for left in instance.discard(self.folder):
                    self._report(f"left behind: {left}")
            else:
                list(pool.map(self.stop_component, ("kafka", "postgres", "zipkin")))
                instance.kill_strays(self.folder)

    def reset(self) -> list[str]:
        """Stop everything and delete the data, the logs and the secrets of this instance.

        Answers what stays on given servers, and why: nothing, unless they do not answer.
        """
        self.stop()
        left = instance.clear_given_servers(self._record)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_raised: object) -> None:
        self.stop()
