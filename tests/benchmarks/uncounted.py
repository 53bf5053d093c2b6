"""`python -m tests.benchmarks.uncounted SERVICE …`: a real service that counts nothing for
`/metrics`, as it would be without them.
"""

import importlib
import sys
from typing import Any
from unittest.mock import patch

from prometheus_client import Histogram

from services.messaging import process
from services.messaging.meters import Meters

COUNTING = ((Meters, "hears"), (Meters, "leaves"), (Meters, "took"), (Histogram, "observe"))


def nothing(*_: Any, **__: Any) -> None:
    """Count nothing."""


def main() -> None:
    """Run the service that the first argument names."""
    service = importlib.import_module(f"services.{sys.argv.pop(1)}.app").SERVICE
    for owner, name in COUNTING:
        patch.object(owner, name, nothing).start()
    process.main(service)


if __name__ == "__main__":
    main()
