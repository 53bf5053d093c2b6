"""Tables that people send and take: CSV as French spreadsheets write it, or XLSX."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Literal
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from litestar import Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from services.messaging.documents import OrderOperation
from services.messaging.problems import Refused

Format = Literal["csv", "xlsx"]
CSV = "text/csv"
CSV_UTF8 = f"{CSV}; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EUROS = "# ##0.00 €"
Cell = str | int | Decimal | date | None
BYTES_MAX = 5_000_000
UNPACKED_BYTES_MAX = 20_000_000
CHUNK_BYTES = 65_536
ROWS_MAX = 10_000
COLUMNS_BESIDE_MAX = 5
# Signed numbers are no formulas. To apostrophes that are a text's own one more comes and goes.
COMPUTED = re.compile(r"'*(?:[=@]|[+-](?!\d+([.,]\d+)?\Z))")


@dataclass
class TableOperation(OrderOperation):
    """An order whose body is a table."""

    def __post_init__(self) -> None:
        """Document the two kinds of file."""
        super().__post_init__()
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, content_encoding="binary"))
        self.request_body = RequestBody(content={CSV: file, XLSX: file}, required=True)


def read_table(media_type: str, body: bytes, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a file by column, its empty rows left out as empty dicts.

    Raises `Refused` (415) for another kind of file, (413) for one too big, (400) for one that
    cannot be read or has other columns.
    """
    if len(body) > BYTES_MAX:
        raise Refused("file_too_big", "Le fichier dépasse 5 Mo.", status=413)
    kind = media_type.partition(";")[0].strip().lower()
    if kind == CSV:
        found = _csv_rows(body)
    elif kind == XLSX:
        found = _xlsx_rows(body, len(columns) + COLUMNS_BESIDE_MAX)
    else:
        raise Refused("file_type", f"Le fichier est {CSV} ou {XLSX}.", status=415)
    head, *rows = found or [[]]
    missing = [name for name in columns if name not in head]
    unknown = [name for name in head if name and name not in columns]
    if missing or unknown:
        raise Refused(
            "columns",
            f"Colonnes manquantes : {', '.join(missing) or 'aucune'} ; "
            f"inconnues : {', '.join(unknown) or 'aucune'}.",
            status=400,
        )
    if len(rows) > ROWS_MAX:
        raise Refused("file_too_big", f"Le fichier dépasse {ROWS_MAX} lignes.", status=413)
    return [
        {name: value.strip() for name, value in zip(head, row, strict=False) if name}
        if any(value.strip() for value in row)
        else {}
        for row in rows
    ]


def table_response(
    rows: Iterable[Sequence[str]], columns: Sequence[str], file_format: Format, name: str
) -> Response[bytes]:
    """A file of these rows under these columns, to be saved under a name."""
    if file_format == "csv":
        return file_response(csv_file(rows, columns), CSV_UTF8, f"{name}.csv")
    return file_response(workbook({"Lignes": (columns, rows)}), XLSX, f"{name}.xlsx")


def file_response(content: bytes, media_type: str, file_name: str) -> Response[bytes]:
    """A file to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _csv_rows(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "file_unreadable", "Le fichier CSV n'est pas en UTF-8.", status=400
        ) from error
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [[_typed(cell) for cell in row] for row in islice(reader, ROWS_MAX + 2)]
    except csv.Error as error:
        raise Refused("file_unreadable", "Le fichier CSV ne se lit pas.", status=400) from error


def _xlsx_rows(body: bytes, columns_max: int) -> list[list[str]]:
    """The rows of the first sheet; a cell beyond the last column costs and gives nothing."""
    try:
        book = load_workbook(_unpacked(body), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(
            max_row=ROWS_MAX + 2, max_col=columns_max, values_only=True
        )
        return [["" if cell is None else _cell(cell) for cell in row] for row in rows]
    except Refused:
        raise
    except Exception as error:  # zip, XML and openpyxl each raise as they like
        raise Refused("file_unreadable", "Le fichier XLSX ne se lit pas.", status=400) from error


def _unpacked(body: bytes) -> io.BytesIO:
    """A workbook without compression: what reads it meets no more bytes than were counted here.

    What a member says of its own size is not believed. Raises `Refused` (413) for too many bytes,
    and what zipfile raises.
    """
    content, count = io.BytesIO(), 0
    with ZipFile(io.BytesIO(body)) as packed, ZipFile(content, "w") as plain:
        for member in packed.infolist():
            if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise BadZipFile(f"compression {member.compress_type}")
            no_doctype = _NoDoctype()
            with packed.open(member) as source, plain.open(ZipInfo(member.filename), "w") as target:
                while chunk := source.read(CHUNK_BYTES):
                    count += len(chunk)
                    if count > UNPACKED_BYTES_MAX:
                        detail = "Le classeur, décompressé, dépasse 20 Mo."
                        raise Refused("file_too_big", detail, status=413)
                    no_doctype.feed(chunk)
                    target.write(chunk)
    return content


class _NoDoctype:
    """Reads a member as XML and stops at a DOCTYPE, whose entities could grow without end."""

    def __init__(self) -> None:
        self._parser: expat.XMLParserType | None = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, chunk: bytes) -> None:
        """Raises `BadZipFile` at a DOCTYPE. A member that is no XML is not looked at further."""
        if self._parser is None:
            return
        try:
            self._parser.Parse(chunk)
        except (expat.ExpatError, LookupError, ValueError):
            self._parser = None

    def _refuse(self, *_: object) -> None:
        raise BadZipFile("a part of the workbook has a DOCTYPE")


def _cell(cell: object) -> str:
    """A cell as a person would type it: 9000.0 is 9000, and a day is ISO 8601."""
    if isinstance(cell, str):
        return cell
    return str(cell).removesuffix(".0").removesuffix(" 00:00:00")


def csv_file(rows: Iterable[Sequence[Cell]], columns: Sequence[str]) -> bytes:
    """A table for a French spreadsheet: semicolons, decimal commas, a mark of UTF-8.

    A text that a spreadsheet would compute has an apostrophe before it, as a person would type it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _csv_cell(cell: Cell) -> Cell:
    if isinstance(cell, Decimal):
        return str(cell).replace(".", ",")
    return f"'{cell}" if isinstance(cell, str) and COMPUTED.match(cell) else cell


def _typed(cell: str) -> str:
    """A cell of a CSV without the apostrophe that says that it is a text."""
    return cell[1:] if cell.startswith("'") and COMPUTED.match(cell) else cell


def workbook(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    """A workbook of these sheets by title, each with its head and its rows; amounts in euros.

    It is made in memory alone: where services run, nothing can be written.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, (head, rows) in sheets.items():
        sheet = book.create_sheet(title)
        for number, row in enumerate((head, *rows), start=1):
            for place, cell in enumerate(row, start=1):
                written = sheet.cell(number, place, cell)
                if isinstance(cell, Decimal):
                    written.number_format = EUROS
                if isinstance(cell, str):
                    written.data_type = "s"  # never a formula, whatever it begins with
        for place, name in enumerate(head, start=1):
            sheet.cell(1, place).font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(place)].width = max(14, len(name))
        sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
