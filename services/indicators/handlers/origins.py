"""What is behind a change: which event of a batch, or what made everything be counted again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contracts.recorded import Cause, Recorded


class Origin(msgspec.Struct, frozen=True):
    """What is behind a change: when it became true, and its cause."""

    occurred_at: datetime
    cause: Cause


class Origins:
    """Which event of the batch is behind a change: the last one that concerns what changed.

    Keys are fact ids (so `rpps:<number>` too), `finess:<number>` and `cpts:<id>`.
    """

    def __init__(self, origins: Sequence[Origin]) -> None:
        self._origins = origins
        self._places: dict[str, int] = {}

    @classmethod
    def heard(cls, heard: Iterable[Recorded[Any]]) -> "Origins":
        """Those of a batch."""
        return cls([Origin(one.occurred_at, one.as_cause()) for one in heard])

    def add(self, key: str, place: int | None) -> None:
        """The event at `place` of the batch concerns `key`."""
        if place is not None:
            self._places[key] = max(place, self._places.get(key, place))

    def place(self, keys: Iterable[str]) -> int | None:
        """The place of the last event that concerns one of the keys."""
        return max((self._places[key] for key in keys if key in self._places), default=None)

    def of(self, keys: Iterable[str]) -> Origin:
        """The last event that concerns one of the keys, else the last of the batch."""
        place = self.place(keys)
        return self._origins[-1 if place is None else place]
