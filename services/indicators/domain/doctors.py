"""Indicator (a): doctors of a CPTS who take part in the SAS (service d'accès aux soins).

A doctor counts in a contract year when they are a member and take part on one same day of it.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.indicators.domain.days import Period, common_periods
from services.indicators.domain.figures import (
    DOCTORS,
    DOCTORS_VIA_CPTS,
    ContractYear,
    Counted,
    FigureKey,
)
from services.indicators.domain.rule import CountingRule, Name

WAY_CPTS = "cpts"


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A professional (RPPS) belongs to a CPTS on the days of `period`."""

    cpts_id: str
    rpps: str
    profession: str
    period: Period


class Participation(msgspec.Struct, frozen=True, kw_only=True):
    """A professional takes part in the SAS on the days of `period`, as `cpts_id` declared it."""

    cpts_id: str
    rpps: str
    way: str
    period: Period


def counted_participation(
    participations: Iterable[Participation], rule: CountingRule
) -> list[Period]:
    """The days on which taking part counts, the way being in force that day."""
    return [
        period
        for declared in participations
        for period in common_periods(
            [declared.period], rule.periods(Name.PARTICIPATION_WAYS, declared.way)
        )
    ]


def doctor_figures(
    memberships: Sequence[Membership],
    participations: Sequence[Participation],
    years: Mapping[str, Sequence[ContractYear]],
    rule: CountingRule,
) -> dict[FigureKey, Counted]:
    """The figures in which one professional counts, from the first day on which they do.

    All memberships and participations are that professional's; `years` gives each CPTS's contract
    years. A doctor of two CPTS counts in each, wherever the participation was declared; the figure
    "via CPTS" counts only what that CPTS declared with its own way.
    """
    taking_part = counted_participation(participations, rule)
    figures: dict[FigureKey, Counted] = {}
    for cpts_id in {membership.cpts_id for membership in memberships} if taking_part else ():
        as_doctor = [
            period
            for membership in memberships
            if membership.cpts_id == cpts_id
            for period in common_periods(
                [membership.period], rule.periods(Name.PROFESSIONS, membership.profession)
            )
        ]
        via_cpts = counted_participation(
            (part for part in participations if part.cpts_id == cpts_id and part.way == WAY_CPTS),
            rule,
        )
        for year in years.get(cpts_id, ()):
            days = common_periods(as_doctor, [year.period])
            for indicator, periods in ((DOCTORS, taking_part), (DOCTORS_VIA_CPTS, via_cpts)):
                counting = common_periods(days, periods)
                if counting:
                    key = FigureKey(cpts_id, indicator, year.period.first)
                    figures[key] = Counted(from_on=min(one.first for one in counting))
    return figures
