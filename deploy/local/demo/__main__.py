"""`python -m deploy.local.demo`: plays a season, kills a service in it, and checks every cent."""

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from deploy.local import processes, trace
from deploy.local.amounts import euros
from deploy.local.arguments import above_zero
from deploy.local.demo import orders
from deploy.local.demo.cast import DEPARTEMENTS
from deploy.local.demo.chain import NotHeardError
from deploy.local.demo.driver import OrderLostError
from deploy.local.demo.platform import Platform
from deploy.local.demo.play import Run, drawn_victim, play, start_services
from deploy.local.demo.sabotage import SABOTAGES, NothingToFalsifyError, saboteur
from deploy.local.demo.story import Season, season
from deploy.local.demo.tale import TaleFailedError
from deploy.local.demo.watch import watcher
from deploy.local.demo.year import EXPECTED, play_year
from deploy.local.folders import replace_file
from deploy.local.jars import JarRefused, RepositoryOutOfReach
from deploy.local.processes import ComponentFailed
from deploy.local.services import CHAIN, ROOT
from deploy.local.stack import Stack

DEMANDS = 2_000
RATE = 150
SHOWN_DIFFERENCES_MAX = 20
INTERRUPTED = 130
FAILURES = (
    *(ComponentFailed, JarRefused, RepositoryOutOfReach),
    *(OrderLostError, NotHeardError, NothingToFalsifyError, TaleFailedError),
)


Report = Callable[[str], None]


def _embedded(report: Report) -> AbstractContextManager[Platform]:
    return Stack("demo", ephemeral=True, report=report)


