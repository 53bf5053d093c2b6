"""The command that builds services anew from the log, beside the live ones, and compares both."""

import subprocess
import sys
from argparse import Namespace
from secrets import token_hex

from deploy.local.lifecycle import find_running
from deploy.local.services import ROOT, SERVICES


def rebuild(options: Namespace) -> int:
    """Rebuild one service or all; answers 1 when a table differs from the live one.

    A rebuilt schema is dropped when it is equal, and kept, named, when it is not.
    """
    stack = find_running(options.instance)
    are_equal = True
    for service in (options.service,) if options.service else SERVICES:
        print(f"{service}: reading the log from its start", file=sys.stderr, flush=True)
        ran = subprocess.run(
            (
                *(sys.executable, "-m", f"{options.services_package}.{service}"),
                *("rebuild", "--schema", f"rebuilt_{token_hex(3)}", "--compare"),
            ),
            cwd=ROOT,
            env=stack.service_environment(service, {"CPTS_LOG_LEVEL": "WARNING"}),
            check=False,
        )
        are_equal &= ran.returncode == 0
    return 0 if are_equal else 1
