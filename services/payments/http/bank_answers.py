"""What the bank answers about orders of payment, read from its files into lines.

pain.002 (ISO 20022, any version): of each transaction, `ACSC` and `ACCC` mean executed, `RJCT`
rejected; other states are no answer yet. A message that rejects its whole group rejects nothing
here: it names no order.

CSV: UTF-8, semicolons, the columns `order_id;outcome;day;reason`. `outcome` is `executed`,
`rejected` or `refunded`, `reason` an ISO 20022 code or nothing.
"""

import codecs
import csv
import io
from typing import Annotated, Any

import msgspec
import xmlschema

from contracts.days import is_possible
from services.payments.domain.orders_of_payment import BankLine

COLUMNS = ("order_id", "outcome", "day", "reason")
PAIN_002 = "{urn:iso:std:iso:20022:tech:xsd:pain.002."
LINES_MAX = 20_000
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,35}\Z")]
ReasonCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,4}\Z")]


OUTCOMES = {"ACSC": "executed", "ACCC": "executed", "RJCT": "rejected"}


class ReadLine(BankLine, frozen=True, kw_only=True):
    """A line whose words are of the shapes that can be kept."""

    order_id: OrderId
    reason: ReasonCode | None = None


class Unreadable(ValueError):  # noqa: N818
    """A file that cannot be read; `lines` are the numbers of those that are wrong, from 1."""

    def __init__(self, lines: list[int]) -> None:
        super().__init__(f"lines {lines}")
        self.lines = lines


def read_answers(content: bytes) -> list[BankLine]:
    """The lines of a bank's file, pain.002 or CSV. Raises `Unreadable`, with every bad line."""
    is_xml = content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")
    return read_pain_002(content) if is_xml else read_csv(content)


def read_pain_002(content: bytes) -> list[BankLine]:
    """The transactions of a pain.002 that are executed or rejected, in their order.

    Raises `Unreadable`, with the number of every transaction that is wrong, from 1. A document
    with entities of its own is not read at all.
    """
    try:
        root = xmlschema.XMLResource(io.BytesIO(content), defuse="always", allow="none").root
    except (xmlschema.XMLResourceError, LookupError, ValueError):
        # The last two say that nobody knows the encoding, or that it is not one of characters.
        raise Unreadable([1]) from None
    told_on = root.findtext(".//{*}GrpHdr/{*}CreDtTm")
    transactions = root.findall(".//{*}TxInfAndSts")
    if not root.tag.partition("}")[0].startswith(PAIN_002) or len(transactions) > LINES_MAX:
        raise Unreadable([1])
    rows: list[tuple[int, dict[str, Any] | None]] = []
    for number, one in enumerate(transactions, start=1):
        status = one.findtext("{*}TxSts") or ""
        if status in OUTCOMES:
            accepted_on = one.findtext("{*}AccptncDtTm") or told_on or ""
            row = {
                "order_id": one.findtext("{*}OrgnlEndToEndId"),
                "outcome": OUTCOMES[status],
                "day": accepted_on[:10],
                "reason": one.findtext("{*}StsRsnInf/{*}Rsn/{*}Cd"),
            }
            rows.append((number, row))
    return read_lines(rows)


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
            read = msgspec.convert((row or {}) | {"reason": _reason(row)}, ReadLine)
        except msgspec.ValidationError:
            bad.append(number)
            continue
        if is_possible(read.day):
            found.append(BankLine(**msgspec.structs.asdict(read)))
        else:
            bad.append(number)
    if bad:
        raise Unreadable(bad)
    return found


def _reason(row: dict[str, Any] | None) -> str | None:
    return (row or {}).get("reason") or None
