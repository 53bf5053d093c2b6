"""The commands that start, show and end an instance: up, down, status, logs, reset, psql."""

import os
import shlex
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.local import databases, instance, postgres, services, shares
from deploy.local.processes import (
    POLL_SECONDS,
    ComponentFailed,
    RecordedProcess,
    last_lines,
)
from deploy.local.services import CONSOLE, SERVICES
from deploy.local.stack import Stack

INSECURE_VARIABLE = "CPTS_INSECURE_DEMO"


class NotUp(Exception):  # noqa: N818  (a sentence about the world)
    """The stack is not up: run `just up` first."""

    def __str__(self) -> str:
        return "the stack is not up: run `just up` first"


class NotOurs(Exception):  # noqa: N818  (a sentence about the world)
    """<instance> belongs to the running process <pid>: it ends with it (Ctrl-C there)."""

    def __init__(self, stack: Stack, owner: RecordedProcess) -> None:
        super().__init__(
            f"{stack.name} belongs to the running process {owner.pid}: "
            "it ends with it (Ctrl-C there)"
        )


def _own(stack: Stack) -> Stack:
    """The instance, if it is not another process's. Raises `NotOurs`."""
    if stack.other_owner is not None:
        raise NotOurs(stack, stack.other_owner)
    return stack


def timed_report() -> Callable[[str], None]:
    """Prints each line of progress with the seconds since now."""
    began = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {line}", flush=True)

    return report


def find(name: str) -> Stack:
    """The instance of that name, started before. Raises `NotUp`."""
    stack = Stack.find(name)
    if stack is None:
        raise NotUp
    return stack


def find_running(name: str) -> Stack:
    """The instance of that name, with its Kafka and PostgreSQL running. Raises `NotUp`."""
    stack = find(name)
    own = [one for one in stack.components if one not in ("zipkin", CONSOLE, *stack.service_names)]
    if not all(stack.process(component) for component in own):
        raise NotUp
    return stack


def up(options: Namespace) -> int:
    """Start what does not run, wait until all is ready, and print the addresses."""
    report = timed_report()
    with instance.alone(options.instance, report):
        stack = _own(
            Stack(options.instance, report=report, services_package=options.services_package)
        )
        environment = {INSECURE_VARIABLE: "1"} if options.insecure_demo else {}
        asked = shares.asked([*options.instances, *options.departements])
        _start(stack, environment, asked, with_traces=options.traces)
    print()
    for name in stack.service_names:
        told = stack.departements(name)
        print(f"  {name:<11} {stack.url(name)}/schema{f'  for {told}' if told else ''}")
    print(f"  {'FHIR doors':<11} {stack.doors.url} (certificates in {stack.doors.folder})")
    if options.insecure_demo:
        print(f"  {'INSECURE':<11} {stack.http_urls['gateway']}/fhir answers anybody")
    if stack.traces_page:
        print(f"  {'traces':<11} {stack.traces_page}")
    print(f"  {'Kafka':<11} {stack.kafka}")
    print(f"  {'console':<11} {stack.url(CONSOLE)}")
    print(f"  {'PostgreSQL':<11} just psql {'|'.join(SERVICES)}")
    print("\n`just status` shows how they do, `just logs` what they say, `just down` stops them.")
    print("docs/first-euro.md leads from here to a first euro.")
    return 0


def _start(
    stack: Stack,
    environment: Mapping[str, str],
    asked: Mapping[str, list[str]],
    *,
    with_traces: bool,
) -> None:
    """Start all; what a failure leaves running is told, and an interruption leaves nothing.

    Services that run already keep no spans: they are started again when traces are asked for.
    """
    try:
        stack.start()
        if with_traces and not stack.traces_page:
            for name in (CONSOLE, *stack.service_names):
                stack.stop_component(name)
            stack.start_traces()
        if asked:
            _share_out(stack, environment, asked)
        stack.start_services(environment)
        stack.start_console()
    except ComponentFailed:
        running = [component for component in stack.components if stack.process(component)]
        if running:
            print(f"still running: {', '.join(running)} (`just down` stops them)")
        raise
    except BaseException:
        stack.stop()
        raise


def _share_out(
    stack: Stack, environment: Mapping[str, str], asked: Mapping[str, list[str]]
) -> None:
    """Have the processes that are asked for: what runs for other départements is started again, one
    after the other, so that no more than one is away at a time; those too many end.
    """
    changed, gone = stack.want(asked)
    for name in changed:
        if stack.process(name):
            stack.stop_component(name)
            stack.start_service(name, environment)
    for name in gone:
        stack.stop_component(name)
    stack.stop_component(CONSOLE)  # where the processes are it is told when it starts


