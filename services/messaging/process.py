"""One service, one process: what `python -m services.<name>` does."""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import sys

import msgspec
import uvloop

from contracts.departements import UnknownDepartementError, parse_departements
from services.messaging.comparing import compare, drop
from services.messaging.declared import Service
from services.messaging.logs import set_up_logs
from services.messaging.replaying import rebuild, reread
from services.messaging.running import Running, make_schema_and_topics, running
from services.messaging.settings import Settings, read_settings
from services.messaging.telemetry import set_up_tracing

__all__ = ["Running", "Service", "main", "running"]

log = logging.getLogger(__name__)

GC_THRESHOLD = 50_000


async def serve(service: Service, settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    starting = asyncio.create_task(_serve_until(service, settings, stopped))
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done() and not _is_up.is_set():
        starting.cancel()  # still waiting for the database or the broker
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting


_is_up = asyncio.Event()


async def _serve_until(service: Service, settings: Settings, stopped: asyncio.Event) -> None:
    async with running(service, settings) as run:
        _is_up.set()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        log.info("%s serves at %s", service.name, run.address)
        await stopped.wait()
        log.info("%s stops", service.name)


async def tell_comparison(service: Service, settings: Settings, schema: str) -> int:
    """Print how each table of a rebuild compares; 0 and the schema dropped when all are equal."""
    found = await compare(service, settings, schema)
    for one in found:
        verdict = (
            "equal"
            if one.is_equal
            else f"DIFFERS: {one.only_live} rows only live, {one.only_rebuilt} only rebuilt"
        )
        sys.stdout.write(f"{service.name:<12} {one.table:<24} {one.live:>9} rows  {verdict}\n")
    if all(one.is_equal for one in found):
        await drop(settings, schema)
        return 0
    sys.stdout.write(f"{service.name}: the rebuilt state is in the schema {schema}\n")
    return 1


def _departements(told: str) -> tuple[str, ...]:
    try:
        return parse_departements(told)
    except UnknownDepartementError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(service: Service, own: argparse.ArgumentParser | None = None) -> None:
    """`python -m services.<name> [serve | migrate | rebuild … | reread --topic X]`.

    `rebuild --compare` ends with 1 when the state built anew is not the live one. `own` has the
    service's own options, which it has read itself.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}", parents=[own] if own else []
    )
    parser.add_argument(
        "--departements",
        type=_departements,
        help="read these départements (01-19,2A,93) and leave the others to other processes; "
        "also CPTS_DEPARTEMENTS. Without it, those that no other process names",
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="run the service (the default)")
    commands.add_parser("migrate", help="bring the schema up to date, make the topics, and end")
    command = commands.add_parser("rebuild", help="build the state anew from the log")
    command.add_argument("--schema", required=True, help="the schema to build it in")
    command.add_argument(
        "--compare",
        action="store_true",
        help="compare each table with the live one, row by row, then drop the schema if all are "
        "equal; to be done while nothing is being said",
    )
    command = commands.add_parser("reread", help="take a topic as it is and read it from its start")
    command.add_argument("--topic", required=True)
    arguments = parser.parse_args()
    try:
        settings = read_settings(service.name)
    except UnknownDepartementError as error:
        parser.error(f"CPTS_DEPARTEMENTS: {error}")
    if arguments.departements:
        settings = msgspec.structs.replace(settings, departements=arguments.departements)
    set_up_logs(service.name)
    set_up_tracing(service.name)
    match arguments.command:
        case "migrate":
            uvloop.run(make_schema_and_topics(service, settings))
        case "rebuild":
            uvloop.run(rebuild(service, settings, arguments.schema))
            if arguments.compare:
                sys.exit(uvloop.run(tell_comparison(service, settings, arguments.schema)))
        case "reread":
            uvloop.run(reread(service, settings, arguments.topic))
        case _:
            uvloop.run(serve(service, settings))
    sys.exit(0)
