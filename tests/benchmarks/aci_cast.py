"""Who is in the bench of the ACI: CPTS whose five contract years are over, each year with 40 lines,
the facts behind its figures, and a dialogue in which every value is validated.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from contracts.departements import departements_by_code
from contracts.events.indicators import FactChange, FigureChanged
from contracts.events.membership import (
    AciSigned,
    ContractYear,
    CptsRegistered,
    MissionRecorded,
    TailleDetermined,
)
from contracts.events.payments import ContractLineSet, DialogueLineSet, DialogueOpened, Step
from contracts.indicators import Indicator, indicators_of
from contracts.recorded import Cause, Recorded, record
from services.payments.domain.calendar import DAY, months_after
from services.payments.domain.scale import MISSIONS, WITH_VARIABLE_PART
from services.referrals.domain.referral import referral_id

YEARS, LINES = 5, 40
DEMANDS = "sas_demandes_avec_rdv"
# The first contract years of the scale of avenant 2; every fifth one is over by then.
FIRST_ON, SPREAD_DAYS = date(2022, 4, 15), 120
NOW = datetime(2027, 9, 1, 8, tzinfo=UTC)
OPENED_ON = date(2027, 8, 30)
FACTS_OF_A_REVISION = 20
SMALL_SHARE = 40  # each figure but that of the demands has one in so many of a year's facts


class Cpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS with its contract years."""

    cpts_id: str
    departement: str
    taille: int
    years: tuple[ContractYear, ...]


def cast(count: int) -> list[Cpts]:
    """So many CPTS, of all tailles, over all départements."""
    codes = [code for code in departements_by_code() if code != "00"]
    return [
        Cpts(
            cpts_id=f"cpts-{codes[number % len(codes)]}-{number:03d}",
            departement=codes[number % len(codes)],
            taille=number % 4 + 1,
            years=_years(FIRST_ON + timedelta(days=number % SPREAD_DAYS)),
        )
        for number in range(count)
    ]


def _years(first_on: date) -> tuple[ContractYear, ...]:
    firsts = [months_after(first_on, 12 * number) for number in range(YEARS + 1)]
    return tuple(
        ContractYear(starts_on=firsts[number], ends_on=firsts[number + 1] - DAY)
        for number in range(YEARS)
    )


def told_by_membership(cpts: Cpts) -> list[Recorded[Any]]:
    """What makes a CPTS known: its contract, its tailles, and its six missions."""
    signed_on = cpts.years[0].starts_on
    named: dict[str, Any] = {"cpts_id": cpts.cpts_id}
    tailles = [
        TailleDetermined(
            **named,
            contract_year_starts_on=year.starts_on,
            taille=cpts.taille,
            population=40_000 * cpts.taille,
        )
        for year in cpts.years
    ]
    missions = [
        MissionRecorded(**named, mission_id=name, mission=name, started_on=signed_on)
        for name in MISSIONS
    ]
    contract = AciSigned(**named, aci_id="aci", signed_on=signed_on, contract_years=cpts.years)
    registered = CptsRegistered(**named, cpts_name=cpts.cpts_id, seat_commune="01001")
    events: list[Any] = [registered, contract, *tailles, *missions]
    return _recorded(events, cpts, cpts.cpts_id, 0, "order")


