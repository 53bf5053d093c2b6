"""What the bank answers about orders of payment, read from its files into lines.

CSV: UTF-8, semicolons, the columns `order_id;outcome;day;reason`. `outcome` is `executed`,
`rejected` or `refunded`, `reason` an ISO 20022 code or nothing.
"""

import csv
import io
from typing import Annotated, Any

import msgspec

from services.payments.domain.orders_of_payment import BankLine

COLUMNS = ("order_id", "outcome", "day", "reason")
LINES_MAX = 20_000
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,35}\Z")]
ReasonCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,4}\Z")]


class ReadLine(BankLine, frozen=True, kw_only=True):
    """A line whose words are of the shapes that can be kept."""

    order_id: OrderId
    reason: ReasonCode | None = None


class Unreadable(ValueError):  # noqa: N818
    """A file that cannot be read; `lines` are the numbers of those that are wrong, from 1."""

    def __init__(self, lines: list[int]) -> None:
        super().__init__(f"lines {lines}")
        self.lines = lines


def read_csv(content: bytes) -> list[BankLine]:
    """The lines of a CSV file, in their order. Raises `Unreadable`, with every bad line."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable([1]) from None
    if not rows or tuple(rows[0]) != COLUMNS or len(rows) > LINES_MAX:
        raise Unreadable([1])
    return read_lines(
        [
            (number, dict(zip(COLUMNS, row, strict=False)) if len(row) == len(COLUMNS) else None)
            for number, row in enumerate(rows[1:], start=2)
            if row
        ]
    )


def read_lines(rows: list[tuple[int, dict[str, Any] | None]]) -> list[BankLine]:
    """Numbered rows as lines. Raises `Unreadable`, with the numbers of all that are not."""
    found: list[BankLine] = []
    bad: list[int] = []
    for number, row in rows:
        try:
            found.append(msgspec.convert((row or {}) | {"reason": _reason(row)}, ReadLine))
        except msgspec.ValidationError:
            bad.append(number)
    if bad:
        raise Unreadable(bad)
    return found


def _reason(row: dict[str, Any] | None) -> str | None:
    return (row or {}).get("reason") or None
