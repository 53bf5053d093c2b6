"""Files that people send: what is hostile or broken in one is refused, and costs little."""

import io
import struct
from collections.abc import Mapping
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.problems import Refused
from services.payments.http.tables import CSV, XLSX, csv_file, read_table, workbook

COLUMNS = ("ligne", "libelle")
SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SOUND = workbook({"Lignes": (COLUMNS, [("a", "un"), ("b", "deux")])})


def repacked(
    changes: Mapping[str, bytes | None] = {}, compression: int = ZIP_DEFLATED, level: int = 9
) -> bytes:
    """The sound workbook with some parts replaced, or left out."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(SOUND)) as old, ZipFile(out, "w", compression, True, level) as new:
        parts = {name: old.read(name) for name in old.namelist()} | changes
        for name, content in parts.items():
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def sheet(rows: str, before: str = "") -> dict[str, bytes | None]:
    text = f'{before}<worksheet xmlns="{NAMESPACE}"><sheetData>{rows}</sheetData></worksheet>'
    return {SHEET: text.encode()}


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "ligne")}{cell("B1", "libelle")}</row>'


def with_flag(content: bytes, flag: int) -> bytes:
    """Every member said to have a flag, 1 for encrypted."""
    changed = bytearray(content)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + place] |= flag
            at = changed.find(signature, at + 4)
    return bytes(changed)


def with_size_said(content: bytes, name: str, size: int) -> bytes:
    """A member said to be of another size than it is, in the directory that is believed."""
    changed = bytearray(content)
    at = changed.rfind(b"PK\x01\x02", 0, changed.rfind(name.encode()))
    struct.pack_into("<I", changed, at + 24, size)
    return bytes(changed)


def corrupted(content: bytes, name: str) -> bytes:
    """A member whose compressed bytes are none."""
    changed = bytearray(content)
    with ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo(name)
    begin = member.header_offset + 30 + len(name)
    changed[begin : begin + 8] = b"\xff" * 8
    return bytes(changed)


def reason_of(body: bytes, media_type: str = XLSX) -> str:
    with pytest.raises(Refused) as refused:
        read_table(media_type, body, COLUMNS)
    return refused.value.reason


def test_a_workbook_packed_in_another_way_is_read_as_it_was() -> None:
    rows = [{"ligne": "a", "libelle": "un"}, {"ligne": "b", "libelle": "deux"}]
    assert read_table(XLSX, repacked(), COLUMNS) == rows
    assert read_table(XLSX, SOUND, COLUMNS) == rows
    many = HEAD + f'<row r="2">{cell("A2", "a")}</row>'
    assert read_table(XLSX, repacked(sheet(many)), COLUMNS) == [{"ligne": "a", "libelle": ""}]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(with_flag(SOUND, 1), id="encrypted"),
        pytest.param(repacked(compression=ZIP_BZIP2, level=9), id="packed otherwise"),
        pytest.param(corrupted(repacked(), SHEET), id="corrupt deflate"),
        pytest.param(SOUND[: len(SOUND) // 2], id="cut"),
        pytest.param(b"PK", id="no zip"),
        pytest.param(repacked({SHEET: b"<worksheet"}), id="malformed XML"),
        pytest.param(repacked({SHEET: None}), id="a sheet that is not there"),
        pytest.param(repacked({"xl/workbook.xml": b"<a/>"}), id="no sheet"),
        pytest.param(
            repacked(
                {"xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}"><sheets/></workbook>'.encode()}
            ),
            id="no sheet at all",
        ),
        pytest.param(repacked(sheet('<row r="x"/>')), id="row number"),
        pytest.param(repacked(sheet(f'<row r="1">{cell("1A", "x")}</row>')), id="coordinate"),
        pytest.param(
            repacked(sheet('<row r="1"><c r="A1" t="s"><v>9</v></c></row>')), id="shared string"
        ),
        pytest.param(repacked(sheet('<row r="1"><c r="A1" t="n"><v>x</v></c></row>')), id="number"),
        pytest.param(repacked(sheet('<row r="1"><c r="A1" t="d"><v>x</v></c></row>')), id="day"),
        pytest.param(repacked(sheet('<row r="1"><c r="A1" s="x"/></row>')), id="attribute"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused(body: bytes) -> None:
    assert reason_of(body) == "file_unreadable"


def test_a_workbook_that_grows_when_unpacked_is_refused() -> None:
    padding = b" " * 25_000_000
    grown = repacked({"xl/sharedStrings.xml": b"<sst>" + padding + b"</sst>"})
    assert len(grown) < 100_000
    assert reason_of(grown) == "file_too_big"
    assert reason_of(repacked({"docProps/more.bin": padding})) == "file_too_big"
    # What is said to be small is not unpacked beyond what is said.
    assert reason_of(with_size_said(grown, "xl/sharedStrings.xml", 100)) == "file_unreadable"


def test_a_workbook_with_a_doctype_is_refused_in_any_encoding() -> None:
    doctype = '<!DOCTYPE worksheet [<!ENTITY e "libelle">]>'
    rows = HEAD.replace("libelle", "&e;")
    assert reason_of(repacked(sheet(rows, doctype))) == "file_unreadable"
    for encoding in ("utf-16", "cp037"):
        said = f'<?xml version="1.0" encoding="{encoding}"?>'
        (text,) = sheet(rows, said + doctype).values()
        assert text is not None
        body = repacked({SHEET: text.decode().encode(encoding)})
        assert reason_of(body) == "file_unreadable"


def test_a_cell_far_beyond_the_columns_costs_no_column() -> None:
    far = f'<row r="2">{cell("A2", "a")}{cell("XFD2", "loin")}</row>'
    head = HEAD.replace("</row>", f"{cell('XFD1', 'loin')}</row>")
    assert read_table(XLSX, repacked(sheet(head + far)), COLUMNS) == [{"ligne": "a", "libelle": ""}]
    near = HEAD.replace("</row>", f"{cell('G1', 'proche')}</row>")
    assert reason_of(repacked(sheet(near))) == "columns"


@pytest.mark.parametrize("body", [b"ligne;libelle\n" + b"a;b\n" * 10_001, b"\n" * 4_000_000])
def test_a_csv_of_too_many_rows_is_refused(body: bytes) -> None:
    assert reason_of(body, CSV) in ("file_too_big", "columns")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd|'calc'!A0", "'+cmd|'calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("'=1", "''=1"),
        ("-5", "-5"),
        ("-5,25", "-5,25"),
        ("a=b", "a=b"),
        ("'a", "'a"),
    ],
)
def test_no_text_of_a_csv_is_a_formula(cell: str, written: str) -> None:
    content = csv_file([(cell, "x")], COLUMNS)
    assert content.decode("utf-8-sig").split("\r\n")[1] == f"{written};x"


@given(st.lists(st.text("=+-@'1a,.;\"", max_size=6), min_size=1))
def test_the_cells_of_a_csv_are_read_again_as_they_were(cells: list[str]) -> None:
    content = csv_file([("x", cell) for cell in cells], COLUMNS)
    assert [row["libelle"] for row in read_table(CSV, content, COLUMNS)] == cells
