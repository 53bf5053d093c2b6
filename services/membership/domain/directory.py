"""What orders name beside what the national directory says of it.

The directory may be missing here, or a day late, and is wrong at times: what it does not know or
contradicts is a warning, never a refusal (ADR 0031). Without an extract nothing is said.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from services.membership.domain.structures import StructureKind


class Difference(StrEnum):
    """What the directory does not know, or says otherwise."""

    RPPS_UNKNOWN = "rpps_unknown"
    PROFESSION_DIFFERS = "profession_differs"
    SPECIALTY_DIFFERS = "specialty_differs"
    PLACE_DIFFERS = "place_differs"
    STRUCTURE_UNKNOWN = "structure_unknown"
    CATEGORY_DIFFERS = "category_differs"
    SIRET_DIFFERS = "siret_differs"


_LABELS: Final = {
    Difference.RPPS_UNKNOWN: "L'annuaire ne connaît pas ce numéro RPPS",
    Difference.PROFESSION_DIFFERS: "L'annuaire donne à ce professionnel une autre profession",
    Difference.SPECIALTY_DIFFERS: "L'annuaire ne donne pas cette spécialité à ce professionnel",
    Difference.PLACE_DIFFERS: "L'annuaire ne connaît pas d'activité du professionnel en ce lieu",
    Difference.STRUCTURE_UNKNOWN: "FINESS ne connaît pas ce numéro",
    Difference.CATEGORY_DIFFERS: "FINESS donne à cette structure une autre catégorie",
    Difference.SIRET_DIFFERS: "FINESS donne à cette structure un autre SIRET",
}

CPTS: Final = "cpts"
# TRE_R66-CategorieEtablissement, where one category alone fits.
_CATEGORIES: Final = {CPTS: "604", StructureKind.MSP: "603", StructureKind.CDS: "124"}
# Who works there has it as a place; members of a team have places of their own.
EMPLOYERS: Final = frozenset(
    {StructureKind.CDS, StructureKind.ETABLISSEMENT_DE_SANTE, StructureKind.ESMS}
)


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: what is said here, and all that the directory says instead."""

    reason: Difference
    label: str
    said: str
    in_directory: Sequence[str] = ()


class KnownProfessional(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory says of an RPPS; `places` are numbers with their prefix (IDNST)."""

    professions: frozenset[str]
    specialties: frozenset[str]
    places: frozenset[str]


class KnownStructure(msgspec.Struct, frozen=True, kw_only=True):
    """What FINESS says of a number; it may be there twice."""

    categories: frozenset[str]
    sirets: frozenset[str]


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the professionals and structures asked for; None where no extract is."""

    professionals: dict[str, KnownProfessional] | None = None
    structures: dict[str, KnownStructure] | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A professional as an order names them, with what it says of them.

    `place` are the numbers of one place, with their prefixes: FINESS `1…`, SIRET `3…`, rang `4…`.
    """

    rpps: str
    profession: str | None = None
    specialties: Sequence[str] = ()
    place: Sequence[str] = ()


class NamedStructure(msgspec.Struct, frozen=True, kw_only=True):
    """A structure as an order names it, its FINESS with the prefix `1`; a CPTS is a `cpts`."""

    kind: str
    finess: str | None
    siret: str | None = None


def about_professional(directory: Directory, named: Named) -> list[Warned]:
    """What the directory does not know of a professional, or says otherwise."""
    if directory.professionals is None:
        return []
    known = directory.professionals.get(named.rpps)
    if known is None:
        return [_warned(Difference.RPPS_UNKNOWN, named.rpps)]
    found = []
    if named.profession and named.profession not in known.professions:
        found.append(_warned(Difference.PROFESSION_DIFFERS, named.profession, known.professions))
    found += [
        _warned(Difference.SPECIALTY_DIFFERS, one, known.specialties)
        for one in named.specialties
        if one not in known.specialties
    ]
    if named.place and not known.places & set(named.place):
        found.append(_warned(Difference.PLACE_DIFFERS, named.place[0], known.places))
    return found


def about_structure(directory: Directory, named: NamedStructure) -> list[Warned]:
    """What FINESS does not know of a structure, or says otherwise."""
    if directory.structures is None or named.finess is None:
        return []
    known = directory.structures.get(named.finess)
    if known is None:
        return [_warned(Difference.STRUCTURE_UNKNOWN, named.finess)]
    found = []
    category = _CATEGORIES.get(named.kind)
    if category and category not in known.categories:
        found.append(_warned(Difference.CATEGORY_DIFFERS, category, known.categories))
    if named.siret and known.sirets and named.siret not in known.sirets:
        found.append(_warned(Difference.SIRET_DIFFERS, named.siret, known.sirets))
    return found


def place_in(kind: str | None, finess: str | None, siret: str | None) -> tuple[str, ...]:
    """The numbers under which those who work in a structure have it as a place, if they do."""
    if kind not in EMPLOYERS:
        return ()
    return tuple(number for number in (finess, f"3{siret}" if siret else None) if number)


def _warned(reason: Difference, said: str, known: Collection[str] = ()) -> Warned:
    return Warned(
        reason=reason, label=_LABELS[reason], said=said, in_directory=tuple(sorted(known))
    )
