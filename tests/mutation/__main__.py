"""Changes the code in many small ways, one at a time, and tells which changes no test notices.

mutmut makes the changes and runs the tests that reach each, on a copy of the tree that is deleted
at the end; Kafka and PostgreSQL are started once, for all of them. The whole of the domains is
changed, of messaging a sample drawn by a seed. What was not noticed is listed, with the change.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from deploy.local import processes
from deploy.local.arguments import above_zero
from deploy.local.given import KAFKA_VARIABLE, POSTGRES_VARIABLE
from deploy.local.processes import ComponentFailed
from deploy.local.services import ROOT
from deploy.local.stack import Stack

COPIED = ("contracts", "deploy", "docs", "services", "tests")
# What mutmut says of a mutant by the exit code of its tests; with any other it was killed.
UNNOTICED = {0: "survived", 5: "no tests", 33: "no tests", 34: "skipped", None: "not tried"}
INTERRUPTED = 130
# Tests start processes, which mutmut takes for its own unless a server forks for it.
CONFIGURATION = """[mutmut]
source_paths = services
only_mutate =
    {files}
also_copy =
    contracts
    deploy
    docs
    docker-compose.yml
    Justfile
    README.md
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args =
    -p
    tests.mutation.quick_first
process_isolation = forkserver
timeout_multiplier = 4.0
timeout_constant = 10.0
"""


# The guarantees. The edges (settings, logs, process, HTTP) are held by tests of other areas, and by
# tests that start processes, where no change is switched on.
GUARANTEES = (
    *("batch", "codec", "consumer", "dead_letters", "hearing", "offsets", "orders", "outbox"),
    *("relay", "replaying", "restoring", "timers", "topic_ids", "unit", "waiting"),
)


class Area(msgspec.Struct, frozen=True):
    """Code to change: its files, the tests that are to notice, how many changes are tried, and of
    how many in a hundred it is enough that they are noticed.
    """

    files: tuple[str, ...]
    tests: str
    wanted_percent: int = 90
    sample: int | None = None


AREAS = {
    "membership": Area(("services/membership/domain/*.py",), "tests/membership"),
    "indicators": Area(("services/indicators/domain/*.py",), "tests/indicators"),
    "payments": Area(("services/payments/domain/*.py",), "tests/payments"),
    "messaging": Area(
        tuple(f"services/messaging/{name}.py" for name in GUARANTEES),
        "tests/messaging",
        wanted_percent=85,
        sample=100,
    ),
}


class MutmutFailed(Exception):  # noqa: N818
    """mutmut did not come to its end."""


class Tried(msgspec.Struct, kw_only=True):
    """What mutmut keeps of a file's mutants."""

    exit_code_by_key: dict[str, int | None]


class Ground:
    """An area's copy of the tree, in which mutmut works."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._area = AREAS[name]
        self._folder = folder
        self._environment = environment

    def lay(self) -> None:
        """Copy the tree."""
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self._folder / name, ignore=ignored)
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy2(path, self._folder)
        shutil.copy2(ROOT / "Justfile", self._folder)
        (self._folder / "setup.cfg").write_text(
            CONFIGURATION.format(files="\n    ".join(self._area.files), tests=self._area.tests),
            "utf-8",
        )

    def prepare(self) -> None:
        """Make the mutants, and see which tests reach which function. Raises `MutmutFailed`.

        mutmut does both before it finds that no mutant has the name that is asked for.
        """
        ran = self._mutmut("run", "none")
        if "nothing matches" not in ran.stderr:
            said = f"{ran.stdout}\n{ran.stderr}\n{self._first_failure()}".splitlines()
            raise MutmutFailed("\n".join(line.rpartition("\r")[2] for line in said[-60:]))

    def _first_failure(self) -> str:
        """What the first test that fails without any mutant says, which mutmut keeps to itself."""
        command = (
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-n",
            "0",
            "-p",
            "tests.mutation.quick_first",
        )
        told = subprocess.run(
            (*command, self._area.tests),
            cwd=self._folder / "mutants",
            env={**self._environment, "MUTANT_UNDER_TEST": ""},
            check=False,
            capture_output=True,
            text=True,
        )
        return "\n".join(told.stdout.splitlines()[-40:])

    def tried(self) -> dict[str, int | None]:
        """The exit code of each mutant, by its name."""
        found: dict[str, int | None] = {}
        for path in sorted((self._folder / "mutants" / "services").rglob("*.py.meta")):
            found |= msgspec.json.decode(path.read_bytes(), type=Tried).exit_code_by_key
        return found

    def drawn(self, sample: int | None, seed: int) -> list[str]:
        """The names of the mutants to try: all, or as many as asked, drawn by the seed."""
        names, most = sorted(self.tried()), sample or self._area.sample
        return names if most is None else random.Random(seed).sample(names, min(most, len(names)))

    def try_out(self, names: Sequence[str]) -> None:
        """Try these mutants, with mutmut's own report. Raises `MutmutFailed`."""
        many = ("run", "--max-children", str(os.cpu_count()), *names)
        ran = self._mutmut(*many, is_shown=True)
        if ran.returncode != 0:
            raise MutmutFailed(f"mutmut ended with {ran.returncode}")

    def change(self, name: str) -> list[str]:
        """What a mutant changes, line by line."""
        shown = self._mutmut("show", name).stdout.splitlines()
        return [line for line in shown if line[:1] in "+-" and line[:3] not in ("+++", "---")]

    def _mutmut(self, *arguments: str, is_shown: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (sys.executable, "-m", "mutmut", *arguments),
            cwd=self._folder,
            env=self._environment,
            check=False,
            capture_output=not is_shown,
            text=True,
        )


def report(name: str, ground: Ground, names: Sequence[str]) -> bool:
    """Print what became of an area's mutants; whether enough were noticed."""
    codes = ground.tried()
    fates = Counter(UNNOTICED.get(codes[name], "killed") for name in names)
    percent = 100 * fates["killed"] / len(names)
    print(f"\n{name}: {fates['killed']} of {len(names)} killed, {percent:.1f} %")
    for mutant in names:
        if codes[mutant] in UNNOTICED:
            print(f"  {UNNOTICED[codes[mutant]]}: {mutant}")
            for line in ground.change(mutant):
                print(f"      {line}")
    return percent >= AREAS[name].wanted_percent


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


def _try_areas(options: argparse.Namespace, stack: Stack) -> bool:
    environment = os.environ | {
        KAFKA_VARIABLE: stack.kafka,
        POSTGRES_VARIABLE: stack.admin_url,
    }
    are_enough = True
    for name in options.areas:
        ground = Ground(name, stack.folder / "mutants" / name, environment)
        ground.lay()
        print(f"{name}: making mutants, seeing which tests reach them (minutes)", flush=True)
        ground.prepare()
        names = ground.drawn(options.sample, options.seed)
        ground.try_out(names)
        are_enough &= report(name, ground, names)
    return are_enough


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants; 0 when enough were noticed in each area, 1 when not, 130 after Ctrl-C."""
    options = _options(arguments)
    processes.end_by_exception_on_signals()
    print(f"seed {options.seed}", flush=True)
    try:
        with Stack("mutants", ephemeral=True) as stack:
            return 0 if _try_areas(options, stack) else 1
    except KeyboardInterrupt:
        print("interrupted: everything is stopped", file=sys.stderr)
        return INTERRUPTED
    except (ComponentFailed, MutmutFailed, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
