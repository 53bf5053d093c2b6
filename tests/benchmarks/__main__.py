"""Measures the platform beside bare baselines in the same run, or against limits, on a real Kafka
and PostgreSQL.

Figures mean something on an otherwise idle machine only. The table is printed and kept in
`var/bench.json`; one that falls short of what is wanted is told there and fails nothing.
"""

import argparse
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec
import uvloop

from deploy.local import processes
from deploy.local.arguments import above_zero
from deploy.local.folders import replace_file
from deploy.local.jars import JarRefused, RepositoryOutOfReach
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from tests.benchmarks.catalogue import BENCHES, Bench, settings_of
from tests.benchmarks.ground import BenchFailed
from tests.benchmarks.measuring import Figure, Result, Sample, Sizes, result_of
from tests.benchmarks.table import number, table

INTERRUPTED = 130
RUNS = 3
QUICK = Sizes(
    events=6_000,
    figures=3_000,
    acceptances=300,
    rows=2_000,
    cpts=20,
    facts_a_year=10_000,
    questions=50,
    bad_inputs=500,
    professionals=400,
    demands=4_800,
    seconds=2.0,
    warm_up_seconds=0.5,
)
FAILURES = (ComponentFailed, JarRefused, RepositoryOutOfReach, OSError)

Report = Callable[[str], None]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    ids = [figure.id for bench in BENCHES for figure in bench.figures]
    parser = argparse.ArgumentParser(
        prog="just bench",
        description=__doc__,
        epilog="; ".join(f"{bench.name}: {bench.what}" for bench in BENCHES),
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help=f"which figures, default all: {', '.join(ids)}"
    )
    parser.add_argument(
        "--runs", type=above_zero(int), default=RUNS, help="runs of each, default %(default)s"
    )
    parser.add_argument(
        "--quick", action="store_true", help="sizes that only show that everything runs"
    )
    parser.add_argument(
        "--count",
        type=above_zero(int),
        help="bad inputs a run of fuzz, default 100000; demands of P5, default 2000000",
    )
    parser.add_argument("--var", type=Path, default=ROOT / "var", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for one in options.ids:
        if not any(bench.is_asked([one]) for bench in BENCHES):
            parser.error(f"no figure is called {one}: {', '.join(ids)}")
    return options


async def measure(
    stack: Stack, bench: Bench, sizes: Sizes, runs: int, command: str, report: Report
) -> list[Result]:
    """The results of a bench, each run reported as it ends. Raises `BenchFailed`."""
    settings = settings_of(bench, sizes) | {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {sys.version.split()[0]}",
        "load_before": [round(one, 2) for one in os.getloadavg()],
    }
    told: dict[str, list[Sample]] = {figure.id: [] for figure in bench.figures}
    async with aclosing(bench.measure(stack, stack.folder / "bench", sizes, runs)) as measured:
        async for samples in measured:
            for figure in bench.figures:
                told[figure.id].append(samples[figure.id])
                report(_line(figure, samples[figure.id], len(told[figure.id]), runs))
    return [result_of(figure, told[figure.id], settings, command) for figure in bench.figures]


def _line(figure: Figure, sample: Sample, run: int, runs: int) -> str:
    told = f"{figure.id} {run}/{runs}: ours {number(sample.ours)}"
    if sample.baseline is None:
        return f"{told} {figure.unit}, wanted {figure.wanted}"
    ratio = sample.ours / sample.baseline
    return f"{told}, baseline {number(sample.baseline)} {figure.unit}, ratio {ratio:.2f}"


def _bench(options: argparse.Namespace) -> int:
    asked = [bench for bench in BENCHES if bench.is_asked(options.ids)]
    sizes = QUICK if options.quick else Sizes()
    quick = ("--quick",) if options.quick else ()
    if options.count:
        sizes = msgspec.structs.replace(sizes, bad_inputs=options.count, demands=options.count)
        quick = (*quick, f"--count {options.count}")
    command = " ".join(("just bench", *options.ids, f"--runs {options.runs}", *quick))
    results: list[Result] = []
    has_failed = False
    begun = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - begun:4.0f} s] {line}", file=sys.stderr, flush=True)

    with Stack("bench", ephemeral=True, report=report) as stack:
        for bench in asked:
            report(f"{bench.name}: {bench.what}")
            try:
                results += uvloop.run(measure(stack, bench, sizes, options.runs, command, report))
            except BenchFailed as failure:
                report(f"{bench.name} failed: {failure}")
                has_failed = True
    options.var.mkdir(parents=True, exist_ok=True)
    path = options.var / "bench.json"
    replace_file(path, msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    print(table(results) if results else "nothing was measured")
    print(f"\n{path}")
    return 1 if has_failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches; 0 when each gave its figures, 1 when one did not, 130 after Ctrl-C."""
    options = _options(arguments)
    processes.end_by_exception_on_signals()
    # Of a topic just made, some partitions have no leader yet: the clients ask again, and say so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return _bench(options)
    except KeyboardInterrupt:
        print("interrupted: everything is stopped", file=sys.stderr)
        return INTERRUPTED
    except FAILURES as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
