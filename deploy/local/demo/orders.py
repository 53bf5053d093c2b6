"""The recorded orders of a season: one JSON line each, all that the oracle may read."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be sent at an instant.

    `acting_cpts` is who gives it in the role of a CPTS.

    Orders of one `lane` are sent one after the other. `raw` is the body as sent when it is not the
    JSON of `body`, and `file` when it is no text, with so many zero bytes after it. Before a
    `barrier` order all earlier ones are answered, after it every service has heard what came of it.
    Before one that is `is_after_timers` the sums, silences and deadlines that are over by its
    instant are said too.
    """

    at: datetime
    service: str
    path: str
    role: str
    key: str
    lane: str
    method: str = "POST"
    acting_cpts: str | None = None
    body: Any = None
    raw: str | None = None
    file: bytes | None = None
    padding_bytes: int = 0
    media_type: str = "application/json"
    barrier: bool = False
    is_after_timers: bool = False

    def content(self) -> bytes:
        """The body as sent."""
        if self.file is not None:
            return self.file + bytes(self.padding_bytes)
        return self.raw.encode() if self.raw is not None else msgspec.json.encode(self.body)


class Order(Draft, frozen=True, kw_only=True):
    """A draft with its number: its place in the order of instants."""

    n: int


def numbered(drafts: Iterable[Draft]) -> list[Order]:
    """The drafts by instant, numbered from 1; drafts of one instant keep their order."""
    ordered = sorted(drafts, key=lambda draft: draft.at)
    return [Order(n=n, **msgspec.structs.asdict(draft)) for n, draft in enumerate(ordered, start=1)]


def write(path: Path, orders: Iterable[Order]) -> None:
    """Write the orders, one JSON line each."""
    path.write_bytes(msgspec.json.Encoder().encode_lines(list(orders)))


def read(path: Path) -> list[Order]:
    """The recorded orders, as written."""
    return msgspec.json.Decoder(Order).decode_lines(path.read_bytes())
