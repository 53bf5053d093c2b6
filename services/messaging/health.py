"""Whether the service can do its work, and why not."""

from collections import Counter

import msgspec


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a part of the service does not work now, and the command that mends it, if one does."""

    part: str
    reason: str
    command: str | None = None


class Health:
    """What each part of the process last said of itself, and the process's counters."""

    def __init__(self, counters: Counter[str]) -> None:
        self.counters = counters
        self._troubles: dict[str, Trouble] = {}

    def starts(self, part: str) -> None:
        """A part that must become well before the service is ready."""
        self._troubles[part] = Trouble(part=part, reason="starting")

    def is_well(self, part: str) -> None:
        """A part works."""
        self._troubles.pop(part, None)

    def is_ill(self, part: str, reason: str, command: str | None = None) -> None:
        """A part does not work now."""
        self._troubles[part] = Trouble(part=part, reason=reason, command=command)

    @property
    def troubles(self) -> list[Trouble]:
        """What keeps the service from being ready."""
        return list(self._troubles.values())

    @property
    def is_ready(self) -> bool:
        """Whether nothing does."""
        return not self._troubles
