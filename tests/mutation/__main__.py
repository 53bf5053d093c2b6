"""Changes the code in many small ways, one at a time, and tells which changes no test notices.

mutmut makes the changes and runs the tests that reach each; Kafka and PostgreSQL are started once,
for all of them. The whole of the domains is changed, of messaging a sample drawn by a seed. What
was changed and not noticed is listed; `mutmut show NAME` prints a change.
"""

import argparse
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence

import msgspec

from deploy.local import processes
from deploy.local.arguments import above_zero
from deploy.local.given import KAFKA_VARIABLE, POSTGRES_VARIABLE
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT
from deploy.local.stack import Stack

AREAS = {
    "indicators": ("services/indicators/domain", None),
    "payments": ("services/payments/domain", None),
    "messaging": ("services/messaging", 150),
}
WANTED_PERCENT = 85
MUTANTS = ROOT / "mutants"
# What mutmut says of a mutant by the exit code of its tests; another one was killed.
UNNOTICED = {0: "survived", 5: "no tests", 33: "no tests", 34: "skipped", None: "not tried"}
INTERRUPTED = 130
MUTMUT = (sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count()))


class MutmutFailed(Exception):  # noqa: N818
    """mutmut did not come to its end."""


class Tried(msgspec.Struct, kw_only=True):
    """What mutmut keeps of a file's mutants."""

    exit_code_by_key: dict[str, int | None]


def tried_in(area: str) -> dict[str, int | None]:
    """The exit code of each mutant of an area, by its name."""
    folder = MUTANTS / AREAS[area][0]
    found: dict[str, int | None] = {}
    for path in sorted(folder.glob("*.py.meta")):
        found |= msgspec.json.decode(path.read_bytes(), type=Tried).exit_code_by_key
    return found


def drawn(area: str, sample: int | None, seed: int) -> list[str]:
    """The names of the mutants to try: all, or as many as asked, drawn by the seed."""
    names = sorted(tried_in(area))
    most = sample or AREAS[area][1]
    return names if most is None else random.Random(seed).sample(names, min(most, len(names)))


def prepare(environment: dict[str, str]) -> None:
    """Make the mutants, and see which tests reach which function. Raises `MutmutFailed`.

    mutmut does both before it finds that no mutant has the name that is asked for.
    """
    ran = subprocess.run(
        (*MUTMUT, "none"), cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    if "nothing matches" not in ran.stderr:
        raise MutmutFailed(f"{ran.stdout}\n{ran.stderr}")


def try_out(names: Sequence[str], environment: dict[str, str]) -> None:
    """Try these mutants, with mutmut's own report. Raises `MutmutFailed`."""
    ran = subprocess.run((*MUTMUT, *names), cwd=ROOT, env=environment, check=False)
    if ran.returncode != 0:
        raise MutmutFailed(f"mutmut ended with {ran.returncode}")


def report(area: str, names: Sequence[str]) -> bool:
    """Print what became of an area's mutants; whether enough were noticed."""
    codes = tried_in(area)
    fates = Counter(UNNOTICED.get(codes[name], "killed") for name in names)
    percent = 100 * fates["killed"] / len(names)
    print(f"\n{area}: {fates['killed']} of {len(names)} killed, {percent:.1f} %")
    for name in names:
        if codes[name] in UNNOTICED:
            print(f"  {UNNOTICED[codes[name]]}: {name}")
    return percent >= WANTED_PERCENT


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just mutants", description=__doc__)
    parser.add_argument(
        "areas", nargs="*", metavar="AREA", help=f"which, default all: {', '.join(AREAS)}"
    )
    parser.add_argument(
        "--sample", type=above_zero(int), help="so many mutants of each area, drawn by the seed"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="default: drawn")
    options = parser.parse_args(arguments)
    if unknown := [one for one in options.areas if one not in AREAS]:
        parser.error(f"no area is called {', '.join(unknown)}; there are {', '.join(AREAS)}")
    options.areas = options.areas or list(AREAS)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants; 0 when enough were noticed in each area, 1 when not, 130 after Ctrl-C."""
    options = _options(arguments)
    processes.end_by_exception_on_signals()
    print(f"seed {options.seed}", flush=True)
    try:
        with Stack("mutants", ephemeral=True, report=lambda line: print(line, flush=True)) as stack:
            environment = os.environ | {
                KAFKA_VARIABLE: stack.kafka,
                POSTGRES_VARIABLE: stack.admin_url,
            }
            print("making mutants, seeing which tests reach them: minutes", flush=True)
            prepare(environment)
            names = {one: drawn(one, options.sample, options.seed) for one in options.areas}
            try_out([name for some in names.values() for name in some], environment)
    except KeyboardInterrupt:
        print("interrupted: everything is stopped", file=sys.stderr)
        return INTERRUPTED
    except (ComponentFailed, MutmutFailed, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    are_enough = {area: report(area, some) for area, some in names.items()}
    return 0 if all(are_enough.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
