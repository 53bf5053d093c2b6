"""Files as people send and take them: what kind one is, tables, and how one is written."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from deploy.local.folders import replace_file

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class BadFile(Exception):  # noqa: N818  (a sentence about the world)
    """A file cannot be used; the message says why."""


def kind_of(path: Path, kinds: Sequence[str]) -> str:
    """The suffix of a file, without its dot. Raises `BadFile` when it is none of these kinds."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise BadFile(f"{path} : le fichier se termine par .{', .'.join(kinds)}")
    return kind


def read(path: Path) -> bytes:
    """What a file holds. Raises `BadFile` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} : ne se lit pas ({error.strerror})") from error


def write(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all. Raises `BadFile`."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise BadFile(f"{path} : ne s'écrit pas ({error.strerror})") from error


def rows_of(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV (UTF-8; semicolons or commas) or of an XLSX's first sheet, by column, empty
    rows included.

    Raises `BadFile` when it cannot be read or has other columns.
    """
    kind = kind_of(path, ("csv", "xlsx"))
    head, *rows = _csv_rows(path) if kind == "csv" else _xlsx_rows(path, len(columns))
    if sorted(head) != sorted(columns):
        raise BadFile(f"{path} : les colonnes sont {', '.join(columns)}")
    return [
        {name: cell.strip() for name, cell in zip(head, row, strict=False) if cell.strip()}
        for row in rows
    ]


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        text = read(path).decode("utf-8-sig")
        delimiter = ";" if ";" in text.partition("\n")[0] else ","
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path} : n'est pas un CSV en UTF-8") from error
    return rows or [[]]


def _xlsx_rows(path: Path, columns_count: int) -> list[list[str]]:
    content = io.BytesIO(read(path))
    try:
        sheet = load_workbook(content, read_only=True, data_only=True).worksheets[0]
        rows = [[_text(cell) for cell in row] for row in sheet.iter_rows(max_col=columns_count)]
    except Exception as error:  # zip, XML and openpyxl each raise as they like
        raise BadFile(f"{path} : n'est pas un classeur XLSX") from error
    return rows or [[]]


def _text(cell: Any) -> str:
    """A cell of a workbook as a person would type it: 74, 66.26%, 2026-04-15, oui."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if not isinstance(value, int | float):
        return str(value)
    number = Decimal(str(value))
    if "%" in cell.number_format:
        return f"{(number * 100).normalize():f}%"
    return f"{number.normalize():f}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file for a French spreadsheet: semicolons, a mark of UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def decimal_euros(cents: int) -> str:
    """An amount in euros as a cell: 1250,50."""
    sign, (whole, rest) = "-" if cents < 0 else "", divmod(abs(cents), 100)
    return f"{sign}{whole},{rest:02}"
