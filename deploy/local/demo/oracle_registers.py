"""The oracle's half about registers: the commune behind a code, its people, its time; professions.

It reads the tables themselves (`contracts/data/`), and shares no code with the services.
"""

import csv
import functools
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

TABLES = Path(__file__).parents[3] / "contracts" / "data"
PARIS = ZoneInfo("Europe/Paris")
# Where it is another time than in Paris, by département or collectivity.
ELSEWHERE = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "984": "Indian/Kerguelen",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
    "989": "Etc/GMT+8",
}


@dataclass(frozen=True)
class Commune:
    """A present commune, or an arrondissement with its `city`; a `population` may be unknown."""

    code: str
    departement: str
    city: str | None
    population: int | None

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        elsewhere = ELSEWHERE.get(self.departement)
        return ZoneInfo(elsewhere) if elsewhere else PARIS


def resolve(code: str) -> Commune | None:
    """The present commune of a present or former code; None when the register has neither."""
    communes, present = _registers()
    return communes.get(code) or communes.get(present.get(code, ""))


@functools.cache
def _registers() -> tuple[dict[str, Commune], dict[str, str]]:
    communes = {
        code: Commune(code, departement, city or None, int(people) if people else None)
        for code, _name, departement, _epci, city, people in _rows("communes.tsv")
    }
    return communes, dict(_rows("previous_codes.tsv"))


@functools.cache
def professions() -> frozenset[str]:
    """The code of each profession of health."""
    return frozenset(code for code, _label in _rows("professions.tsv"))


@functools.cache
def departements() -> frozenset[str]:
    """The code of each département that has communes."""
    communes, _ = _registers()
    return frozenset(commune.departement for commune in communes.values())


def _rows(name: str) -> list[list[str]]:
    lines = (TABLES / name).read_text("utf-8").splitlines()
    return list(csv.reader((line for line in lines if line[0] != "#"), csv.excel_tab))
