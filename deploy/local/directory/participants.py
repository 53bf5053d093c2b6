"""The file of a SAS platform's participants, with the names that the platform's own code has."""

import csv
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from deploy.local.aci.asking import told
from deploy.local.directory.extracts import BadFile

ROLE = {"Acting-Role": "system"}
ANSWER_SECONDS = 120
COLUMNS = (
    *("rpps", "participation_sas", "participation_sas_via"),
    *("structure_finess", "date_accept_cgu"),
)
WAYS = {"1": "own_office", "2": "cpts", "3": "msp", "4": "sos"}
YES, NO = ("1", "true", "oui"), ("0", "false", "non", "")


class RowsInError(BadFile):
    """Rows of the file cannot be read; the message names each, in French."""


def read(path: Path) -> list[dict[str, Any]]:
    """Those who take part, as membership takes them. Raises `BadFile`, or OSError."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
        rows = list(csv.DictReader(lines, delimiter=";" if ";" in lines[0] else ","))
    except (UnicodeDecodeError, csv.Error, IndexError) as error:
        raise BadFile(f"{path} : n'est pas un CSV en UTF-8") from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise BadFile(f"{path} : les colonnes sont {', '.join(COLUMNS)}")
    found, wrong = [], []
    for line, row in enumerate(rows, start=2):
        try:
            participant = _participant(row)
        except ValueError as error:
            wrong.append(f"  ligne {line} : {error}")
            continue
        if participant is not None:
            found.append(participant)
    if wrong:
        raise RowsInError("\n".join([f"{path} : rien n'en est pris", *wrong]))
    return found


def send(
    url: str, platform: str, departements: list[str], listed_on: date, rows: list[dict[str, Any]]
) -> bool:
    """Give a list to membership at `url`, and print what came of it; answers whether it took it."""
    body = {"listed_on": str(listed_on), "departements": departements, "participants": rows}
    answer = httpx.put(
        f"{url}/sas-participants/{platform}",
        json=body,
        headers=ROLE,
        timeout=ANSWER_SECONDS,
        trust_env=False,
    )
    if not answer.is_success:
        print("\n".join(told(answer)))
        return False
    taken = answer.json()
    print(
        f"{platform} au {listed_on} : {taken['listed']} participants, {taken['recorded']} "
        f"participations vérifiées de plus, {taken['ended']} finies, "
        f"{taken['without_cpts']} sans CPTS"
    )
    return True


def _participant(row: dict[str, str]) -> dict[str, Any] | None:
    """A row; None when it says that somebody does not take part. Raises ValueError, in French."""
    takes_part = _cell(row, "participation_sas", lambda said: said.lower() in (*YES, *NO))
    if takes_part.lower() in NO:
        return None
    finess = _cell(row, "structure_finess", re.compile(r"(1?[0-9][0-9AB][0-9]{7})?").fullmatch)
    since = _cell(row, "date_accept_cgu", _is_day_or_empty)
    return {
        "rpps": _cell(row, "rpps", re.compile(r"8[0-9]{11}").fullmatch),
        "way": WAYS[_cell(row, "participation_sas_via", WAYS.__contains__)],
        "structure_finess": f"1{finess[-9:]}" if finess else None,
        "since_on": since or None,
    }


def _cell(row: dict[str, str], column: str, fits: Callable[[str], object]) -> str:
    said = (row[column] or "").strip()
    if not fits(said):
        raise ValueError(f"{column} est mal formé")
    return said


def _is_day_or_empty(said: str) -> bool:
    try:
        return not said or bool(date.fromisoformat(said))
    except ValueError:
        return False
