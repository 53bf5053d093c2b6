"""What a contract line brings, and what an account is worth: pure rules in integer cents.

An account is a CPTS (communauté professionnelle territoriale de santé) and a contract year of its
ACI. A positive amount is due by the caisse to the CPTS. A division rounds down to the cent; no
text read so far prescribes a rounding.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import assert_never

import msgspec

from contracts.events.payments import (
    ContractLineSet,
    FundingEstimated,
    LineAmount,
    LineMode,
    MissionAmount,
    RatePublished,
    Step,
    VariableFundingChanged,
)
from contracts.recorded import Cause, Recorded, record

RATES_SUBJECT = "rates"
RATES_DEPARTEMENT = "00"
VARIABLE_PART = "variable"
EXPENSE_ACCOUNT = "expense:aci:variable"

MISSIONS: Mapping[str, str] = {
    "acces_aux_soins": "Accès aux soins",
    "parcours_pluriprofessionnel": "Parcours pluriprofessionnel autour du patient",
    "prevention": "Actions territoriales de prévention",
    "crise_sanitaire": "Réponse aux crises sanitaires",
    "qualite_et_pertinence": "Qualité et pertinence des soins",
    "accompagnement": "Accompagnement des professionnels de santé",
}
PARTS: Mapping[str, str] = {"fixe": "Part fixe", "variable": "Part variable"}
INDICATORS: Mapping[str, str] = {
    "sas_medecins_participants": "Médecins de la CPTS participant au SAS",
    "sas_demandes_avec_rdv": "Demandes du SAS ayant abouti à un rendez-vous par la CPTS",
}


class Refusal(enum.StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_INDICATOR = "unknown_indicator"
    UNKNOWN_MISSION = "unknown_mission"
    UNKNOWN_PART = "unknown_part"
    UNKNOWN_TAILLE = "unknown_taille"
    TEXT_NEEDED = "text_needed"
    PERIOD_ENDS_BEFORE_IT_STARTS = "period_ends_before_it_starts"
    AMOUNT_NEGATIVE = "amount_negative"
    TARGET_NEEDED = "target_needed"
    STEPS_NEEDED = "steps_needed"
    STEPS_NOT_INCREASING = "steps_not_increasing"
    AMOUNT_ABOVE_MAXIMUM = "amount_above_maximum"
    ALREADY_EXISTS = "already_exists"


REFUSAL_TEXTS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des paiements.",
    Refusal.UNKNOWN_INDICATOR: "Cet indicateur n'existe pas.",
    Refusal.UNKNOWN_MISSION: "Cette mission n'existe pas.",
    Refusal.UNKNOWN_PART: "La part est « fixe » ou « variable ».",
    Refusal.UNKNOWN_TAILLE: "La taille va de 1 à 4.",
    Refusal.TEXT_NEEDED: "Un montant cite le texte où il a été lu.",
    Refusal.PERIOD_ENDS_BEFORE_IT_STARTS: "La période finit avant de commencer.",
    Refusal.AMOUNT_NEGATIVE: "Un montant ne peut pas être négatif.",
    Refusal.TARGET_NEEDED: "Ce mode de calcul demande une cible d'au moins 1.",
    Refusal.STEPS_NEEDED: "Ce mode de calcul demande au moins un palier.",
    Refusal.STEPS_NOT_INCREASING: "Les paliers doivent croître, en seuil comme en montant.",
    Refusal.AMOUNT_ABOVE_MAXIMUM: "Un palier dépasse le maximum de la ligne.",
    Refusal.ALREADY_EXISTS: "Cet identifiant est déjà pris par un autre montant.",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one indicator can bring in a contract year."""

    mission: str
    indicator: str
    mode: LineMode
    max_cents: int
    target: int | None = None
    steps: tuple[Step, ...] = ()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator's value, and the revision that gave it."""

    value: int
    revision: int


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of the scale. `sequence` orders rates published for the same day."""

    rate_id: str
    from_on: date
    to_on: date | None
    taille: int
    mission: str
    part: str
    amount_cents: int
    text: str
    status: str
    is_verified: bool
    sequence: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All that pricing reads of one CPTS and contract year, and what it was worth before.

    `taille` is None until the contract year and its taille are both known.
    """

    cpts_id: str
    starts_on: date
    departement: str
    sequence: int = 0
    variable_cents: int = 0
    taille: int | None = None
    lines: tuple[Line, ...] = ()
    figures: Mapping[str, Figure] = {}

    @property
    def subject(self) -> str:
        """The aggregate's id in the log."""
        return f"{self.cpts_id}/{self.starts_on.isoformat()}"

    def line(self, indicator: str) -> Line | None:
        """The present line of an indicator, None without one."""
        return next((line for line in self.lines if line.indicator == indicator), None)


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """An input of an account changed: which one, and what caused it."""

    cpts_id: str
    starts_on: date
    departement: str
    reason: str
    cause: Cause
    indicator: str | None = None
    figure_revision: int | None = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is worth, with every amount that leads to it."""

    variable_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]


def check_line(line: Line) -> Refusal | None:
    """Why this line cannot be set, or None. Reasons come in the order of `Refusal`."""
    if line.indicator not in INDICATORS:
        return Refusal.UNKNOWN_INDICATOR
    if line.mission not in MISSIONS:
        return Refusal.UNKNOWN_MISSION
    if line.max_cents < 0 or any(step.amount_cents < 0 for step in line.steps):
        return Refusal.AMOUNT_NEGATIVE
    if line.mode in ("all_or_nothing", "linear") and (line.target is None or line.target < 1):
        return Refusal.TARGET_NEEDED
    if line.mode == "steps":
        if not line.steps:
            return Refusal.STEPS_NEEDED
        pairs = zip(line.steps, line.steps[1:], strict=False)
        if any(b.threshold <= a.threshold or b.amount_cents <= a.amount_cents for a, b in pairs):
            return Refusal.STEPS_NOT_INCREASING
        if line.steps[-1].amount_cents > line.max_cents:
            return Refusal.AMOUNT_ABOVE_MAXIMUM
    return None


def check_rate(rate: RatePublished) -> Refusal | None:
    """Why this rate cannot be published, or None. Reasons come in the order of `Refusal`."""
    if rate.mission not in MISSIONS:
        return Refusal.UNKNOWN_MISSION
    if rate.part not in PARTS:
        return Refusal.UNKNOWN_PART
    if rate.taille not in (1, 2, 3, 4):
        return Refusal.UNKNOWN_TAILLE
    if not rate.text.strip():
        return Refusal.TEXT_NEEDED
    if rate.to_on is not None and rate.to_on < rate.from_on:
        return Refusal.PERIOD_ENDS_BEFORE_IT_STARTS
    if rate.amount_cents < 0:
        return Refusal.AMOUNT_NEGATIVE
    return None


def line_amount_cents(line: Line, value: int | None) -> int:
    """What a line brings for a figure, in cents: 0 without a figure, at most the line's maximum."""
    if value is None:
        return 0
    match line.mode:
        case "all_or_nothing":
            amount = line.max_cents if value >= (line.target or 0) else 0
        case "steps":
            reached = [step.amount_cents for step in line.steps if value >= step.threshold]
            amount = max(reached, default=0)
        case "linear":
            target = line.target or 1
            amount = line.max_cents * min(value, target) // target
        case _:
            assert_never(line.mode)
    return min(max(amount, 0), line.max_cents)


