"""Where each CPTS stands on a day, and how many stand where: as the national counts say it."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """How far a CPTS has come, by the names of the national counts."""

    EMERGENCE = "emergence"
    LETTRE_INTENTION = "lettre_intention"
    PROJET_DE_SANTE = "projet_de_sante"
    ACI = "aci"
    MERGED = "merged"


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From a day to a day, both included."""

    from_on: date
    to_on: date


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """The days on which a CPTS took its steps, as they are known now; None for one not taken.

    `contracts` run from the signature of an ACI to its last day.
    """

    cpts_id: str
    departement: str
    emerged_on: date
    lettre_validated_on: date | None = None
    projet_validated_on: date | None = None
    contracts: tuple[Period, ...] = ()
    merged_on: date | None = None


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What the CPTS that stand at a stage cover of a département: communes, and their people."""

    departement: str
    cpts_id: str
    communes: frozenset[str]
    inhabitants: int


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The CPTS of a place by stage (by their seat), and what is covered of it by any CPTS.

    `share_basis_points` are ten-thousandths of `population`; None where nobody is known to live.
    """

    cpts: dict[Stage, int]
    contracts: int
    communes: int
    inhabitants: int
    communes_under_contract: int
    inhabitants_under_contract: int
    population: int
    share_basis_points: int | None
    share_under_contract_basis_points: int | None


def stage_on(steps: Steps, day: date) -> Stage | None:
    """The stage of a CPTS on a day; None before it was one. An ACI that ended leaves its projet."""
    if steps.merged_on is not None and steps.merged_on <= day:
        return Stage.MERGED
    if any(period.from_on <= day <= period.to_on for period in steps.contracts):
        return Stage.ACI
    if steps.projet_validated_on is not None and steps.projet_validated_on <= day:
        return Stage.PROJET_DE_SANTE
    if steps.lettre_validated_on is not None and steps.lettre_validated_on <= day:
        return Stage.LETTRE_INTENTION
    return Stage.EMERGENCE if steps.emerged_on <= day else None


def count(
    steps: Iterable[Steps],
    covered: Iterable[Covered],
    populations: Mapping[str, int],
    day: date,
) -> dict[str, Count]:
    """The count of each département that has inhabitants or a CPTS, on a day.

    `populations` are inhabitants by département; `covered` what each CPTS has of each on that day.
    """
    stages = {one.cpts_id: (one.departement, stage_on(one, day)) for one in steps}
    found: dict[str, Count] = {}
    pieces = list(covered)
    for departement in sorted({*populations, *(where for where, _ in stages.values())}):
        here = [
            one
            for one in pieces
            if one.departement == departement
            and stages.get(one.cpts_id, ("", None))[1] not in (None, Stage.MERGED)
        ]
        found[departement] = _count(
            [stage for where, stage in stages.values() if where == departement and stage],
            here,
            [one for one in here if stages[one.cpts_id][1] is Stage.ACI],
            populations.get(departement, 0),
        )
    return found


def add(counts: Iterable[Count]) -> Count:
    """The count of several départements together: no commune is in two."""
    parts = list(counts)
    return _shared(
        cpts={stage: sum(one.cpts[stage] for one in parts) for stage in Stage},
        communes=sum(one.communes for one in parts),
        inhabitants=sum(one.inhabitants for one in parts),
        communes_under_contract=sum(one.communes_under_contract for one in parts),
        inhabitants_under_contract=sum(one.inhabitants_under_contract for one in parts),
        population=sum(one.population for one in parts),
    )


def _count(
    stages: list[Stage], covered: list[Covered], under_contract: list[Covered], population: int
) -> Count:
    return _shared(
        cpts={stage: stages.count(stage) for stage in Stage},
        communes=len(_communes(covered)),
        inhabitants=sum(one.inhabitants for one in covered),
        communes_under_contract=len(_communes(under_contract)),
        inhabitants_under_contract=sum(one.inhabitants for one in under_contract),
        population=population,
    )


def _shared(
    *,
    cpts: dict[Stage, int],
    communes: int,
    inhabitants: int,
    communes_under_contract: int,
    inhabitants_under_contract: int,
    population: int,
) -> Count:
    return Count(
        cpts=cpts,
        contracts=cpts[Stage.ACI],
        communes=communes,
        inhabitants=inhabitants,
        communes_under_contract=communes_under_contract,
        inhabitants_under_contract=inhabitants_under_contract,
        population=population,
        share_basis_points=_share(inhabitants, population),
        share_under_contract_basis_points=_share(inhabitants_under_contract, population),
    )


def _communes(covered: list[Covered]) -> set[str]:
    return {commune for one in covered for commune in one.communes}


def _share(part: int, whole: int) -> int | None:
    return 10_000 * part // whole if whole else None
