"""What shows that a fault really struck, and the seed that makes it strike there again."""

import os
import secrets
from typing import Any

SEED = os.environ.get("FAULTS_SEED") or secrets.token_hex(4)


class Trace:
    """What shows that a fault really struck."""

    def __init__(self, name: str) -> None:
        self.seed = f"{SEED}:{name}"
        self.found: dict[str, Any] = {}

    def note(self, **found: Any) -> None:
        """Keep what was found, to be printed."""
        self.found |= found

    def struck(self, **found: int) -> None:
        """Keep what was found; AssertionError when there is nothing of it."""
        self.note(**found)
        for name, count in found.items():
            assert count > 0, f"the fault did not strike: {name} is {count}; {self.found}"
