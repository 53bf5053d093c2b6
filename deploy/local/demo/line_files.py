"""Contract lines from files: two years whose lines are replaced whole, by a CSV and by a workbook;
files that are refused, for what is wrong with one row or with all of them.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZipFile, ZipInfo

from deploy.local.demo.evidence import CSV, PDF, XLSX
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft

SENT_AT = datetime(2025, 12, 29, 9, 0, tzinfo=PARIS)
FORETS, PLAINE = "95-trois-forets", "95-plaine-vallee"
NEXT_YEAR, RUNNING, SETTLED = date(2026, 1, 1), date(2025, 9, 15), date(2024, 9, 15)
COLUMNS = (
    *("ligne", "mission", "indicateur", "libelle", "mode", "maximum_euros", "valeur_initiale"),
    *("cible", "sens", "paliers", "documents", "reportee_de"),
)
ACCESS, QUALITY = "acces_aux_soins", "qualite_et_pertinence"
Row = tuple[str | int, ...]
DOCTORS: Row = (
    *("medecins", ACCESS, "sas_medecins_participants", "Médecins du SAS", "lineaire", "8 999,99"),
    *("", 30, "hausse", "", "donnees_caisse", ""),
)
DEMANDS: Row = (
    *("sas_demandes_avec_rdv", ACCESS, "", "", "paliers", "2500,50", "", "", ""),
    *("5:1000|9:2500,50", "", ""),
)
# Without a way of its own, a line has that of its indicator: fewer are better.
WITHOUT_DOCTOR: Row = (
    *("ald", ACCESS, "medecin_traitant_ald_sans", "", "paliers", 900, 219, "", ""),
    *("219:300 | 100:600 | 50:900", "", "2024-09-15"),
)
GROUPS: Row = (
    *("groupes", QUALITY, "qualite_reunions", "", "tout_ou_rien", 2000, "", 2, "", ""),
    *("compte_rendu | emargement", ""),
)
SECOND: Row = ("groupes-bis", *GROUPS[1:])


def line_files() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    desk = Desk(SENT_AT, "line-files")

    def send(
        cpts_id: str, year: date, content: bytes, media_type: str = CSV, role: str = "caisse"
    ) -> Draft:
        path = f"/cpts/{cpts_id}/contract-years/{year.isoformat()}/lines"
        more: dict[str, Any] = {"file": content, "media_type": media_type}
        return desk.payments("PUT", path, {}, role=role, **more)

    rows = [DOCTORS, DEMANDS, WITHOUT_DOCTOR]
    for media_type in (PDF, XLSX):
        yield send(FORETS, NEXT_YEAR, b"%PDF-1.7", media_type)
    yield send(FORETS, NEXT_YEAR, _csv(rows).encode("latin-1"))
    yield send(FORETS, NEXT_YEAR, _csv(rows).replace("cible", "but").encode())
    yield send(FORETS, NEXT_YEAR, _csv(rows).encode(), role="cpts")
    yield send("95-nulle-part", NEXT_YEAR, _csv(rows).encode())
    for wrong in (
        [],
        [*rows, _with(GROUPS, 1, "conquete_spatiale")],
        [*rows, _with(GROUPS, 5, "beaucoup")],
        [*rows, _with(GROUPS, 7, "")],
        [*rows, GROUPS, SECOND],
        [*rows, GROUPS, _with(SECOND, 0, "groupes")],
        [*rows, _with(_with(GROUPS, 1, ACCESS), 5, 90_000)],
    ):
        yield send(FORETS, NEXT_YEAR, _csv(wrong).encode())
    yield send(FORETS, NEXT_YEAR, _csv(rows).encode("utf-8-sig"))
    yield send(PLAINE, SETTLED, _csv(rows).encode())
    yield send(PLAINE, RUNNING, _workbook([DOCTORS, GROUPS, _with(GROUPS, 1, ACCESS)]), XLSX)
    yield send(PLAINE, RUNNING, _workbook([DOCTORS, (), DEMANDS, GROUPS]), XLSX)


def _with(row: Row, place: int, cell: str | int) -> Row:
    """The row with another cell."""
    return (*row[:place], cell, *row[place + 1 :])


def _csv(rows: Sequence[Row]) -> str:
    return "".join(";".join(map(str, row)) + "\n" for row in (COLUMNS, *rows))


def _workbook(rows: Sequence[Row]) -> bytes:
    """The rows as the one sheet of a workbook, the same bytes every time; numbers are numbers."""
    names = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{names}/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": _related(names, "officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": _related(names, "worksheet", "worksheets/sheet1.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{names}/spreadsheetml/2006/main" '
        f'xmlns:r="{names}/officeDocument/2006/relationships">'
        '<sheets><sheet name="Lignes" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{names}/spreadsheetml/2006/main">'
        f"<sheetData>{''.join(_sheet_row(row) for row in (COLUMNS, *rows))}</sheetData>"
        "</worksheet>",
    }
    out = io.BytesIO()
    with ZipFile(out, "w") as packed:
        for name, text in parts.items():
            packed.writestr(ZipInfo(name), text)
    return out.getvalue()


def _related(names: str, kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{names}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{names}/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
        "</Relationships>"
    )


def _sheet_row(row: Row) -> str:
    cells = (
        f"<c><v>{cell}</v></c>"
        if isinstance(cell, int)
        else f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        for cell in row
    )
    return f"<row>{''.join(cells)}</row>"
