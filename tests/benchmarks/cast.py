"""Who is in the benches: CPTS in many départements, as membership tells of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from contracts.communes import all_communes, arrondissements_of
from contracts.departements import departements_by_code
from contracts.events.membership import (
    AciSigned,
    ContractYear,
    CptsRegistered,
    MemberRecorded,
    ParticipationRecorded,
    TailleDetermined,
    TerritoryPlaceRecorded,
)
from contracts.events.payments import ContractLineSet, Step
from contracts.recorded import Cause, Recorded, record

DEPARTEMENTS, CPTS_OF_EACH, MEMBERS = 24, 2, 12
YEAR = timedelta(days=365)
# A long way off, so that every demand changes the cents.
TARGET, MAX_CENTS = 1_000_000, 2_000_000_00
DOCTORS, DEMANDS = "sas_medecins_participants", "sas_demandes_avec_rdv"


class Cpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS that holds one commune, its doctors, and the first day of its contract year."""

    cpts_id: str
    departement: str
    commune: str
    rpps: tuple[str, ...]
    starts_on: date


def cast(today: date, of_each: int = CPTS_OF_EACH, departements: int = DEPARTEMENTS) -> list[Cpts]:
    """The CPTS, so many of each département, in the second month of their contract."""
    chosen: list[Cpts] = []
    codes = [one for one in departements_by_code() if one not in ("00", "75")][:departements]
    communes = all_communes().values()
    for departement in codes:
        here = [
            one.code
            for one in communes
            if one.departement == departement and not arrondissements_of(one.code)
        ]
        for commune in here[:of_each]:
            number = len(chosen)
            chosen.append(
                Cpts(
                    cpts_id=f"cpts-{departement}-{number:02d}",
                    departement=departement,
                    commune=commune,
                    rpps=tuple(f"81{number:04d}{one:06d}" for one in range(MEMBERS)),
                    starts_on=today - timedelta(days=40),
                )
            )
    return chosen


def told_by_membership(everybody: Sequence[Cpts]) -> list[Recorded[Any]]:
    """The events of membership that make the CPTS known."""
    return [event for one in everybody for event in _told_of(one)]


def _told_of(one: Cpts) -> list[Recorded[Any]]:
    years = tuple(
        ContractYear(starts_on=first, ends_on=first + YEAR - timedelta(days=1))
        for first in (one.starts_on, one.starts_on + YEAR)
    )
    people = [
        event
        for number, rpps in enumerate(one.rpps)
        for event in (
            MemberRecorded(
                cpts_id=one.cpts_id,
                member_id=f"{one.cpts_id}-m{number}",
                rpps=rpps,
                profession="10",
                from_on=one.starts_on,
            ),
            ParticipationRecorded(
                cpts_id=one.cpts_id,
                participation_id=f"{one.cpts_id}-p{number}",
                rpps=rpps,
                way="own_office",
                from_on=one.starts_on,
            ),
        )
    ]
    events: list[Any] = [
        CptsRegistered(cpts_id=one.cpts_id, cpts_name=one.cpts_id, seat_commune=one.commune),
        TerritoryPlaceRecorded(
            cpts_id=one.cpts_id,
            entry_id=f"{one.cpts_id}-t",
            commune=one.commune,
            from_on=one.starts_on,
        ),
        *people,
        AciSigned(
            cpts_id=one.cpts_id,
            aci_id=f"{one.cpts_id}-aci",
            signed_on=one.starts_on,
            contract_years=years,
        ),
        TailleDetermined(
            cpts_id=one.cpts_id,
            contract_year_starts_on=one.starts_on,
            taille=2,
            population=40_000,
        ),
    ]
    at = datetime.combine(one.starts_on, time(8), UTC)
    return record(
        events,
        subject=one.cpts_id,
        after_sequence=0,
        departement=one.departement,
        occurred_at=at,
        cause=Cause(id=f"order:{one.cpts_id}", recorded_at=at),
    )


def lines_of(one: Cpts, max_cents: int = MAX_CENTS) -> list[ContractLineSet]:
    """The contract lines of a CPTS's year: by its doctors in steps, by its demands each."""
    return [
        ContractLineSet(
            cpts_id=one.cpts_id,
            contract_year_starts_on=one.starts_on,
            mission="acces_aux_soins",
            indicator=DOCTORS,
            mode="steps",
            max_cents=500_000,
            steps=tuple(Step(threshold=n, amount_cents=n * 20_000) for n in range(1, 26)),
        ),
        ContractLineSet(
            cpts_id=one.cpts_id,
            contract_year_starts_on=one.starts_on,
            mission="acces_aux_soins",
            indicator=DEMANDS,
            mode="linear",
            max_cents=max_cents,
            target=TARGET,
        ),
    ]
