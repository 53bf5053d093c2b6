"""The communes of France as INSEE numbers them, their groups (EPCI), and the codes they had before.

An EPCI is an établissement public de coopération intercommunale. The tables are read once, at the
first question, from `contracts/data/` (source, licence and vintage: `contracts/data/README.md`).
Populations are municipal ones; an absent one is unknown, a zero is real (villages destroyed in
1916 have no inhabitant). Each is that of one vintage: the tables keep no history.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

_DATA_DIRECTORY = Path(__file__).parent / "data"


class Commune(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A present commune, or an arrondissement municipal of Paris, Lyon or Marseille.

    `code` is INSEE's, `departement` the code of its département, `epci` the SIREN of its group,
    None where there is none. `population` is in inhabitants, None when unknown. `city` is the code
    of the city for an arrondissement, None for a commune.
    """

    code: str
    name: str
    departement: str
    epci: str | None
    population: int | None
    city: str | None


class UnknownEpciError(LookupError):
    """No EPCI of the register has this SIREN."""


def resolve(code: str) -> Commune | None:
    """The present commune or arrondissement of a code, old codes included; None if unknown.

    The codes of communes associées and déléguées, and those that communes had before, give the
    commune that holds the place today. A code that is both is the present commune's.
    """
    return all_communes().get(_present_codes().get(code, code))


@functools.cache
def all_communes() -> Mapping[str, Commune]:
    """Every present commune and every arrondissement by code, read-only, sorted by code.

    To add up populations, leave out the arrondissements (those with a `city`): their city counts
    them already.
    """
    return MappingProxyType(
        {
            code: Commune(
                code=code,
                name=name,
                departement=departement,
                epci=epci or None,
                population=int(population) if population else None,
                city=city or None,
            )
            for code, name, departement, epci, city, population in _rows("communes.tsv")
        }
    )


def arrondissements_of(code: str) -> tuple[str, ...]:
    """The codes of a city's arrondissements, sorted; none for any other place."""
    return _arrondissements().get(code, ())


def communes_of_epci(siren: str) -> tuple[Commune, ...]:
    """The communes of a group, sorted by code, without arrondissements.

    UnknownEpciError when the register has no such group.
    """
    epci_name(siren)
    return _epci_members()[siren]


def epci_name(siren: str) -> str:
    """The name of a group; UnknownEpciError when the register has no such group."""
    name = _epci_names().get(siren)
    if name is None:
        raise UnknownEpciError(f"no EPCI has the SIREN {siren!r}")
    return name


@functools.cache
def _arrondissements() -> Mapping[str, tuple[str, ...]]:
    of_city: defaultdict[str, list[str]] = defaultdict(list)
    for commune in all_communes().values():
        if commune.city is not None:
            of_city[commune.city].append(commune.code)
    return {city: tuple(codes) for city, codes in of_city.items()}


@functools.cache
def _epci_members() -> Mapping[str, tuple[Commune, ...]]:
    of_epci: defaultdict[str, list[Commune]] = defaultdict(list)
    for commune in all_communes().values():
        if commune.epci is not None and commune.city is None:
            of_epci[commune.epci].append(commune)
    return {siren: tuple(members) for siren, members in of_epci.items()}


@functools.cache
def _epci_names() -> Mapping[str, str]:
    return dict(_rows("epci.tsv"))


@functools.cache
def _present_codes() -> Mapping[str, str]:
    return dict(_rows("previous_codes.tsv"))


def _rows(name: str) -> Iterator[list[str]]:
    """The rows of a table, without its header."""
    text = (_DATA_DIRECTORY / name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.split("\n") if line and not line.startswith("#"))
