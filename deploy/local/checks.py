"""The checks of `just check`: style, format, types, imports and contracts, one after the other."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from deploy.local.services import ROOT

CHECKS = {
    "style": ("ruff", "check"),
    "format": ("ruff", "format", "--check"),
    "types": ("mypy",),
    "imports": ("lint-imports",),
    "contracts": (sys.executable, "-m", "contracts.generate", "--check"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks that are named, or all; 1 when one of them found something."""
    parser = argparse.ArgumentParser(
        prog="just check",
        description="Check the tree: ruff, mypy, import-linter, and the contracts' documents. "
        "Nothing is changed; all checks run, whatever the first ones find.",
        epilog="`uv run ruff format` and `uv run ruff check --fix` mend most of style and format, "
        "`just contracts` writes the documents again.",
    )
    parser.add_argument(
        "checks", nargs="*", metavar="CHECK", help=f"{', '.join(CHECKS)} (default: all)"
    )
    chosen = parser.parse_args(arguments).checks or list(CHECKS)
    if unknown := [name for name in chosen if name not in CHECKS]:
        parser.error(f"no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    failed = []
    for name in chosen:
        print(f"{name}: {' '.join(CHECKS[name]).replace(sys.executable, 'python')}", flush=True)
        if subprocess.run(CHECKS[name], cwd=ROOT, check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"not as it should be: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
