"""Which sums fall due to a CPTS and when: fonctionnement, fixed parts, recognised crises, the
one-off complement, what was settled, and what a parameter applies.

The list holds the sums of days to come, too. An advance and what is left of the year's amount
always add up to it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import msgspec

from contracts.events.payments import MissionAmount, YearSettled
from services.payments.domain.calendar import DAY
from services.payments.domain.dues import Crisis, DueSum, Funded, Mission, Year
from services.payments.domain.dues_rules import DuesRules, is_applied
from services.payments.domain.part_years import time_run
from services.payments.domain.scale import FUNDINGS, Rate, rate_on
from services.payments.domain.words import french_day, french_euros

FONCTIONNEMENT = "fonctionnement"
CRISES = "crise_sanitaire"
COMPLEMENT = "complement_75"
RECOGNISED = "crise_reconnue"
ACCESS, SNP = "acces_aux_soins", "snp"
AID = "lettre_intention"


def rate_of_year(
    rates: Sequence[Rate], year: Year, mission: str, part: str, since: date | None = None
) -> Rate | None:
    """The rate in force on a year's first day; where there was none, on the day `since`."""
    for day in (year.starts_on, since):
        if day is None:
            continue
        rate = rate_on(rates, taille=year.taille, mission=mission, part=part, day=day)
        if rate is not None:
            return rate
    return None


def is_held(rates: Iterable[Rate], confirmed: Collection[str]) -> bool:
    """Whether a sum that rests on these rates waits for one of them to be confirmed."""
    return any(not rate.is_verified and rate.rate_id not in confirmed for rate in rates)


def due_sum(
    year: Year, due_id: str, kind: str, amount_cents: int, due_on: date, rate: Rate, why: str
) -> DueSum:
    """A sum that rests on one rate; whether it is held is said by `held_where_unconfirmed`."""
    return DueSum(
        starts_on=year.starts_on,
        due_id=due_id,
        kind=kind,
        amount_cents=amount_cents,
        due_on=due_on,
        is_held=not rate.is_verified,
        mission=None if rate.mission == FONCTIONNEMENT else rate.mission,
        rate_ids=(rate.rate_id,),
        explanation=why,
    )


def rest_of_year(year: Year, stem: str, kind: str, rate: Rate, earned: str, cents: int) -> DueSum:
    """What a year's amount leaves once its advance is taken off, on the day after the year.

    A negative rest is recovered. `earned` says how the year's amount came about.
    """
    is_recovery = cents < 0
    name = "recovery" if is_recovery else "balance"
    return due_sum(
        year,
        stem.replace("*", name),
        "recovery" if is_recovery else kind,
        cents,
        year.ends_on + DAY,
        rate,
        f"{'Récupération' if is_recovery else 'Solde'} : {earned} = {french_euros(cents)}",
    )


def fonctionnement_dues(year: Year, rates: Sequence[Rate], rules: DuesRules) -> list[DueSum]:
    """Fonctionnement: all of an ACI's first year at the signature; later an advance, then the rest.

    The first year is due on its first day where it was signed later.
    """
    rate = rate_of_year(rates, year, FONCTIONNEMENT, FONCTIONNEMENT)
    if rate is None:
        return []
    calendar = rules.calendar_on(year.starts_on)
    amount, percent = rate.amount_cents, 100 if year.is_first else calendar.advance_percent
    advance = amount * percent // 100
    name = "signature" if year.is_first else "advance"
    due_on = min(year.signed_on, year.starts_on) if year.is_first else year.starts_on
    share = year.share(year.starts_on, year.ends_on, calendar.pro_rata)
    is_part = year.ends_early and rules.termination.fonctionnement == "pro_rata"
    earned = share.of(amount) if is_part else amount
    words = f"{french_euros(amount)}{share.words() if is_part else ''}"
    return [
        due_sum(
            year,
            f"{FONCTIONNEMENT}:{name}",
            FONCTIONNEMENT,
            advance,
            due_on,
            rate,
            f"Fonctionnement : {percent} % de {french_euros(amount)} = {french_euros(advance)}",
        ),
        rest_of_year(
            year,
            f"{FONCTIONNEMENT}:*",
            FONCTIONNEMENT,
            rate,
            f"fonctionnement de l'année {words} − déjà dû {french_euros(advance)}",
            earned - advance,
        ),
    ]


def part_of_mission(mission: str, year: Year, first_crisis_on: date | None) -> str:
    """Which part of the scale pays a mission's fixed part: crises have two, by the plan's year."""
    if mission != CRISES:
        return "fixe"
    is_plan = first_crisis_on is not None and first_crisis_on >= year.starts_on
    return "fixe_plan" if is_plan else "fixe_mise_a_jour"


