"""Files as people send and take them: what kind one is, tables, and how one is written."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

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
    """The rows of a CSV file (UTF-8; semicolons or commas) by column, empty rows included.

    Raises `BadFile` when it cannot be read or has other columns.
    """
    try:
        text = read(path).decode("utf-8-sig")
        delimiter = ";" if ";" in text.partition("\n")[0] else ","
        head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise BadFile(f"{path} : n'est pas un CSV en UTF-8") from error
    if sorted(head) != sorted(columns):
        raise BadFile(f"{path} : les colonnes sont {', '.join(columns)}")
    return [
        {name: cell.strip() for name, cell in zip(head, row, strict=False) if cell.strip()}
        for row in rows
    ]


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