def rate_on(
    rates: Iterable[Rate], *, taille: int | None, mission: str, part: str, day: date
) -> Rate | None:
    """The rate in force on a day: the latest start, then the latest published; None if unknown."""
    candidates = [
        rate
        for rate in rates
        if (rate.taille, rate.mission, rate.part) == (taille, mission, part)
        and rate.from_on <= day
        and (rate.to_on is None or day <= rate.to_on)
    ]
    return max(candidates, key=lambda rate: (rate.from_on, rate.sequence), default=None)


def price(account: Account, rates: Sequence[Rate]) -> Estimate:
    """What the account is worth now.

    Each line brings its amount; the lines of a mission together are capped at the mission's
    envelope, the rate of its variable part for the year's taille on the year's first day. An
    unknown envelope gives nothing.
    """
    lines = []
    for line in sorted(account.lines, key=lambda line: (line.mission, line.indicator)):
        figure = account.figures.get(line.indicator)
        lines.append(
            LineAmount(
                mission=line.mission,
                indicator=line.indicator,
                value=figure.value if figure else None,
                figure_revision=figure.revision if figure else 0,
                amount_cents=line_amount_cents(line, figure.value if figure else None),
            )
        )
    missions = []
    for mission in sorted({line.mission for line in lines}):
        rate = rate_on(
            rates,
            taille=account.taille,
            mission=mission,
            part=VARIABLE_PART,
            day=account.starts_on,
        )
        total = sum(line.amount_cents for line in lines if line.mission == mission)
        missions.append(
            MissionAmount(
                mission=mission,
                envelope_cents=rate.amount_cents if rate else None,
                lines_cents=total,
                amount_cents=min(total, rate.amount_cents) if rate else 0,
            )
        )
    return Estimate(
        variable_cents=sum(mission.amount_cents for mission in missions),
        missions=tuple(missions),
        lines=tuple(lines),
    )


