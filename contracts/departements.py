"""The départements of France: region, time zone and, for ever, their place in the table.

The place decides the partition that holds a département's events, so the table is append-only: a
row is never moved, removed or inserted before another; a new one goes at the end. Only names,
regions and time zones of a row may be corrected.

Codes, names and regions are those of INSEE's Code officiel géographique of 1 January 2026. The
table opens with `00` (national, or not known), then holds the 101 départements, then the eight
overseas collectivities and territories that have communes in that register; these have no region.
Two of them are simplified: French Polynesia has two more time zones (Marquesas, Gambier), and the
zone of Clipperton, where nobody lives, is its legal time, eight hours behind UTC.
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

NATIONAL: Final = "00"
PARIS_TIME: Final = "Europe/Paris"
COMMUNE_CODE_LENGTH: Final = 5


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A région: its INSEE code and French name."""

    code: str
    name: str


class Departement(msgspec.Struct, frozen=True, kw_only=True):
    """A département, a collectivity without one, or `00`.

    `index` is its place in the append-only table; `time_zone` is an IANA name; `region` is None
    for the overseas collectivities and for `00`.
    """

    index: int
    code: str
    name: str
    region: Region | None
    time_zone: str


class UnknownDepartementError(LookupError):
    """No département of the table has this code, or no département can hold this commune."""


REGION_NAMES: Final[Mapping[str, str]] = {
    "01": "Guadeloupe",
    "02": "Martinique",
    "03": "Guyane",
    "04": "La Réunion",
    "06": "Mayotte",
    "11": "Île-de-France",
    "24": "Centre-Val de Loire",
    "27": "Bourgogne-Franche-Comté",
    "28": "Normandie",
    "32": "Hauts-de-France",
    "44": "Grand Est",
    "52": "Pays de la Loire",
    "53": "Bretagne",
    "75": "Nouvelle-Aquitaine",
    "76": "Occitanie",
    "84": "Auvergne-Rhône-Alpes",
    "93": "Provence-Alpes-Côte d'Azur",
    "94": "Corse",
}