def mission_dues(
    year: Year, missions: Sequence[Mission], rates: Sequence[Rate], rules: DuesRules
) -> list[DueSum]:
    """The fixed parts of missions in a year: an advance at the start or anniversary, then the rest.

    The advance counts to the anniversary; what the year is worth, to the last day the mission ran.
    """
    dues: list[DueSum] = []
    starts = [one.started_on for one in missions if one.mission == CRISES]
    stretches: dict[str, int] = {}
    for one in sorted(missions, key=lambda one: (one.started_on, one.mission_id)):
        first_on = max(one.started_on, year.starts_on)
        last_on = min(one.ended_on or year.ends_on, year.ends_on)
        if last_on < first_on:
            continue
        part = part_of_mission(one.mission, year, min(starts, default=None))
        rate = rate_of_year(rates, year, one.mission, part, since=first_on)
        if rate is None:
            continue
        stretches[one.mission] = number = stretches.get(one.mission, 0) + 1
        stem = f"{one.mission}:fixe:*{f':{number}' if number > 1 else ''}"
        dues += _stretch(year, stem, rate, (first_on, last_on), rules)
    return dues


def _stretch(
    year: Year, stem: str, rate: Rate, days: tuple[date, date], rules: DuesRules
) -> list[DueSum]:
    """The advance and the rest of a mission that ran, in a year, on these days."""
    first_on, last_on = days
    calendar, amount = rules.calendar_on(year.starts_on), rate.amount_cents
    planned = year.share(first_on, year.whole_ends_on, calendar.pro_rata)
    done = year.share(first_on, last_on, calendar.pro_rata)
    percent = calendar.advance_percent
    advance = planned.of(amount) * percent // 100
    return [
        due_sum(
            year,
            stem.replace("*", "advance"),
            "fixe",
            advance,
            first_on,
            rate,
            f"Avance : {percent} % de {french_euros(amount)}{planned.words()}"
            f" = {french_euros(advance)}",
        ),
        rest_of_year(
            year,
            stem,
            "fixe",
            rate,
            f"part fixe de l'année {french_euros(amount)}{done.words()}"
            f" − avance {french_euros(advance)}",
            done.of(amount) - advance,
        ),
    ]


def crisis_dues(
    year: Year, crises: Iterable[Crisis], missions: Iterable[Mission], rates: Sequence[Rate]
) -> list[DueSum]:
    """What the first crisis recognised in a year opens, beside the year's ceiling.

    It is due on the crisis's first day to a CPTS whose mission on crises ran on it. A second crisis
    of the year opens nothing more: no text says that it would.
    """
    ran = [one for one in missions if one.mission == CRISES]
    met = [
        crisis
        for crisis in sorted(crises, key=lambda one: (one.from_on, one.crisis_id))
        if year.starts_on <= crisis.from_on <= year.ends_on
        and any(
            one.started_on <= crisis.from_on
            and (one.ended_on is None or crisis.from_on <= one.ended_on)
            for one in ran
        )
    ]
    if not met:
        return []
    day = met[0].from_on
    rate = rate_of_year(rates, year, CRISES, RECOGNISED, since=day)
    if rate is None:
        return []
    amount = french_euros(rate.amount_cents)
    why = f"Crise reconnue par l'ARS à partir du {french_day(day)} = {amount}"
    stem = f"{CRISES}:reconnue"
    return [due_sum(year, stem, RECOGNISED, rate.amount_cents, day, rate, why)]


def complement_dues(years: Sequence[Year], rates: Sequence[Rate], rules: DuesRules) -> list[DueSum]:
    """The one-off 75 % of fonctionnement, of a CPTS whose first ACI was signed before the date."""
    rule = rules.complement_75
    first = min(years, key=lambda year: (year.signed_on, year.starts_on), default=None)
    if first is None or first.signed_on >= rule.signed_before_on:
        return []
    day = max(min(first.signed_on, first.starts_on), rule.from_on)
    year = next((year for year in years if day <= year.ends_on), None)
    if year is None:
        return []
    rate = rate_on(rates, taille=year.taille, mission=FONCTIONNEMENT, part=COMPLEMENT, day=day)
    if rate is None:
        return []
    return [
        due_sum(
            year,
            COMPLEMENT,
            COMPLEMENT,
            rate.amount_cents,
            day,
            rate,
            f"Complément unique : ACI signée le {french_day(first.signed_on)},"
            f" avant le {french_day(rule.signed_before_on)} = {french_euros(rate.amount_cents)}",
        )
    ]


