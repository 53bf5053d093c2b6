"""The oracle's half about what banks answer in files: CSV, or pain.002 (ISO 20022).

Written from the rules (ADR 0021); shares no code with the services.
"""

import csv
from datetime import date
from xml.etree import ElementTree as ET

COLUMNS = ["order_id", "outcome", "day", "reason"]
OUTCOMES = {"executed", "rejected", "refunded"}
# What a transaction's status says of an order; others are no answer yet.
STATUSES = {"ACSC": "executed", "ACCC": "executed", "RJCT": "rejected"}
REPORT = "{urn:iso:std:iso:20022:tech:xsd:pain.002."

Row = list[str]
"""An order's id, its outcome, the day, and the reason if there is one."""


def rows_of(content: bytes) -> list[Row] | None:
    """What a file says, line by line; None when it cannot be read."""
    rows = _of_report(content) if content.lstrip().startswith(b"<") else _of_table(content)
    return rows if rows is not None and all(_is_readable(row) for row in rows) else None


def _of_table(content: bytes) -> list[Row] | None:
    header, *rows = csv.reader(content.decode().splitlines(), delimiter=";")
    return rows if header == COLUMNS else None


def _of_report(content: bytes) -> list[Row] | None:
    if b"<!DOCTYPE" in content:
        return None
    root = ET.fromstring(content)  # noqa: S314 - the season wrote it
    if not root.tag.startswith(REPORT):
        return None
    told_on = root.findtext(".//{*}CreDtTm") or ""
    return [
        [
            one.findtext("{*}OrgnlEndToEndId") or "",
            STATUSES[status],
            (one.findtext("{*}AccptncDtTm") or told_on)[:10],
            one.findtext(".//{*}Rsn/{*}Cd") or "",
        ]
        for one in root.iterfind(".//{*}TxInfAndSts")
        if (status := one.findtext("{*}TxSts") or "") in STATUSES
    ]


def _is_readable(row: Row) -> bool:
    """Whether a line has its four words, an outcome that is known and a day."""
    if len(row) != len(COLUMNS) or row[1] not in OUTCOMES:
        return False
    try:
        date.fromisoformat(row[2])
    except ValueError:
        return False
    return True