# Append only: code, name, code of the region, time zone. See the head of this module.
_ROWS: Final[tuple[tuple[str, str, str | None, str], ...]] = (
    (NATIONAL, "National ou inconnu", None, PARIS_TIME),
    ("01", "Ain", "84", PARIS_TIME),
    ("02", "Aisne", "32", PARIS_TIME),
    ("03", "Allier", "84", PARIS_TIME),
    ("04", "Alpes-de-Haute-Provence", "93", PARIS_TIME),
    ("05", "Hautes-Alpes", "93", PARIS_TIME),
    ("06", "Alpes-Maritimes", "93", PARIS_TIME),
    ("07", "Ardèche", "84", PARIS_TIME),
    ("08", "Ardennes", "44", PARIS_TIME),
    ("09", "Ariège", "76", PARIS_TIME),
    ("10", "Aube", "44", PARIS_TIME),
    ("11", "Aude", "76", PARIS_TIME),
    ("12", "Aveyron", "76", PARIS_TIME),
    ("13", "Bouches-du-Rhône", "93", PARIS_TIME),
    ("14", "Calvados", "28", PARIS_TIME),
    ("15", "Cantal", "84", PARIS_TIME),
    ("16", "Charente", "75", PARIS_TIME),
    ("17", "Charente-Maritime", "75", PARIS_TIME),
    ("18", "Cher", "24", PARIS_TIME),
    ("19", "Corrèze", "75", PARIS_TIME),
    ("21", "Côte-d'Or", "27", PARIS_TIME),
    ("22", "Côtes-d'Armor", "53", PARIS_TIME),
    ("23", "Creuse", "75", PARIS_TIME),
    ("24", "Dordogne", "75", PARIS_TIME),
    ("25", "Doubs", "27", PARIS_TIME),
    ("26", "Drôme", "84", PARIS_TIME),
    ("27", "Eure", "28", PARIS_TIME),
    ("28", "Eure-et-Loir", "24", PARIS_TIME),
    ("29", "Finistère", "53", PARIS_TIME),
    ("2A", "Corse-du-Sud", "94", PARIS_TIME),
    ("2B", "Haute-Corse", "94", PARIS_TIME),
    ("30", "Gard", "76", PARIS_TIME),
    ("31", "Haute-Garonne", "76", PARIS_TIME),
    ("32", "Gers", "76", PARIS_TIME),
    ("33", "Gironde", "75", PARIS_TIME),
    ("34", "Hérault", "76", PARIS_TIME),
    ("35", "Ille-et-Vilaine", "53", PARIS_TIME),
    ("36", "Indre", "24", PARIS_TIME),
    ("37", "Indre-et-Loire", "24", PARIS_TIME),
    ("38", "Isère", "84", PARIS_TIME),
    ("39", "Jura", "27", PARIS_TIME),
    ("40", "Landes", "75", PARIS_TIME),
    ("41", "Loir-et-Cher", "24", PARIS_TIME),
    ("42", "Loire", "84", PARIS_TIME),
    ("43", "Haute-Loire", "84", PARIS_TIME),
    ("44", "Loire-Atlantique", "52", PARIS_TIME),
    ("45", "Loiret", "24", PARIS_TIME),
    ("46", "Lot", "76", PARIS_TIME),
    ("47", "Lot-et-Garonne", "75", PARIS_TIME),
    ("48", "Lozère", "76", PARIS_TIME),
    ("49", "Maine-et-Loire", "52", PARIS_TIME),
    ("50", "Manche", "28", PARIS_TIME),
    ("51", "Marne", "44", PARIS_TIME),
    ("52", "Haute-Marne", "44", PARIS_TIME),
    ("53", "Mayenne", "52", PARIS_TIME),
    ("54", "Meurthe-et-Moselle", "44", PARIS_TIME),
    ("55", "Meuse", "44", PARIS_TIME),
    ("56", "Morbihan", "53", PARIS_TIME),
    ("57", "Moselle", "44", PARIS_TIME),
    ("58", "Nièvre", "27", PARIS_TIME),
    ("59", "Nord", "32", PARIS_TIME),
    ("60", "Oise", "32", PARIS_TIME),
    ("61", "Orne", "28", PARIS_TIME),
    ("62", "Pas-de-Calais", "32", PARIS_TIME),
    ("63", "Puy-de-Dôme", "84", PARIS_TIME),
    ("64", "Pyrénées-Atlantiques", "75", PARIS_TIME),
    ("65", "Hautes-Pyrénées", "76", PARIS_TIME),
    ("66", "Pyrénées-Orientales", "76", PARIS_TIME),
    ("67", "Bas-Rhin", "44", PARIS_TIME),
    ("68", "Haut-Rhin", "44", PARIS_TIME),
    ("69", "Rhône", "84", PARIS_TIME),
    ("70", "Haute-Saône", "27", PARIS_TIME),
    ("71", "Saône-et-Loire", "27", PARIS_TIME),
    ("72", "Sarthe", "52", PARIS_TIME),
    ("73", "Savoie", "84", PARIS_TIME),
    ("74", "Haute-Savoie", "84", PARIS_TIME),
    ("75", "Paris", "11", PARIS_TIME),
    ("76", "Seine-Maritime", "28", PARIS_TIME),
    ("77", "Seine-et-Marne", "11", PARIS_TIME),
    ("78", "Yvelines", "11", PARIS_TIME),
    ("79", "Deux-Sèvres", "75", PARIS_TIME),
    ("80", "Somme", "32", PARIS_TIME),
    ("81", "Tarn", "76", PARIS_TIME),
    ("82", "Tarn-et-Garonne", "76", PARIS_TIME),
    ("83", "Var", "93", PARIS_TIME),
    ("84", "Vaucluse", "93", PARIS_TIME),
    ("85", "Vendée", "52", PARIS_TIME),
    ("86", "Vienne", "75", PARIS_TIME),
    ("87", "Haute-Vienne", "75", PARIS_TIME),
    ("88", "Vosges", "44", PARIS_TIME),
    ("89", "Yonne", "27", PARIS_TIME),
    ("90", "Territoire de Belfort", "27", PARIS_TIME),
    ("91", "Essonne", "11", PARIS_TIME),
    ("92", "Hauts-de-Seine", "11", PARIS_TIME),
    ("93", "Seine-Saint-Denis", "11", PARIS_TIME),
    ("94", "Val-de-Marne", "11", PARIS_TIME),
    ("95", "Val-d'Oise", "11", PARIS_TIME),
    ("971", "Guadeloupe", "01", "America/Guadeloupe"),
    ("972", "Martinique", "02", "America/Martinique"),
    ("973", "Guyane", "03", "America/Cayenne"),
    ("974", "La Réunion", "04", "Indian/Reunion"),
    ("976", "Mayotte", "06", "Indian/Mayotte"),
    ("975", "Saint-Pierre-et-Miquelon", None, "America/Miquelon"),
    ("977", "Saint-Barthélemy", None, "America/St_Barthelemy"),
    ("978", "Saint-Martin", None, "America/Marigot"),
    ("984", "Terres australes et antarctiques françaises", None, "Indian/Kerguelen"),
    ("986", "Wallis et Futuna", None, "Pacific/Wallis"),
    ("987", "Polynésie française", None, "Pacific/Tahiti"),
    ("988", "Nouvelle-Calédonie", None, "Pacific/Noumea"),
    ("989", "Île de Clipperton", None, "Etc/GMT+8"),
)

