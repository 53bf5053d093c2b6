"""The oracle's half about files of contract lines: what their rows say, and which are refused.

Written from the rules; shares no code with the services.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import load_workbook

from deploy.local.demo.oracle_lines import Line, line_refusal

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = {
    *("ligne", "mission", "indicateur", "libelle", "mode", "maximum_euros", "valeur_initiale"),
    *("cible", "sens", "paliers", "documents", "reportee_de"),
}
MODES = {"tout_ou_rien": "all_or_nothing", "paliers": "steps", "lineaire": "linear"}
WAYS = {"hausse": False, "baisse": True, "": None}
DOCUMENTS = {"donnees_caisse", "emargement", "compte_rendu", "convention", "rapport", "autre"}
AMOUNT = re.compile(r"(\d+)(?:[,.](\d{1,2}))?")
Row = dict[str, str]


def rows_of(media_type: str, content: bytes) -> list[Row] | str:
    """The rows of a file that hold anything, by column; or how one ends that cannot be read."""
    if media_type not in (CSV, XLSX):
        return "file_type"
    try:
        head, *rows = _csv(content) if media_type == CSV else _xlsx(content)
    except Exception:  # noqa: BLE001 - zip, XML and codecs each raise as they like
        return "400"
    if {*head} != COLUMNS:
        return "400"
    return [dict(zip(head, row, strict=False)) for row in rows if any(row)]


def lines_of(rows: Sequence[Row], envelopes: Mapping[str, int]) -> dict[str, Line] | None:
    """The lines of a file by id; None when anything is wrong with one, or with all of a mission."""
    lines: dict[str, Line] = {}
    rewarded: set[tuple[str, str, int]] = set()
    totals = dict.fromkeys(envelopes, 0)
    for row in rows:
        try:
            line = _line(row)
        except (ValueError, KeyError):
            return None
        told = [one["threshold"] for one in line["steps"]] or [line["target"]]
        mission, indicator = line["mission"], line["indicator"]
        results = {(mission, indicator, value) for value in told}
        if line_refusal(line, indicator) or row["ligne"] in lines or results & rewarded:
            return None
        lines[row["ligne"]] = line
        rewarded |= results
        totals[mission] = totals.get(mission, 0) + line["max_cents"]
    is_above = any(totals[mission] > envelopes[mission] for mission in envelopes)
    return None if is_above else lines or None


def _csv(content: bytes) -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=";")]


def _xlsx(content: bytes) -> list[list[str]]:
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [
        ["" if cell is None else str(cell).strip() for cell in row]
        for row in sheet.iter_rows(values_only=True)
    ]


def _line(row: Row) -> Line:
    """A line as it would be ordered by itself. ValueError or KeyError for a cell that says nothing
    of its kind.
    """
    steps = [one.split(":") for one in row["paliers"].split("|") if one]
    documents = {one.strip() for one in row["documents"].split("|") if one}
    if not row["ligne"] or not documents <= DOCUMENTS:
        raise ValueError(row["ligne"])
    line: dict[str, Any] = {
        "mission": row["mission"],
        "indicator": row["indicateur"] or row["ligne"],
        "mode": MODES[row["mode"]],
        "max_cents": _cents(row["maximum_euros"]),
        "target": _count(row["cible"]),
        "baseline": _count(row["valeur_initiale"]),
        "is_lower_better": WAYS[row["sens"]],
        "steps": [
            {"threshold": int(threshold), "amount_cents": _cents(amount)}
            for threshold, amount in steps
        ],
    }
    return line


def _cents(text: str) -> int:
    found = AMOUNT.fullmatch(re.sub(r"\s", "", text))
    if found is None:
        raise ValueError(text)
    euros, cents = found.groups()
    return int(euros) * 100 + int((cents or "").ljust(2, "0"))


def _count(text: str) -> int | None:
    return int(text) if text else None