def aid_dues(funded: Funded, rates: Sequence[Rate], rules: DuesRules) -> list[DueSum]:
    """The aid at the lettre d'intention, where it is applied: once, on the day of its validation.

    It belongs to the first contract year, which alone says the taille.
    """
    day = funded.lettre_validated_on
    first = min(funded.years, key=lambda year: year.starts_on, default=None)
    if day is None or first is None or not is_applied(rules.lettre_intention, day):
        return []
    rate = rate_on(rates, taille=first.taille, mission=FONCTIONNEMENT, part=AID, day=day)
    if rate is None:
        return []
    amount = french_euros(rate.amount_cents)
    why = f"Aide : lettre d'intention validée le {french_day(day)} = {amount}"
    return [due_sum(first, AID, AID, rate.amount_cents, day, rate, why)]


def snp_dues(
    year: Year, missions: Iterable[Mission], rates: Sequence[Rate], rules: DuesRules
) -> list[DueSum]:
    """The SNP compensation of 2019, where it is applied: on the day after the year, for the time
    that the access mission ran.
    """
    rate = rate_of_year(rates, year, ACCESS, SNP)
    share = time_run(year, missions, ACCESS, rules.calendar_on(year.starts_on).pro_rata)
    if rate is None or share is None or not is_applied(rules.snp, year.starts_on):
        return []
    cents = share.of(rate.amount_cents)
    earned = f"{french_euros(rate.amount_cents)}{share.words()}"
    why = f"Compensation SNP de 2019 : {earned} = {french_euros(cents)}"
    return [due_sum(year, f"{ACCESS}:{SNP}", SNP, cents, year.ends_on + DAY, rate, why)]


def settled_dues(funded: Funded) -> list[DueSum]:
    """The variable parts that were settled, and the adjustments of corrections after that."""
    rate_ids = {
        one.contract_year_starts_on: tuple(rate.rate_id for rate in one.rates)
        for one in funded.settled
    }
    dues = [
        DueSum(
            starts_on=one.contract_year_starts_on,
            due_id="variable",
            kind="variable",
            amount_cents=one.variable_cents,
            due_on=one.settled_on,
            is_held=False,
            rate_ids=rate_ids[one.contract_year_starts_on],
            explanation=f"Part variable arrêtée le {french_day(one.settled_on)} : {_words_of(one)}"
            f" = {french_euros(one.variable_cents)}",
        )
        for one in funded.settled
    ]
    return dues + [
        DueSum(
            starts_on=one.due_year_starts_on,
            due_id=one.due_id,
            kind="adjustment",
            amount_cents=one.amount_cents,
            due_on=one.adjusted_on,
            is_held=False,
            rate_ids=rate_ids[one.contract_year_starts_on],
            explanation=f"Ajustement de l'année du {french_day(one.contract_year_starts_on)}"
            f" ({one.indicator}) : {french_euros(one.variable_cents)}"
            f" − arrêté {french_euros(one.settled_cents)}"
            f" − déjà ajusté {french_euros(one.adjusted_before_cents)}"
            f" = {french_euros(one.amount_cents)}",
        )
        for one in funded.adjusted
    ]


def _words_of(settled: YearSettled) -> str:
    """What each mission gives, of what its lines give."""
    return " + ".join(mission_words(one) for one in settled.missions)


def mission_words(one: MissionAmount) -> str:
    """What a mission gives of what its lines give, in French."""
    most = "inconnu" if one.envelope_cents is None else french_euros(one.envelope_cents)
    return (
        f"{FUNDINGS[one.mission]} {french_euros(one.amount_cents)}"
        f" (ses lignes {french_euros(one.lines_cents)}, au plus {most})"
    )


def dues_of(funded: Funded, rates: Sequence[Rate], rules: DuesRules) -> list[DueSum]:
    """Every sum that a CPTS has had, has or will have due, by day; none of 0."""
    by_id = {rate.rate_id: rate for rate in rates}
    dues = complement_dues(funded.years, rates, rules) + settled_dues(funded)
    dues += aid_dues(funded, rates, rules)
    for year in funded.years:
        dues += fonctionnement_dues(year, rates, rules)
        dues += mission_dues(year, funded.missions, rates, rules)
        dues += crisis_dues(year, funded.crises, funded.missions, rates)
        dues += snp_dues(year, funded.missions, rates, rules)
    held = [
        msgspec.structs.replace(
            due, is_held=is_held([by_id[one] for one in due.rate_ids], funded.confirmed)
        )
        for due in dues
        if due.amount_cents
    ]
    return sorted(held, key=lambda due: (due.due_on, due.starts_on, due.due_id))
