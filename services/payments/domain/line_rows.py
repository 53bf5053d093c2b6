"""Contract lines as rows of a table that people fill in: French columns, amounts in euros.

A row is read whole: everything that is wrong with it is told, not its first error alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.days import is_possible
from contracts.events.payments import LineMode, Step
from contracts.indicators import indicators
from services.payments.domain.lines import Document, Line
from services.payments.domain.scale import MISSIONS

COLUMNS = (
    *("ligne", "mission", "indicateur", "libelle", "mode", "maximum_euros", "valeur_initiale"),
    *("cible", "sens", "paliers", "documents", "reportee_de"),
)
MODES: Mapping[str, LineMode] = {
    "tout_ou_rien": "all_or_nothing",
    "paliers": "steps",
    "lineaire": "linear",
}
WAYS = {"hausse": False, "baisse": True}
DOCUMENTS: Mapping[str, Document] = {
    "donnees_caisse": Document.CAISSE_DATA,
    "emargement": Document.ATTENDANCE_SHEET,
    "compte_rendu": Document.MINUTES,
    "convention": Document.AGREEMENT,
    "rapport": Document.REPORT,
    "autre": Document.OTHER,
}
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
EUROS = re.compile(r"([0-9]{1,11})(?:[.,]([0-9]{1,2}))?")
LABEL_LENGTH_MAX = 200
FIRST_ROW = 2  # after the names of the columns
CENTS_MAX = 10**12
COUNT_MAX = 10**9


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line, and the row of the table that it was read from."""

    number: int
    line: Line


class RowError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a row, as a French sentence; `column` is None when it is the whole row."""

    row: int
    column: str | None
    detail: str


def lines_of(table: Sequence[Mapping[str, str]], rows_max: int) -> tuple[list[Row], list[RowError]]:
    """The lines of a table, and all that cannot be read in it; empty rows are passed over."""
    rows: list[Row] = []
    errors: list[RowError] = []
    for number, cells in enumerate(table, start=FIRST_ROW):
        if not cells:
            continue
        read = _Cells(number, cells)
        line = _line(read)
        errors += read.errors
        if line is not None:
            rows.append(Row(number=number, line=line))
    if not rows and not errors:
        errors.append(RowError(row=FIRST_ROW, column=None, detail="Le fichier n'a aucune ligne."))
    if len(rows) > rows_max:
        detail = f"Une année de contrat a au plus {rows_max} lignes."
        errors.append(RowError(row=rows[-1].number, column=None, detail=detail))
    return rows, errors


def rows_of(lines: Iterable[Line]) -> list[tuple[str, ...]]:
    """The rows of a table from which the same lines are read again."""
    modes = {mode: word for word, mode in MODES.items()}
    documents = {str(document): word for word, document in DOCUMENTS.items()}
    return [
        (
            line.line_id,
            line.mission,
            line.indicator,
            line.line_label,
            modes[line.mode],
            _euros(line.max_cents),
            _shown(line.baseline),
            _shown(line.target),
            "baisse" if line.is_lower_better else "hausse",
            " | ".join(f"{one.threshold}:{_euros(one.amount_cents)}" for one in line.steps),
            " | ".join(documents[one] for one in line.documents),
            _shown(line.carried_over_from_on),
        )
        for line in lines
    ]


class _Cells:
    """The cells of one row while they are read; what cannot be is told in `errors`.

    They name row and column and never repeat the cell: answers are kept, and people paste anything.
    """

    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self._number, self._cells = number, cells
        self.errors: list[RowError] = []

    def read(self, column: str, parse: Callable[[str], Any], expected: str) -> Any:
        """What a cell holds; None when it is empty or cannot be read."""
        text = self._cells.get(column, "")
        if not text:
            return None
        try:
            return parse(text)
        except (ValueError, KeyError):
            detail = f"La cellule doit contenir {expected}."
            self.errors.append(RowError(row=self._number, column=column, detail=detail))
            return None

    def need(self, column: str, parse: Callable[[str], Any], expected: str) -> Any:
        """What a cell holds, which must not be empty."""
        if not self._cells.get(column):
            detail = f"La cellule est vide ; elle doit contenir {expected}."
            self.errors.append(RowError(row=self._number, column=column, detail=detail))
            return None
        return self.read(column, parse, expected)


def _line(cells: _Cells) -> Line | None:
    line_id = cells.need("ligne", _id, "un identifiant de lettres, chiffres, . _ : ou -")
    mission = cells.need("mission", _one_of(MISSIONS), f"l'une de {', '.join(MISSIONS)}")
    indicator = cells.read("indicateur", _id, "le code d'un indicateur") or line_id
    mode = cells.need("mode", MODES.__getitem__, f"l'un de {', '.join(MODES)}")
    max_cents = cells.need("maximum_euros", _cents, "un montant en euros, comme 9000 ou 1250,50")
    label = cells.read("libelle", _label, f"au plus {LABEL_LENGTH_MAX} caractères") or ""
    baseline = cells.read("valeur_initiale", _count, "un nombre entier")
    target = cells.read("cible", _count, "un nombre entier")
    steps = cells.read("paliers", _steps, "des paliers « seuil:euros » séparés par |")
    documents = cells.read("documents", _documents, f"{', '.join(DOCUMENTS)}, séparés par |")
    carried = cells.read("reportee_de", _day, "un jour, comme 2025-04-15")
    is_lower_better = cells.read("sens", WAYS.__getitem__, "hausse ou baisse")
    if cells.errors:
        return None
    known = indicators().get(indicator)
    if is_lower_better is None:
        is_lower_better = known is not None and known.direction == "down"
    return Line(
        mission=mission,
        indicator=indicator,
        mode=mode,
        max_cents=max_cents,
        target=target,
        steps=steps or (),
        line_id=line_id,
        line_label=label,
        baseline=baseline,
        is_lower_better=is_lower_better,
        documents=documents or (),
        carried_over_from_on=carried,
    )


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ValueError(text)
    return text


def _one_of(words: Iterable[str]) -> Callable[[str], str]:
    known = frozenset(words)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return parse


def _label(text: str) -> str:
    if len(text) > LABEL_LENGTH_MAX or not text.isprintable():
        raise ValueError(text)
    return text


def _cents(text: str) -> int:
    """Cents of an amount in euros, with a comma or a point and at most two decimals."""
    found = EUROS.fullmatch(re.sub(r"[\s\u00a0\u202f€]", "", text))
    if found is None:
        raise ValueError(text)
    euros, cents = found.groups()
    amount_cents = int(euros) * 100 + int((cents or "").ljust(2, "0"))
    if amount_cents > CENTS_MAX:
        raise ValueError(text)
    return amount_cents


def _count(text: str) -> int:
    count = int(re.sub(r"[\s\u00a0\u202f]", "", text))
    if abs(count) > COUNT_MAX:
        raise ValueError(text)
    return count


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not is_possible(day):
        raise ValueError(text)
    return day


def _steps(text: str) -> tuple[Step, ...]:
    pairs = (part.split(":") for part in text.split("|"))
    return tuple(
        Step(threshold=_count(threshold), amount_cents=_cents(amount))
        for threshold, amount in pairs
    )


def _documents(text: str) -> tuple[str, ...]:
    return tuple(str(DOCUMENTS[part.strip()]) for part in text.split("|"))


def _euros(cents: int) -> str:
    euros, rest = divmod(cents, 100)
    return f"{euros},{rest:02}" if rest else str(euros)


def _shown(value: object) -> str:
    return "" if value is None else str(value)