def _options(arguments: list[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument(
        "--departements",
        type=int,
        choices=range(1, len(DEPARTEMENTS) + 1),
        default=len(DEPARTEMENTS),
        help=f"how many of the départements {', '.join(DEPARTEMENTS)} (default: all)",
    )
    parser.add_argument(
        "--demands", type=above_zero(int), default=DEMANDS, help="demands of the SAS (%(default)s)"
    )
    parser.add_argument(
        "--rate", type=above_zero(float), default=RATE, help="orders a second (%(default)s)"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--year",
        action="store_true",
        help="instead: one CPTS through a whole year, its sums and its files (var/year)",
    )
    instead.add_argument(
        "--sas",
        action="store_true",
        help="instead: a regional SAS platform connects, from a regulator's account to the euro",
    )
    parser.add_argument("--seed", type=int, help="the season's seed (drawn and printed if absent)")
    parser.add_argument("--keep", action="store_true", help="stay up until Ctrl-C, to look around")
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, nothing else"
    )
    parser.add_argument(
        "--sabotage",
        action="append",
        default=[],
        choices=sorted(SABOTAGES),
        help="falsify a database in mid-run, no service is killed then: must exit 1 (repeatable)",
    )
    parser.add_argument("--kill", choices=CHAIN, help=argparse.SUPPRESS)
    parser.add_argument("--var", type=Path, default=ROOT / "var", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _result(
    run: Run, told: Season, setup: float, total: float, first: float | None
) -> dict[str, Any]:
    """The content of `var/demo.json`; seconds and milliseconds as measured."""
    killed = run.killed
    return {
        "exact": not run.differences,
        "differences": [msgspec.to_builtins(one) for one in run.differences],
        "seed": told.seed,
        "departements": told.departements,
        "cpts": len(told.cast),
        **msgspec.to_builtins(run.totals),
        "compared": msgspec.to_builtins(run.compared),
        "killed": {
            "service": killed.service if killed else None,
            "transactions_rolled_back": killed.transactions_rolled_back if killed else 0,
        },
        "latency_ms": msgspec.to_builtins(run.latency.undisturbed),
        "latency_behind_kill_ms": msgspec.to_builtins(run.latency.behind_kill),
        "acceptances_before_contract": run.latency.before_contract,
        "acceptances_without_estimate": run.latency.without_estimate,
        "recovery_seconds": run.recovery_seconds,
        "setup_seconds": round(setup, 2),
        "first_event_seconds": first,
        "play_seconds": round(run.play_seconds, 2),
        "total_seconds": round(total, 2),
    }


def _say(result: dict[str, Any], run: Run, path: Path) -> None:
    """The result in French."""
    latency, killed, told = result["latency_ms"], result["killed"], result["compared"]
    print()
    print(
        f"{result['demands']} demandes, {result['appointments']} rendez-vous, "
        f"{result['events']} événements, {result['cpts']} CPTS "
        f"dans {result['departements']} département(s) ; graine {result['seed']}."
    )
    print(f"Part variable estimée : {euros(result['variable_cents'])}.")
    if run.killed is not None:
        print(
            f"{killed['service']} tué dans une transaction ouverte "
            f"({killed['transactions_rolled_back']} annulée(s)), "
            f"revenu et à jour en {result['recovery_seconds']} s."
        )
    print(
        f"De l'acceptation à l'estimation : médiane {latency['p50']} ms, 95 % {latency['p95']} ms, "
        f"99 % {latency['p99']} ms ({latency['samples']} mesures)."
    )
    print(
        f"Comparé à l'oracle, qui n'a lu que les ordres : {told['orders']} réponses, "
        f"{told['demands']} demandes, {told['figures']} chiffres, "
        f"{told['contract_years']} années de contrat, {told['dues']} sommes dues "
        f"(dont {told['held']} retenues), {told['settled']} années arrêtées, "
        f"{told['adjusted']} ajustements, {told['indemnities']} indemnités, "
        f"{told['uses']} emplois de fonds, {told['transfers']} virements, "
        f"{told['deadlines']} délais de missions."
    )
    print(f"Installation {result['setup_seconds']} s, total {result['total_seconds']} s ; {path}")
    if result["exact"]:
        print("EXACT : chaque refus, chaque échéance, chaque chiffre et chaque centime est le bon.")
        return
    print(f"FAUX : {len(run.differences)} différence(s)")
    for difference in run.differences[:SHOWN_DIFFERENCES_MAX]:
        print(f"  - {difference}")
    if len(run.differences) > SHOWN_DIFFERENCES_MAX:
        print(f"  … et {len(run.differences) - SHOWN_DIFFERENCES_MAX} autres dans {path}")


def _show_way(stack: Platform, referral_id: str | None) -> None:
    """One demand's way to its euro, as `just trace` shows it."""
    if referral_id is not None:
        print("\nLe chemin d'une demande, celle de la médiane :", flush=True)
        trace.show(stack, referral_id, Console(highlight=False))


def _keep(stack: Platform) -> None:
    """Stay up until Ctrl-C, and say where to look."""
    print("\nPages des interfaces (Ctrl-C pour tout arrêter) :", file=sys.stderr)
    for service, url in stack.http_urls.items():
        print(f"  {service:<12} {url}/schema", file=sys.stderr)
    print(f"  {'astreinte':<12} {stack.start_console()}", file=sys.stderr)
    print(f"Pour regarder dedans, d'un autre terminal : {stack.look_inside}", file=sys.stderr)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        print("Arrêt.", file=sys.stderr)


def _play(
    options: argparse.Namespace, open_stack: Callable[[Report], AbstractContextManager[Platform]]
) -> int:
    begun, begun_epoch = time.monotonic(), time.time()
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    told = season(seed=seed, departements=options.departements, demands=options.demands)
    say = _quiet if options.json else _report
    say(f"graine {seed} : {len(told.orders)} ordres")
    with open_stack(say) as stack:
        # Another run from this checkout may be under way: what is judged is in this one's folder.
        recorded = stack.folder / "orders.jsonl"
        orders.write(recorded, told.orders)
        start_services(stack, told)
        say(f"console d'astreinte : {stack.start_console()}")
        setup = time.monotonic() - begun
        run = asyncio.run(
            _told_at_once(
                play(
                    stack,
                    told,
                    recorded,
                    rate=options.rate,
                    watch=None if options.json else watcher(told.cast, stack.http_urls),
                    meddle=[saboteur(name) for name in options.sabotage],
                    kill=options.kill or (None if options.sabotage else drawn_victim(seed)),
                )
            )
        )
        if run is None:
            return 1
        first = run.first_event_epoch_seconds
        first_seconds = round(first - begun_epoch, 2) if first is not None else None
        result = _result(run, told, setup, time.monotonic() - begun, first_seconds)
        path = options.var / "demo.json"
        encoded = msgspec.json.format(msgspec.json.encode(result), indent=2)
        options.var.mkdir(parents=True, exist_ok=True)
        replace_file(options.var / "demo-orders.jsonl", recorded.read_bytes())
        replace_file(path, encoded + b"\n")
        if options.json:
            print(encoded.decode(), flush=True)
        else:
            _show_way(stack, run.latency.typical_referral)
            _say(result, run, path)
        if options.keep:
            _keep(stack)
    return 0 if result["exact"] else 1


async def _told_at_once(playing: Coroutine[Any, Any, Run]) -> Run | None:
    """The run; None when it failed, said before everything is stopped, which takes its time."""
    try:
        return await playing
    except FAILURES as failure:
        print(failure, file=sys.stderr, flush=True)
        return None


def _tell_year(
    options: argparse.Namespace, open_stack: Callable[[Report], AbstractContextManager[Platform]]
) -> int:
    """One CPTS's year; 0 when every sum is the expected one."""
    folder = options.var / "year"
    folder.mkdir(parents=True, exist_ok=True)
    with open_stack(_report) as stack:
        differences = play_year(stack, folder, _report)
        print()
        for (year, name), cents in EXPECTED.items():
            print(f"  {year}  {name:<40} {euros(cents):>16}")
        print(f"  {'':<10}  {'total':<40} {euros(sum(EXPECTED.values())):>16}")
        for path in sorted(folder.iterdir()):
            print(f"  {path}")
        for difference in differences:
            print(f"  - {difference}")
        print(
            "FAUX" if differences else "EXACT : chaque somme de l'année est la bonne.", flush=True
        )
        if options.keep:
            _keep(stack)
    return 1 if differences else 0


def _tell_sas(options: argparse.Namespace) -> int:
    """A regional platform connects; 0 when each step is as it must be."""
    # Imported where certificates are made: the other demos start without cryptography.
    from deploy.local.demo.sas import connected, play_sas  # noqa: PLC0415

    with (
        Stack("demo", ephemeral=True, report=_report) as stack,
        connected(stack, _report) as (sas, hub),
    ):
        try:
            play_sas(sas, hub)
        except TaleFailedError as failure:
            print(f"\nFAUX : {failure}", flush=True)
            return 1
        print("\nEXACT : chaque étape est comme attendu, jusqu'à l'euro.", flush=True)
        if options.keep:
            print(f"Portes FHIR : {stack.doors.url}, certificats dans {stack.doors.folder}")
            _keep(stack)
    return 0


def _report(text: str) -> None:
    print(text, flush=True)


def _quiet(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(
    arguments: list[str] | None = None,
    *,
    prog: str = "just demo",
    open_stack: Callable[[Report], AbstractContextManager[Platform]] = _embedded,
) -> int:
    """Run the demo; 0 when everything was exact, 1 when not, 130 after Ctrl-C."""
    options = _options(arguments, prog)
    processes.end_by_exception_on_signals()
    try:
        if options.sas and open_stack is not _embedded:
            print("--sas se joue sur la plateforme embarquée : just demo --sas", file=sys.stderr)
            return 2
        if options.sas:
            return _tell_sas(options)
        return _tell_year(options, open_stack) if options.year else _play(options, open_stack)
    except KeyboardInterrupt:
        print("Interrompu : tout est arrêté.", file=sys.stderr)
        return INTERRUPTED
    except FAILURES as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
