"""The commands behind the Justfile: `python -m deploy.local COMMAND --help`."""

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from deploy.local import (
    backing_up,
    inspection,
    lifecycle,
    orders,
    processes,
    rebuilding,
    shares,
    trace,
)
from deploy.local.arguments import above_zero, instance_name
from deploy.local.jars import JarRefused, RepositoryOutOfReach
from deploy.local.lifecycle import NotOurs, NotUp
from deploy.local.orders import NoAnswer
from deploy.local.processes import ComponentFailed
from deploy.local.services import CONSOLE, ROOT, SERVICES

INTERRUPTED = 130
FAILURES = (
    *(ComponentFailed, JarRefused, RepositoryOutOfReach, NotUp, NotOurs, NoAnswer),
    *(psycopg.Error, *backing_up.FAILURES),
)

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def default_instance() -> str:
    """The instance of this checkout: its folder's name, and a hash of where it is."""
    if named := os.environ.get("CPTS_INSTANCE"):
        return named
    readable = re.sub(r"[^a-z0-9]+", "-", ROOT.name.lower()).strip("-")[:20]
    return f"{readable}-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}".lstrip("-")


def _component(told: str) -> str:
    """A component of an instance; of several processes of a service the second is `payments-2`."""
    known = ("kafka", "postgres", "zipkin", CONSOLE, *SERVICES)
    if not re.fullmatch(rf"(?:{'|'.join(known)})|(?:{'|'.join(SERVICES)})-\d+", told):
        raise argparse.ArgumentTypeError(f"{told}: choose from {', '.join(known)}, {SERVICES[0]}-2")
    return told


def _say_what_starts(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--traces",
        action="store_true",
        help="with a page of traces beside them (Zipkin, 131 MB to download, this once)",
    )
    up.add_argument(
        "--insecure-demo",
        action="store_true",
        help="open the FHIR doors to anybody, without certificate, at the gateway's address too",
    )
    up.add_argument(
        "--instances",
        action="append",
        default=[],
        type=shares.instances_option,
        metavar="SERVICE=N",
        help="so many processes of a service, which share the départements (payments=2); kept "
        "until it is said otherwise",
    )
    up.add_argument(
        "--departements",
        action="append",
        default=[],
        type=shares.departements_option,
        metavar="SERVICE=LIST/LIST…",
        help="a process of a service for each list of départements (payments=00-48/49-989); an "
        "empty list is for those that no other names",
    )


def _look_inside(add: Add) -> None:
    for name, run, text in (
        ("topics", inspection.topics, "List the topics with their partitions and records."),
        ("lag", inspection.lag, "Show how far each service is behind the log."),
    ):
        add(name, run, text).add_argument(
            "--partitions", action="store_true", help="show every partition"
        )
    followed = add("trace", trace.trace, "Follow one referral from its order to its euro.")
    followed.add_argument("referral_id", help="as the answer to its order says")
    letters = add("dead-letters", orders.dead_letters, "Show the messages that were put aside.")
    letters.add_argument("service", nargs="?", choices=SERVICES)
    replay = add("replay", orders.replay, "Give a message that was put aside to its service again.")
    replay.add_argument("service", choices=SERVICES)
    replay.add_argument("id", help="as `just dead-letters` shows it")


def _keep(add: Add) -> None:
    anew = add("rebuild", rebuilding.rebuild, "Build services anew from the log, and compare.")
    anew.add_argument("service", nargs="?", choices=SERVICES)
    kept = add(
        "backup",
        backing_up.backup,
        "Keep what all services hold in a folder; they go on meanwhile.",
    )
    kept.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="default: one named by the instant"
    )
    kept.add_argument(
        "--check", type=Path, metavar="FOLDER", help="only look whether a backup is whole"
    )
    kept.add_argument("-y", "--yes", action="store_true", help="replace a backup without asking")
    back = add(
        "restore",
        backing_up.restore,
        "Give services back what a backup holds of them; they hear the rest from the log.",
    )
    back.add_argument("folder", type=Path, metavar="FOLDER", help="as `just backup` wrote it")
    back.add_argument(
        "services", nargs="*", metavar="SERVICE", choices=SERVICES, help="default: all"
    )
    back.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="just",
        description="Kafka, PostgreSQL and the five services on this machine.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--instance",
            type=instance_name,
            default=default_instance(),
            help="which instance, default %(default)s (also CPTS_INSTANCE)",
        )
        command.set_defaults(run=run)
        return command

    _say_what_starts(
        add(
            "up",
            lifecycle.up,
            "Start Kafka, PostgreSQL and the services; return when all are ready.",
        )
    )
    add("down", lifecycle.down, "Stop the services, then Kafka and PostgreSQL. The data stays.")
    status = add("status", lifecycle.status, "Show each component: process, port, health.")
    status.add_argument(
        "--export", action="store_true", help="print the services' addresses as shell variables"
    )
    logs = add("logs", lifecycle.logs, "Print the last lines of the logs.")
    logs.add_argument("component", nargs="?", type=_component)
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    logs.add_argument(
        "-n", "--lines", type=above_zero(int), default=20, help="how many, default 20"
    )
    reset = add("reset", lifecycle.reset, "Stop everything and delete the data.")
    reset.add_argument("-y", "--yes", action="store_true", help="do not ask")
    psql = add("psql", lifecycle.psql, "Open a service's database under its own role.")
    psql.add_argument("service", choices=SERVICES)
    psql.add_argument("arguments", nargs=argparse.REMAINDER, help="for psql itself")
    _look_inside(add)
    _keep(add)
    ingest = add("ingest", orders.ingest, "Send files of the SAS platform to referrals.")
    ingest.add_argument("files", nargs="+", metavar="FILE")
    return parser


def main(arguments: Sequence[str] | None = None, *, services_package: str = "services") -> int:
    """Run one command; answers the exit code: 0 done, 1 not done, 2 not understood, 130 Ctrl-C.

    `services_package` is where the modules of the services are.
    """
    options = _parser().parse_args(arguments)
    options.services_package = services_package
    processes.end_by_exception_on_signals()
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except FAILURES as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