def reprice(
    account: Account, rates: Sequence[Rate], touches: Sequence[Touch]
) -> list[Recorded[FundingEstimated | VariableFundingChanged]]:
    """The events of pricing an account again: one estimate a touch, and the change if any.

    Several touches of one batch see the same final inputs, so the first estimate takes the whole
    change and the others confirm it.
    """
    estimate = price(account, rates)
    announced: list[Recorded[FundingEstimated | VariableFundingChanged]] = []
    previous_cents, sequence = account.variable_cents, account.sequence
    for touch in touches:
        events: list[FundingEstimated | VariableFundingChanged] = [
            FundingEstimated(
                cpts_id=account.cpts_id,
                contract_year_starts_on=account.starts_on,
                reason=touch.reason,
                variable_cents=estimate.variable_cents,
                previous_cents=previous_cents,
                missions=estimate.missions,
                lines=estimate.lines,
                indicator=touch.indicator,
                figure_revision=touch.figure_revision,
            )
        ]
        if estimate.variable_cents != previous_cents:
            events.append(
                VariableFundingChanged(
                    cpts_id=account.cpts_id,
                    contract_year_starts_on=account.starts_on,
                    variable_cents=estimate.variable_cents,
                    delta_cents=estimate.variable_cents - previous_cents,
                )
            )
        announced += record(
            events,
            subject=account.subject,
            after_sequence=sequence,
            departement=account.departement,
            occurred_at=touch.cause.recorded_at,
            cause=touch.cause,
        )
        sequence += len(events)
        previous_cents = estimate.variable_cents
    return announced


def set_line(
    line: Line, *, cpts_id: str, starts_on: date, is_withdrawn: bool
) -> ContractLineSet | Refusal:
    """The event that sets a line, or why it is refused."""
    refusal = check_line(line)
    if refusal is not None:
        return refusal
    return ContractLineSet(
        cpts_id=cpts_id,
        contract_year_starts_on=starts_on,
        mission=line.mission,
        indicator=line.indicator,
        mode=line.mode,
        max_cents=line.max_cents,
        target=line.target,
        steps=line.steps,
        is_withdrawn=is_withdrawn,
    )


def line_of(event: ContractLineSet) -> Line | None:
    """The line that an event sets, None when it withdraws it."""
    if event.is_withdrawn:
        return None
    return Line(
        mission=event.mission,
        indicator=event.indicator,
        mode=event.mode,
        max_cents=event.max_cents,
        target=event.target,
        steps=event.steps,
    )


def postings(change: VariableFundingChanged) -> tuple[tuple[str, int], tuple[str, int]]:
    """The two ledger lines of an accrual, in signed cents that sum to zero.

    The expense is debited (positive) and the CPTS's payable credited (negative) when more is due.
    """
    payable = f"payable:{change.cpts_id}:{change.contract_year_starts_on.isoformat()}"
    return (EXPENSE_ACCOUNT, change.delta_cents), (payable, -change.delta_cents)