def told_by_indicators(cpts: Cpts, facts_a_year: int) -> Iterator[Recorded[Any]]:
    """Every figure of a CPTS's years, told as its facts came: so many facts a year in all."""
    for year in cpts.years:
        codes = list(dict.fromkeys(line.indicator for line in lines_of(cpts, year)))
        share = max(1, facts_a_year // SMALL_SHARE)
        for code in codes:
            others = share * (len(codes) - 1)
            count = max(1, facts_a_year - others) if code == DEMANDS else share
            subject = f"{cpts.cpts_id}/{code}/{year.starts_on}"
            changes = list(_growing(cpts, year, code, count))
            yield from _recorded(changes, cpts, subject, 0, "figure")


def _growing(cpts: Cpts, year: ContractYear, code: str, count: int) -> Iterator[FigureChanged]:
    names = [f"{cpts.cpts_id}/{year.starts_on}/{code}/{number}" for number in range(count)]
    firsts = range(0, count, FACTS_OF_A_REVISION)
    for revision, first in enumerate(firsts, start=1):
        new = names[first : first + FACTS_OF_A_REVISION]
        yield FigureChanged(
            cpts_id=cpts.cpts_id,
            indicator=code,
            contract_year_starts_on=year.starts_on,
            contract_year_ends_on=year.ends_on,
            value=first + len(new),
            revision=revision,
            facts=tuple(
                FactChange(fact_id=f"referral:{referral_id('bench', name)}", is_counted=True)
                for name in new
            ),
        )


def lines_of(cpts: Cpts, year: ContractYear) -> list[ContractLineSet]:
    """The lines of a contract year: as many for each mission that has a variable part."""
    missions = sorted(WITH_VARIABLE_PART)
    return [
        _line(cpts, year, known[number % len(known)], number // len(known))
        for mission in missions
        for known in [indicators_of(mission, year.starts_on)]
        for number in range(LINES // len(missions))
    ]


def _line(cpts: Cpts, year: ContractYear, indicator: Indicator, again: int) -> ContractLineSet:
    """A line on an indicator: the first in steps or linear, another one for another result."""
    is_lower_better = indicator.direction == "down"
    has_steps = not again and not is_lower_better
    steps = [Step(threshold=5 * n, amount_cents=20_000 * n) for n in range(1, 4)]
    return ContractLineSet(
        cpts_id=cpts.cpts_id,
        contract_year_starts_on=year.starts_on,
        mission=indicator.mission,
        indicator=indicator.code,
        mode="steps" if has_steps else "linear",
        max_cents=100_000,
        target=None if has_steps else 5 if is_lower_better else 25 + again,
        steps=tuple(steps) if has_steps else (),
        line_id=f"{indicator.code}-{again}",
        line_label=f"{indicator.label} ({again + 1})",
        baseline=30 + again if is_lower_better else None,
        is_lower_better=is_lower_better,
        documents=("caisse_data", "report"),
    )


def dialogue_of(cpts: Cpts, year: ContractYear) -> list[DialogueOpened | DialogueLineSet]:
    """A year's dialogue from its opening to the last validated value."""
    named: dict[str, Any] = {
        "cpts_id": cpts.cpts_id,
        "contract_year_starts_on": year.starts_on,
    }
    codes = dict.fromkeys(line.indicator for line in lines_of(cpts, year))
    return [
        DialogueOpened(**named, opened_on=OPENED_ON),
        *(
            DialogueLineSet(
                **named,
                indicator=code,
                validated_value=7 + number,
                cpts_stance="agrees",
                caisse_stance="agrees",
            )
            for number, code in enumerate(codes)
        ),
    ]


def said_of_year(
    events: Sequence[Any], cpts: Cpts, year: ContractYear, after_sequence: int, cause: str
) -> list[Recorded[Any]]:
    """What payments said of an account, after so many events."""
    subject = f"{cpts.cpts_id}/{year.starts_on}"
    return _recorded(events, cpts, subject, after_sequence, cause)


def _recorded(
    events: Sequence[Any], cpts: Cpts, subject: str, after_sequence: int, cause: str
) -> list[Recorded[Any]]:
    return record(
        events,
        subject=subject,
        after_sequence=after_sequence,
        departement=cpts.departement,
        occurred_at=NOW,
        cause=cause_of(cpts, cause),
    )


def cause_of(cpts: Cpts, what: str) -> Cause:
    """What a CPTS's events of one kind came from."""
    return Cause(id=f"bench:{cpts.cpts_id}:{what}", recorded_at=NOW)
