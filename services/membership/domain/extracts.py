"""The public extracts of the national directory, read line by line: professionals and structures.

`PS_LibreAcces_Personne_activite` of the Annuaire Santé (ANS): UTF-8, `|` between the columns, their
names on the first line, one line for each activity of a professional. The names have changed in
case and wording over the years; only the columns that are read are looked for.

`etalab-cs1100502-stock` of FINESS: UTF-8, `;` between the columns, no names of them; the first line
tells the day (`finess;etalab;93;2026-05-12`), a line of an establishment begins with `structureet`.

Only numbers and codes are kept: no name, no address.
"""

import csv
import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

LINE_BYTES_MAX: Final = 16_384
REJECTIONS_MAX: Final = 10_000
"""With more rows in error it is not that extract, or a broken one: none of it is taken."""
SHRINKS_BELOW: Final = 2
"""A file with fewer than one row in so many of those that are there was probably cut short."""

_RPPS = re.compile(r"8[0-9]{11}")
_PROFESSION = re.compile(r"[0-9A-Z]{2}")
_SPECIALTY = re.compile(r"[A-Z0-9]{2,8}")
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_SIRET = re.compile(r"[0-9]{14}")
_NUMBER = re.compile(r"[0-9][0-9AB/-]{1,39}")
_CATEGORY = re.compile(r"[0-9]{3,4}")
_IS_RPPS = "8"
_IS_SPECIALTY = "S"
_COLUMNS = {
    "type": "type d'identifiant pp",
    "rpps": "identification nationale pp",
    "profession": "code profession",
    "skill_type": "code type savoir-faire",
    "skill": "code savoir-faire",
    "finess": "numéro finess site",
    "siret": "numéro siret site",
    "former_number": "ancien identifiant de la structure",
}
_FINESS_FIRST = "finess"
_ESTABLISHMENT = "structureet"
_ESTABLISHMENT_COLUMNS = {"finess": 1, "category": 18, "siret": 22}
_ESTABLISHMENT_COUNT_MIN = 31


class Kind(StrEnum):
    """Which extract a file is."""

    PROFESSIONALS = "professionals"
    STRUCTURES = "structures"


class Reason(StrEnum):
    """Why a row is not taken."""

    NOT_UTF_8 = "not_utf_8"
    TOO_LONG = "too_long"
    WRONG_COLUMN_COUNT = "wrong_column_count"
    MISSING = "missing"
    MALFORMED = "malformed"


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not taken; the column by its name here, none when it is the whole row."""

    reason: Reason
    field: str | None = None


class NotThatExtract(ValueError):  # noqa: N818 - a sentence about the file
    """The first line is not one of that extract; the message says in French what is missing."""


Row = tuple[str | None, ...]
Reader = Callable[[bytes], Row | Rejected | None]
"""What a line says: its row, why it is not taken, or None for what is of no interest here."""


class Extract(msgspec.Struct, frozen=True):
    """How the lines after the first are read, and the day that the first one tells."""

    read: Reader
    taken_on: date | None = None


class _Bad(Exception):  # noqa: N818 - a row in error, told as `Rejected`
    def __init__(self, reason: Reason, column: str | None = None) -> None:
        super().__init__(reason)
        self.rejected = Rejected(reason=reason, field=column)


def columns_of(kind: Kind) -> tuple[str, ...]:
    """The columns that a row of an extract gives, in order."""
    if kind is Kind.PROFESSIONALS:
        return ("rpps", "profession", "specialty", "finess", "siret", "former_number")
    return ("finess", "siret", "category")


def open_extract(kind: Kind, first_line: bytes) -> Extract:
    """How an extract is read, by its first line. Raises `NotThatExtract`."""
    try:
        text = first_line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise NotThatExtract("Le fichier n'est pas en UTF-8.") from error
    return _open_professionals(text) if kind is Kind.PROFESSIONALS else _open_structures(text)


def _open_professionals(first: str) -> Extract:
    names = [name.strip().lower().replace("\u2019", "'") for name in first.split("|")]
    missing = [name for name in _COLUMNS.values() if name not in names]
    if missing:
        raise NotThatExtract(f"Il manque à la première ligne : {', '.join(missing)}.")
    places = {column: names.index(name) for column, name in _COLUMNS.items()}
    count_min = len(names) - (not names[-1])

    def read(line: bytes) -> Row | Rejected | None:
        try:
            return _activity(_cells(line, count_min), places)
        except _Bad as bad:
            return bad.rejected

    return Extract(read)


def _cells(line: bytes, count_min: int) -> list[str]:
    cells = _text(line).split("|")
    if len(cells) < count_min:
        raise _Bad(Reason.WRONG_COLUMN_COUNT)
    return cells


def _activity(cells: list[str], places: Mapping[str, int]) -> Row | None:
    told = {column: cells[place].strip() for column, place in places.items()}
    if told["type"] and told["type"] != _IS_RPPS:
        return None
    is_specialty = told["skill_type"] == _IS_SPECIALTY
    return (
        _fit(told, "rpps", _RPPS),
        _fit(told, "profession", _PROFESSION),
        _fit_or_none(told, "skill", _SPECIALTY) if is_specialty else None,
        _fit_or_none(told, "finess", _FINESS),
        _fit_or_none(told, "siret", _SIRET),
        _fit_or_none(told, "former_number", _NUMBER),
    )


def _open_structures(first: str) -> Extract:
    cells = first.split(";")
    if cells[0] != _FINESS_FIRST:
        raise NotThatExtract("La première ligne d'un extrait FINESS commence par « finess; ».")
    days = [cell for cell in cells if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell)]
    try:
        taken_on = date.fromisoformat(days[0]) if days else None
    except ValueError as error:
        raise NotThatExtract(f"« {days[0]} » n'est pas un jour.") from error
    return Extract(_read_structure, taken_on)


def _read_structure(line: bytes) -> Row | Rejected | None:
    try:
        text = _text(line)
        cells = next(csv.reader([text], delimiter=";")) if '"' in text else text.split(";")
        if cells[0] != _ESTABLISHMENT:
            return None
        if len(cells) < _ESTABLISHMENT_COUNT_MIN:
            return Rejected(reason=Reason.WRONG_COLUMN_COUNT)
        told = {column: cells[at].strip() for column, at in _ESTABLISHMENT_COLUMNS.items()}
        return (
            _fit(told, "finess", _FINESS),
            _fit_or_none(told, "siret", _SIRET),
            _fit(told, "category", _CATEGORY),
        )
    except _Bad as bad:
        return bad.rejected


def _text(line: bytes) -> str:
    if len(line) > LINE_BYTES_MAX:
        raise _Bad(Reason.TOO_LONG)
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _Bad(Reason.NOT_UTF_8) from error


def _fit(told: Mapping[str, str], column: str, pattern: re.Pattern[str]) -> str:
    value = told[column]
    if not value:
        raise _Bad(Reason.MISSING, column)
    if not pattern.fullmatch(value):
        raise _Bad(Reason.MALFORMED, column)
    return value


def _fit_or_none(told: Mapping[str, str], column: str, pattern: re.Pattern[str]) -> str | None:
    return _fit(told, column, pattern) if told[column] else None
