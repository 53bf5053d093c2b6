"""Faults on the real services, the real Kafka and the real PostgreSQL, under orders that keep
coming, until so many have bitten; what the services came to is held against the oracle.

A fault that moved nothing is not counted. A campaign is cut in slices, each with its own world and
seed; `--slice` plays one again. Events are the records that the services put on the log, each once.
"""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from deploy.local import processes
from deploy.local.arguments import above_zero
from deploy.local.jars import JarRefused, RepositoryOutOfReach
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from tests.faults import guards, told
from tests.faults.campaign import Ground, Sizes, run_slice
from tests.faults.catalogue import KINDS, Kind
from tests.faults.disk import Disk
from tests.faults.history import History
from tests.faults.told import SliceTold
from tests.faults.zygote import Zygote

INTERRUPTED = 130
SLICE = 40
FAILURES = (ComponentFailed, JarRefused, RepositoryOutOfReach, OSError)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(
        prog="just faults",
        description=__doc__,
        epilog="`just faults report FILE… [--report FILE]` adds reports up. Kinds: "
        + ", ".join(names),
    )
    parser.add_argument(
        "--count", type=above_zero(int), default=100, help="faults that bite, default %(default)s"
    )
    parser.add_argument("--seed", default=secrets.token_hex(3), help="drawn if it is not said")
    parser.add_argument(
        "--events", type=above_zero(int), default=0, help="events on the log, at least"
    )
    parser.add_argument("--slice", help="play this slice alone, named by seed and number")
    parser.add_argument("--from-slice", type=above_zero(int), default=1, help="skip those before")
    parser.add_argument("--only", action="append", choices=names, help="faults of these kinds only")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=list(guards.TAKE_AWAY),
        help="take a guard away from every process: the campaign must fail",
    )
    parser.add_argument("--rate", type=above_zero(float), default=150.0, help="orders a second")
    parser.add_argument(
        "--report", type=Path, default=ROOT / "var" / "faults.json", help="where it is written"
    )
    return parser.parse_args(arguments)


class Progress:
    """Says how far the campaign is, now and then and at every step."""

    def __init__(self, options: argparse.Namespace, slices: list[SliceTold]) -> None:
        self._options, self._slices = options, slices
        self._begun = time.monotonic()

    def say(self, line: str) -> None:
        """A line with the time."""
        seconds = time.monotonic() - self._begun
        print(f"[{seconds:5.0f} s] {line}", file=sys.stderr, flush=True)

    def step(self, line: str) -> None:
        """A step that was healed, and how far that brings us."""
        faults = sum(one.faults for one in self._slices)
        events = sum(one.events for one in self._slices)
        minutes = (time.monotonic() - self._begun) / 60
        wanted, most = self._options.count, self._options.events
        share = min(faults / wanted, events / most if most else 1.0)
        left = f"{minutes / share - minutes:.0f} min left" if share else "?"
        self.say(
            f"{faults}/{wanted} faults, {events:,}/{most:,} events,"
            f" {faults / minutes:.0f} faults and {events / minutes:,.0f} events a minute,"
            f" {left} · {line}"
        )


def _slices(options: argparse.Namespace) -> list[tuple[str, int]]:
    """The seeds of the slices and their faults."""
    if options.slice:
        return [(options.slice, min(SLICE, options.count))]
    sizes = [SLICE] * (options.count // SLICE)
    if rest := options.count % SLICE:
        sizes.append(rest)
    named = [(f"{options.seed}-{number}", size) for number, size in enumerate(sizes, start=1)]
    return named[options.from_slice - 1 :]


def _run(options: argparse.Namespace, slices: list[SliceTold]) -> int:
    kinds: list[Kind] = [kind for kind in KINDS if kind.name in (options.only or [kind.name])]
    progress = Progress(options, slices)
    with (
        Stack("faults", ephemeral=True, report=progress.say) as stack,
        Zygote(stack.folder) as zygote,
        Disk(stack.folder) as disk,
    ):
        ground = Ground(stack, zygote, disk)
        for seed, size in _slices(options):
            one = SliceTold(seed=seed, without=tuple(options.without))
            slices.append(one)
            events = options.events * size // options.count
            sizes = Sizes(faults=size, events=events, rate=options.rate)
            progress.say(f"slice {seed}: {size} faults")
            history = History()
            work = run_slice(ground, one, sizes, progress.step, kinds, history)
            uvloop.run(_interruptible(work))
            told.write(options.report, slices)
            if one.harm:
                progress.say(f"HARM in slice {seed}: {one.harm}")
                progress.say(f"again: {told.command(one)}")
                history.write(kept := options.report.with_suffix(f".{seed}.jsonl"))
                progress.say(f"what was sent, answered, struck and seen: {kept}")
                return 1
    return 0


async def _interruptible(work: Coroutine[Any, Any, None]) -> None:
    """The work, ended in order by Ctrl-C: what a signal raised in a callback would be lost."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    heard: list[signal.Signals] = []

    def end(by: signal.Signals) -> None:
        heard.append(by)
        task.cancel()

    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, end, one)
    try:
        await task
    except asyncio.CancelledError:
        if heard:
            raise KeyboardInterrupt from None
        raise


def _report(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="just faults report")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--report", type=Path, help="JSON, or a page when it ends in .md")
    options = parser.parse_args(arguments)
    slices = told.read(options.files)
    if options.report:
        told.write(options.report, slices)
    print(told.table(slices))
    return 1 if any(one.harm for one in slices) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign: 0 when both verdicts held, 1 when one did not, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["report"]:
        return _report(given[1:])
    options = _options(given)
    processes.end_by_exception_on_signals()
    for away in ("aiokafka", "asyncpg"):  # that servers die is the point
        logging.getLogger(away).setLevel(logging.CRITICAL)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    slices: list[SliceTold] = []
    try:
        result = _run(options, slices)
    except KeyboardInterrupt:
        print("interrupted: everything is stopped", file=sys.stderr)
        result = INTERRUPTED
    except FAILURES as failure:
        print(failure, file=sys.stderr)
        result = 1
    told.write(options.report, slices)
    print(told.table(slices))
    print(f"\n{options.report}")
    return result


if __name__ == "__main__":
    sys.exit(main())
