"""The ACI (accord conventionnel interprofessionnel): its contract years, and each one's taille.

A contract year runs from an anniversary of the ACI's first day to the eve of the next. Its taille
comes from the territory's population on its first day, and is never changed once it has begun.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from contracts.events.membership import (
    AciSigned,
    ContractYear,
    Signature,
    TailleDetermined,
    Termination,
    TerritoryPlaceRecorded,
)
from services.membership.domain import Cpts, have_common_day, is_on
from services.membership.domain.calendar import MONTHS, months_after
from services.membership.domain.parameters import Parameters, taille_of
from services.membership.domain.projet import Outcome, Projet
from services.membership.domain.refusals import Reason, Refusal, already_exists, runs_on_refusal


class TerminationReason(StrEnum):
    """Why an ACI ends before its term."""

    DEADLINES_MISSED = "deadlines_missed"
    MISSIONS_NOT_CARRIED_OUT = "missions_not_carried_out"
    AT_THE_REQUEST_OF_THE_CPTS = "at_the_request_of_the_cpts"
    DISSOLUTION = "dissolution"


class AciAsked(msgspec.Struct, frozen=True, kw_only=True):
    """An ACI to sign for `years` contract years from `starts_on`."""

    aci_id: str
    signed_on: date
    starts_on: date
    years: int
    signatures: tuple[Signature, ...] = ()


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """Inhabitants of a territory on a day; `unknown` are the communes that `total` leaves out."""

    total: int
    unknown: tuple[str, ...]
    places: int


def contract_years(starts_on: date, years: int) -> tuple[ContractYear, ...]:
    """So many contract years from anniversary to anniversary.

    The anniversary of 29 February is 28 February in common years, and 29 February again in leap
    years.
    """
    firsts = [months_after(starts_on, MONTHS * ordinal) for ordinal in range(years + 1)]
    return tuple(
        ContractYear(starts_on=first, ends_on=following - timedelta(days=1))
        for first, following in itertools.pairwise(firsts)
    )


def population_on(territory: Iterable[TerritoryPlaceRecorded], day: date) -> Population:
    """The population of the present entries that hold on a day."""
    held = [
        entry
        for entry in territory
        if not entry.is_withdrawn and is_on(day, entry.from_on, entry.to_on)
    ]
    return Population(
        total=sum(entry.population or 0 for entry in held),
        unknown=tuple(sorted({entry.commune for entry in held if entry.population is None})),
        places=len(held),
    )


def sign_aci(
    cpts: Cpts,
    asked: AciAsked,
    *,
    first_event: AciSigned | None,
    signed: Iterable[AciSigned],
    territory: Sequence[TerritoryPlaceRecorded],
    projets: Sequence[Projet],
    parameters: Parameters,
) -> list[AciSigned | TailleDetermined] | Refusal:
    """The ACI, then the taille of each contract year; empty when this ACI is signed already.

    `first_event` is the ACI's own first event, `signed` the present state of the CPTS's ACI,
    `territory` its present entries, `projets` its projets de santé: where some are known, one of
    them is validated by the day of the signature. A contract year on whose first day the territory
    is empty (but for the first, which is refused) has no inhabitant: taille 1.
    """
    aci = _aci(cpts, asked, is_withdrawn=False)
    if first_event is not None:
        return [] if first_event == aci else already_exists("L'ACI", asked.aci_id)
    refusal = (
        runs_on_refusal(cpts, aci.contract_years[-1].ends_on)
        or _refusal_of_signature(cpts, aci, projets)
        or _refusal_of_years(cpts, aci, signed, {}, territory)
    )
    if refusal is not None:
        return refusal
    return [aci, *_determine_missing(aci, {}, territory, parameters)]


def correct_aci(
    cpts: Cpts,
    asked: AciAsked,
    *,
    is_withdrawn: bool,
    present: AciSigned,
    signed: Iterable[AciSigned],
    determined: Mapping[date, TailleDetermined],
    territory: Sequence[TerritoryPlaceRecorded],
    today: date,
    parameters: Parameters,
) -> list[AciSigned | TailleDetermined] | Refusal:
    """The ACI's other dates, then the tailles that they call for; empty when nothing changes.

    `determined` holds the present taille by a year's first day. A withdrawn ACI has no contract
    year. A taille that is determined stays once its year has begun; a year that begins after
    `today` takes the territory's present population.
    """
    aci = _aci(cpts, asked, is_withdrawn=is_withdrawn)
    if aci == present:
        return []
    if is_withdrawn:
        return [aci]
    refusal = runs_on_refusal(cpts, aci.contract_years[-1].ends_on) or _refusal_of_years(
        cpts, aci, signed, determined, territory
    )
    if refusal is not None:
        return refusal
    missing = _determine_missing(aci, determined, territory, parameters)
    again = determine_again(
        cpts.cpts_id,
        signed=[aci],
        determined={**determined, **{event.contract_year_starts_on: event for event in missing}},
        territory=territory,
        today=today,
        parameters=parameters,
    )
    return [aci, *missing, *again]


def terminate(aci: AciSigned, ended_on: date, reason: str) -> AciSigned | Refusal | None:
    """The ACI ended before its term, on a day of it; None when it ended so already.

    To undo it, correct the ACI.
    """
    if reason not in tuple(TerminationReason):
        return Refusal(
            reason=Reason.UNKNOWN_TERMINATION_REASON,
            detail=f"Motif inconnu : {reason}. Connus : {', '.join(TerminationReason)}.",
        )
    if aci.termination == Termination(ended_on=ended_on, reason=reason):
        return None
    years = aci.contract_years
    if not years or not years[0].starts_on <= ended_on <= years[-1].ends_on:
        return Refusal(
            reason=Reason.NOT_WITHIN_THE_ACI,
            detail=f"L'ACI {aci.aci_id} ne court pas le {ended_on}.",
        )
    return terminated(aci, ended_on, reason)


def terminated(aci: AciSigned, ended_on: date, reason: str) -> AciSigned:
    """The ACI whose last contract year ends on this day; withdrawn when none had begun."""
    years = tuple(
        msgspec.structs.replace(year, ends_on=min(year.ends_on, ended_on))
        for year in aci.contract_years
        if year.starts_on <= ended_on
    )
    return msgspec.structs.replace(
        aci,
        contract_years=years,
        is_withdrawn=not years,
        termination=Termination(ended_on=ended_on, reason=reason),
    )


def determine_again(
    cpts_id: str,
    *,
    signed: Iterable[AciSigned],
    determined: Mapping[date, TailleDetermined],
    territory: Sequence[TerritoryPlaceRecorded],
    today: date,
    parameters: Parameters,
) -> list[TailleDetermined]:
    """The tailles that a changed territory changes: of contract years that begin after today.

    `determined` holds the present taille by a year's first day. A year whose population is not
    known keeps the taille it has, and is listed among the warnings.
    """
    years = sorted(
        (year for aci in signed for year in aci.contract_years if year.starts_on > today),
        key=lambda year: year.starts_on,
    )
    changed = []
    for year in years:
        if population_on(territory, year.starts_on).unknown:
            continue
        event = _determine(cpts_id, year, territory, parameters)
        if event != determined.get(year.starts_on):
            changed.append(event)
    return changed


def _aci(cpts: Cpts, asked: AciAsked, *, is_withdrawn: bool) -> AciSigned:
    return AciSigned(
        cpts_id=cpts.cpts_id,
        aci_id=asked.aci_id,
        signed_on=asked.signed_on,
        contract_years=() if is_withdrawn else contract_years(asked.starts_on, asked.years),
        is_withdrawn=is_withdrawn,
        signatures=asked.signatures,
    )


def _refusal_of_signature(cpts: Cpts, aci: AciSigned, projets: Sequence[Projet]) -> Refusal | None:
    """Where no projet is known, its validation came before this record began."""
    known = [one for one in projets if one.outcome is not Outcome.WITHDRAWN]
    is_validated = any(
        one.outcome is Outcome.VALIDATED
        and one.decided_on is not None
        and one.decided_on <= aci.signed_on
        for one in known
    )
    if not known or is_validated:
        return None
    return Refusal(
        reason=Reason.PROJET_NOT_VALIDATED,
        detail=f"Aucun projet de santé de {cpts.cpts_name} n'était validé le {aci.signed_on}.",
    )


def _refusal_of_years(
    cpts: Cpts,
    aci: AciSigned,
    signed: Iterable[AciSigned],
    determined: Mapping[date, TailleDetermined],
    territory: Sequence[TerritoryPlaceRecorded],
) -> Refusal | None:
    """Why an ACI cannot have its contract years; the population matters where no taille is yet."""
    first_on, last_on = aci.contract_years[0].starts_on, aci.contract_years[-1].ends_on
    for one in signed:
        if one.aci_id == aci.aci_id or not one.contract_years:
            continue
        other_first_on = one.contract_years[0].starts_on
        other_last_on = one.contract_years[-1].ends_on
        if have_common_day(first_on, last_on, other_first_on, other_last_on):
            return Refusal(
                reason=Reason.ACI_IN_FORCE,
                detail=f"L'ACI {one.aci_id} court déjà du {other_first_on} au {other_last_on}.",
                extension={"aci_id": one.aci_id},
            )
    if population_on(territory, first_on).places == 0:
        return Refusal(
            reason=Reason.TERRITORY_EMPTY,
            detail=f"Le territoire de {cpts.cpts_name} ne tient aucune commune le {first_on}.",
        )
    unknown = {
        code
        for year in aci.contract_years
        if year.starts_on not in determined
        for code in population_on(territory, year.starts_on).unknown
    }
    if unknown:
        return Refusal(
            reason=Reason.POPULATION_UNKNOWN,
            detail=f"La population n'est pas connue : {', '.join(sorted(unknown))}.",
            extension={"communes": sorted(unknown)},
        )
    return None


def _determine_missing(
    aci: AciSigned,
    determined: Mapping[date, TailleDetermined],
    territory: Sequence[TerritoryPlaceRecorded],
    parameters: Parameters,
) -> list[TailleDetermined]:
    return [
        _determine(aci.cpts_id, year, territory, parameters)
        for year in aci.contract_years
        if year.starts_on not in determined
    ]


def _determine(
    cpts_id: str,
    year: ContractYear,
    territory: Iterable[TerritoryPlaceRecorded],
    parameters: Parameters,
) -> TailleDetermined:
    population = population_on(territory, year.starts_on).total
    return TailleDetermined(
        cpts_id=cpts_id,
        contract_year_starts_on=year.starts_on,
        taille=taille_of(population, year.starts_on, parameters),
        population=population,
    )