DEPARTEMENTS: Final[tuple[Departement, ...]] = tuple(
    Departement(
        index=index,
        code=code,
        name=name,
        region=None if region is None else Region(code=region, name=REGION_NAMES[region]),
        time_zone=time_zone,
    )
    for index, (code, name, region, time_zone) in enumerate(_ROWS)
)


@functools.cache
def departements_by_code() -> Mapping[str, Departement]:
    """The table by code, read-only, in its own order."""
    return MappingProxyType({departement.code: departement for departement in DEPARTEMENTS})


def by_code(code: str) -> Departement:
    """The département of this code; UnknownDepartementError when the table has none."""
    departement = departements_by_code().get(code)
    if departement is None:
        raise UnknownDepartementError(f"no département has the code {code!r}")
    return departement


def partition_of(code: str, partitions: int) -> int:
    """The partition that holds this département's events, on a topic of so many partitions.

    With at least as many partitions as the table has rows, each département has its own.
    UnknownDepartementError when the table has no such code; ValueError below one partition.
    """
    if partitions < 1:
        raise ValueError(f"a topic has at least one partition, not {partitions}")
    return by_code(code).index % partitions


def departement_of_commune(code: str) -> str:
    """The code of the département that holds a present commune or arrondissement municipal.

    Read from the code alone: its first two characters, three overseas. Codes that communes had
    before may begin with another département's (20004 was Ajaccio, 75001 was Alfortville), so
    resolve them first with `contracts.communes.resolve`. UnknownDepartementError when the code is
    no commune's or begins with no département's.
    """
    departement = code[:3] if code.startswith(("97", "98")) else code[:2]
    if len(code) != COMMUNE_CODE_LENGTH or departement == NATIONAL:
        raise UnknownDepartementError(f"{code!r} is not the code of a commune")
    return by_code(departement).code


def parse_departements(told: str) -> tuple[str, ...]:
    """The codes of `01-19,2A,93`: single ones, and stretches in the order of the codes (`2A` and
    `2B` come between `29` and `30`, `971` after `95`).

    Raises UnknownDepartementError for a code that the table does not have and an empty stretch.
    """
    known = sorted(departements_by_code())
    chosen: list[str] = []
    for part in told.split(","):
        first, dash, last = (one.strip() for one in part.partition("-"))
        last = last if dash else first
        for code in (first, last):
            by_code(code)
        if first > last:
            raise UnknownDepartementError(f"{first}-{last} is empty: write {last}-{first}")
        chosen += [code for code in known if first <= code <= last]
    return tuple(dict.fromkeys(chosen))
