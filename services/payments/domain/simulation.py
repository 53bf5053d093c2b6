"""What a contract year would be worth, whole, if some of its inputs were others: the inputs are
replaced, then priced and scheduled by what the real year is priced and scheduled by.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise

import msgspec

from contracts.events.payments import RatePublished
from contracts.indicators import LOCAL, indicators
from services.payments.domain.accounts import Account, Estimate, Figure, price, variable_rate
from services.payments.domain.calendar import DAY, MONTHS, months_after
from services.payments.domain.dues import Aci, DueSum, Funded, Mission, Year, years_of
from services.payments.domain.dues_rules import DuesRules
from services.payments.domain.dues_schedule import dues_of
from services.payments.domain.part_years import parts_of_year
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import MISSIONS, Rate, check_rate

DOCTORS = "sas_medecins_participants"
"""The one indicator that counts members: those who take part in the SAS, each once."""
DOCTOR_FACT = re.compile(r"rpps:(\d+)")
VARIABLE = "variable"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which a mission runs; without a last one, to the end of the ACI."""

    started_on: date
    ended_on: date | None = None


class SupposedRate(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of the scale for the year's taille, in cents for a whole year."""

    mission: str
    part: str
    amount_cents: int


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Doctors (RPPS) who would be members and take part in the SAS on one same day of the year, or
    would not.
    """

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


class Supposed(msgspec.Struct, frozen=True, kw_only=True):
    """What is supposed instead of what is: None, or nothing, where the present holds.

    `starts_on` moves the year, and with it all the anniversaries of its ACI; `ends_on` is the last
    day of the ACI, in this year. `missions` replace all days on which a kind of mission runs.
    `values` are by indicator. `members` change the indicator that counts them alone: appointments
    that were counted stay, as they do when a member leaves.
    """

    taille: int | None = None
    signed_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    missions: Mapping[str, tuple[Stretch, ...]] = {}
    values: Mapping[str, int] = {}
    rates: tuple[SupposedRate, ...] = ()
    members: Members | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that a contract year rests on: its account, its CPTS, the scale, its doctors' facts."""

    account: Account
    funded: Funded
    rates: tuple[Rate, ...]
    doctors: Collection[str] = ()


class YearWorth(msgspec.Struct, frozen=True, kw_only=True):
    """What a contract year is worth: the sums that fall due, and its variable part.

    `year` is None where no ACI has it. `unverified_cents` rest on a rate whose text nobody read.
    """

    year: Year | None
    dues: tuple[DueSum, ...]
    estimate: Estimate
    total_cents: int
    unverified_cents: int


def worth(known: Known, rules: DuesRules) -> YearWorth:
    """What the year is worth by these inputs.

    A variable part that was settled is a sum of its own, and counts once.
    """
    account, rates = known.account, known.rates
    dues = [d for d in dues_of(known.funded, rates, rules) if d.starts_on == account.starts_on]
    estimate = price(account, rates)
    unread = {rate.rate_id for rate in rates if not rate.is_verified}
    beside = [due for due in dues if due.kind != VARIABLE]
    return YearWorth(
        year=_year_of(known.funded, account.starts_on),
        dues=tuple(dues),
        estimate=estimate,
        total_cents=estimate.variable_cents + sum(due.amount_cents for due in beside),
        unverified_cents=sum(due.amount_cents for due in beside if unread & {*due.rate_ids})
        + sum(
            one.amount_cents
            for one in estimate.missions
            if (rate := variable_rate(account, rates, one.mission)) is None or not rate.is_verified
        ),
    )


def suppose(known: Known, supposed: Supposed, rules: DuesRules) -> Known | Refusal:
    """The inputs with what is supposed in their place, or why it cannot be.

    Once anything is supposed, a settled year is as it would be had it not been settled.
    """
    if supposed == Supposed():
        return known
    account = known.account
    here = _year_of(known.funded, account.starts_on)
    taille = account.taille if supposed.taille is None else supposed.taille
    years = _years(known.funded.years, here, supposed)
    if isinstance(years, Refusal):
        return years
    rates = _rates(known.rates, supposed, taille)
    if isinstance(rates, Refusal):
        return rates
    refusal = _check_missions(supposed.missions) or _check_values(supposed)
    if refusal is not None:
        return refusal
    starts_on = years[1] if years else account.starts_on
    funded = msgspec.structs.replace(
        _unsettled(known.funded, account.starts_on, starts_on),
        years=years[0] if years else known.funded.years,
        missions=_missions(known.funded.missions, supposed.missions),
    )
    year = _year_of(funded, starts_on)
    values = _values(account, known.doctors, supposed)
    return msgspec.structs.replace(
        known,
        account=msgspec.structs.replace(
            account,
            taille=taille,
            starts_on=starts_on,
            figures={**account.figures, **values},
            levels={name: one for name, one in account.levels.items() if name not in values},
            parts_run=parts_of_year(year, funded.missions, rules) if year else account.parts_run,
            settled=None,
        ),
        funded=funded,
        rates=(*known.rates, *rates),
    )


def _year_of(funded: Funded, starts_on: date) -> Year | None:
    return next((year for year in funded.years if year.starts_on == starts_on), None)


def _unsettled(funded: Funded, was_on: date, starts_on: date) -> Funded:
    """Without the settlement of a year; what others' settlements made due in it follows it."""
    return msgspec.structs.replace(
        funded,
        settled=tuple(one for one in funded.settled if one.contract_year_starts_on != was_on),
        adjusted=tuple(
            msgspec.structs.replace(one, due_year_starts_on=starts_on)
            if one.due_year_starts_on == was_on
            else one
            for one in funded.adjusted
            if one.contract_year_starts_on != was_on
        ),
    )


def _years(
    years: Sequence[Year], here: Year | None, supposed: Supposed
) -> tuple[tuple[Year, ...], date] | Refusal | None:
    """The contract years with the supposed dates and taille, and the first day of this one; None
    where no ACI has this year, of which no date can be supposed.
    """
    if here is None:
        dates = (supposed.signed_on, supposed.starts_on, supposed.ends_on)
        return None if dates == (None, None, None) else Refusal.UNKNOWN_CONTRACT_YEAR
    own = [year for year in years if year.aci_id == here.aci_id]
    place = own.index(here)
    spans = [(year.starts_on, year.whole_ends_on) for year in own]
    if supposed.starts_on not in (None, here.starts_on):
        first = months_after(supposed.starts_on, -MONTHS * place)
        firsts = [months_after(first, MONTHS * number) for number in range(len(own) + 1)]
        spans = [(one, following - DAY) for one, following in pairwise(firsts)]
    starts_on, whole_ends_on = spans[place]
    last_on = supposed.ends_on or (own[-1].ends_on if own[-1].ends_early else spans[-1][1])
    if last_on < starts_on or (supposed.ends_on is not None and last_on > whole_ends_on):
        return Refusal.ENDS_OUTSIDE_YEAR
    aci = Aci(
        aci_id=here.aci_id,
        signed_on=supposed.signed_on or here.signed_on,
        years=tuple((one, min(end, last_on)) for one, end in spans if one <= last_on),
    )
    tailles = {
        span[0]: year.taille
        for span, year in zip(spans, own, strict=True)
        if year.taille is not None
    }
    if supposed.taille is not None:
        tailles[starts_on] = supposed.taille
    others = [one for one in years if one not in own and one.starts_on != starts_on]
    moved = [*others, *years_of([aci], tailles)]
    return tuple(sorted(moved, key=lambda year: year.starts_on)), starts_on


def _missions(
    present: Sequence[Mission], supposed: Mapping[str, Sequence[Stretch]]
) -> tuple[Mission, ...]:
    return (
        *(one for one in present if one.mission not in supposed),
        *(
            Mission(
                mission_id=f"simulation/{kind}/{number}",
                mission=kind,
                started_on=one.started_on,
                ended_on=one.ended_on,
            )
            for kind, stretches in supposed.items()
            for number, one in enumerate(stretches)
        ),
    )


def _check_missions(supposed: Mapping[str, Sequence[Stretch]]) -> Refusal | None:
    for kind, stretches in supposed.items():
        if kind not in MISSIONS:
            return Refusal.UNKNOWN_MISSION
        in_order = sorted(stretches, key=lambda one: one.started_on)
        if any(one.ended_on is not None and one.ended_on < one.started_on for one in in_order):
            return Refusal.PERIOD_ENDS_BEFORE_IT_STARTS
        if any(
            one.ended_on is None or following.started_on <= one.ended_on
            for one, following in pairwise(in_order)
        ):
            return Refusal.PERIODS_OVERLAP
    return None


def _rates(
    rates: Sequence[Rate], supposed: Supposed, taille: int | None
) -> tuple[Rate, ...] | Refusal:
    """Each supposed amount as published last, again on each day from which the scale has one: it
    stands on whichever day of the year a sum takes its rate.
    """
    found: list[Rate] = []
    asked = {(one.mission, one.part) for one in supposed.rates}
    if len(asked) < len(supposed.rates):
        return Refusal.RATE_TWICE
    if asked and taille is None:
        return Refusal.TAILLE_NEEDED
    sequence = max((rate.sequence for rate in rates), default=0) + 1
    for one in supposed.rates:
        said = RatePublished(
            rate_id=f"simulation/{one.mission}/{one.part}",
            from_on=date.min,
            taille=taille or 0,
            mission=one.mission,
            part=one.part,
            amount_cents=one.amount_cents,
            text="simulation",
            status="hypothesis",
            is_verified=False,
        )
        refusal = check_rate(said)
        if refusal is not None:
            return refusal
        rate = Rate(**msgspec.structs.asdict(said), sequence=sequence)
        key = (rate.taille, rate.mission, rate.part)
        days = {date.min} | {
            known.from_on for known in rates if (known.taille, known.mission, known.part) == key
        }
        found += [msgspec.structs.replace(rate, from_on=day) for day in sorted(days)]
    return tuple(found)


def _check_values(supposed: Supposed) -> Refusal | None:
    known = indicators()
    if any(one not in known and not LOCAL.fullmatch(one) for one in supposed.values):
        return Refusal.UNKNOWN_INDICATOR
    if supposed.members is None:
        return None
    if DOCTORS in supposed.values:
        return Refusal.MEMBERS_AND_VALUE
    both = {*supposed.members.joining} & {*supposed.members.leaving}
    return Refusal.MEMBER_BOTH_WAYS if both else None


def _values(account: Account, doctors: Collection[str], supposed: Supposed) -> dict[str, Figure]:
    """The supposed values as figures that nobody has verified; of members, by the live count."""
    values = dict(supposed.values)
    if supposed.members is not None:
        counted = {found[1] for fact in doctors if (found := DOCTOR_FACT.fullmatch(fact))}
        counted |= {*supposed.members.joining}
        values[DOCTORS] = len(counted - {*supposed.members.leaving})
    present = {name: figure.revision for name, figure in account.figures.items()}
    return {
        name: Figure(value=value, revision=present.get(name, 0)) for name, value in values.items()
    }