def down(options: Namespace) -> int:
    """Stop the services, then Kafka and PostgreSQL; nothing to stop is no error."""
    with instance.alone(options.instance, print):
        stack = Stack.find(options.instance)
        if stack is None:
            print("nothing to stop")
            return 0
        _own(stack)
        running = [component for component in stack.components if stack.process(component)]
        stack.stop()
    print(f"stopped: {', '.join(running)}" if running else "nothing was running")
    return 0


def status(options: Namespace) -> int:
    """Show each component; answers 1 unless all are ready. With `--export`, the addresses alone."""
    stack = find(options.instance)
    if options.export:
        for service, url in stack.http_urls.items():
            print(f"export {service.upper()}={url}")
        print(f"export DOORS={stack.doors.url}")
        print(f"export CERTS={shlex.quote(str(stack.doors.folder))}")
        return 0
    all_well = True
    for component in stack.components:
        process = stack.process(component)
        state, detail = ("running", "") if process else ("stopped", "")
        if stack.has_died(component):
            state = "died"
        elif process and component in (CONSOLE, *stack.service_names):
            is_ready, detail = services.readiness(stack.url(component))
            state = "ready" if is_ready else "not ready"
        all_well = all_well and state in ("running", "ready")
        pid = f"pid {process.pid}" if process else ""
        if state == "ready":
            told = stack.departements(component)
            detail = f"for {told}" if told else ""
        print(
            f"{component:<11} {state:<10} {pid:<12} 127.0.0.1:{stack.port(component):<6} "
            f"{detail[:120]}".rstrip()
        )
        if state == "died":
            print(f"  last lines of {stack.log(component)}:")
            print("\n".join(f"    {line}" for line in last_lines(stack.log(component))))
            print("  to try: `just up` starts it again")
    return 0 if all_well else 1


def logs(options: Namespace) -> int:
    """Print the last lines of the logs; with `--follow`, what is added, until Ctrl-C."""
    stack = find(options.instance)
    chosen = [options.component] if options.component else list(stack.components)
    positions: dict[str, int] = {}
    for component in chosen:
        log = stack.log(component)
        positions[component] = log.stat().st_size if log.exists() else 0
        _print_lines(component, chosen, last_lines(log, options.lines))
    while options.follow:
        for component in chosen:
            added, positions[component] = _added(stack.log(component), positions[component])
            _print_lines(component, chosen, added)
        time.sleep(POLL_SECONDS)
    return 0


def _print_lines(component: str, chosen: list[str], lines: list[str]) -> None:
    prefix = f"{component:<11} | " if len(chosen) > 1 else ""
    for line in lines:
        print(prefix + line, flush=True)


def _added(log: Path, position: int) -> tuple[list[str], int]:
    """The whole lines after `position`, and where they end; a log made anew is read from 0."""
    size = log.stat().st_size if log.exists() else 0
    start = position if size >= position else 0
    if size == start:
        return [], start
    with log.open("rb") as file:
        file.seek(start)
        whole, newline, _rest = file.read().rpartition(b"\n")
    lines = whole.decode("utf-8", "replace").splitlines() if newline else []
    return lines, start + len(whole) + len(newline)


def reset(options: Namespace) -> int:
    """Stop everything and delete the data of this instance."""
    with instance.alone(options.instance, print):
        stack = Stack.find(options.instance)
        if stack is None:
            print("nothing to delete")
            return 0
        _own(stack)
        if not options.yes and not _is_confirmed(stack):
            print("nothing was changed")
            return 1
        left = stack.reset()
    for what in left:
        print(f"left behind: {what}")
    if "postgres" not in stack.components:
        print("the roles stay on the given PostgreSQL: other instances may use them")
    print("deleted; `just up` starts from nothing")
    return 1 if left else 0


def _is_confirmed(stack: Stack) -> bool:
    """Whether a person says yes to the deletion; nobody is there to say it without an input."""
    print(f"this deletes every topic, database and log in {stack.folder}")
    if stack.namespace:
        print(f"and, on the given servers, those that carry {stack.namespace.rstrip('-')}")
    try:
        return input("type yes to go on: ").strip() == "yes"
    except EOFError:
        print()
        return False


def psql(options: Namespace) -> int:
    """Become `psql` on a service's database, under that service's role."""
    url = find_running(options.instance).database_urls[options.service]
    # The password goes by the environment: command lines are seen by all.
    environment = os.environ | {"PGPASSWORD": unquote(urlsplit(url).password or "")}
    command = [str(postgres.programs() / "psql"), databases.without_password(url)]
    os.execve(command[0], [*command, *options.arguments], environment)  # noqa: S606
