"""The statement of a contract year: what a treasurer reads and signs, in French words."""

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from contracts.events.payments import LineAmount, YearAdjusted, YearSettled
from contracts.indicators import indicators
from services.payments.domain.accounts import Account, Estimate, price, variable_rate
from services.payments.domain.levels import LIVE, VALIDATED, VERIFIED, VISA
from services.payments.domain.lines import Line, line_id_of
from services.payments.domain.scale import FUNDINGS, Rate
from services.payments.domain.words import NO_BREAK, french_day, french_euros, grouped

KINDS = {
    "fonctionnement": "Fonctionnement",
    "fixe": "Part fixe",
    "variable": "Part variable",
    "complement_75": "Complément unique de 75 % du fonctionnement",
    "crise_reconnue": "Crise sanitaire reconnue",
    "lettre_intention": "Aide à la validation de la lettre d’intention",
    "snp": "Compensation des soins non programmés (ACI de 2019)",
    "adjustment": "Régularisation",
    "recovery": "Récupération",
}
STATES = {
    "ordered": "ordonné",
    "executed": "payé",
    "rejected": "rejeté par la banque",
    "refunded": "retourné",
}
LEVELS = {
    VERIFIED: "vérifiée par la caisse",
    VALIDATED: "validée",
    VISA: "validée, visa de l’ARS",
}
WITHOUT_AGREEMENT = ", sans accord de la CPTS"
# What nobody has verified yet, by where the indicator's values come from.
SOURCES = {
    "events": "calculée en direct",
    "activities": "déclarée",
    "declared": "déclarée",
    "caisse": "fichier de la caisse",
}
NONE_YET = "aucune"
UNKNOWN = "inconnu"


class StatedYear(msgspec.Struct, frozen=True, kw_only=True):
    """Whose year it is. What is not known of it is None."""

    cpts_id: str
    cpts_name: str | None
    departement: str
    starts_on: date
    ends_on: date | None
    taille: int | None
    population: int | None


class StatedDue(msgspec.Struct, frozen=True, kw_only=True):
    """A due sum, what was paid of it, and what orders that are under way hold."""

    kind: str
    mission: str | None
    amount_cents: int
    due_on: date
    is_held: bool
    is_verified: bool
    explanation: str
    paid_cents: int
    ordered_cents: int


class StatedTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """What an order of payment holds, or held, of the year."""

    order_id: str
    execute_on: date
    state: str
    amount_cents: int


def statement(
    year: StatedYear,
    account: Account,
    rates: Sequence[Rate],
    dues: Sequence[StatedDue],
    transfers: Iterable[StatedTransfer],
    *,
    adjusted: Sequence[YearAdjusted] = (),
    printed_on: date,
) -> dict[str, object]:
    """All that the document shows, ready to be shown; `adjusted` is what came after its settlement.

    The variable part is an estimate until the year is settled, then what was settled.
    """
    estimate = price(account, rates)
    return {
        "title": f"État de l’année de contrat {_span(year)}",
        "cpts_name": year.cpts_name or year.cpts_id,
        "starts_on": french_day(year.starts_on),
        "printed_on": french_day(printed_on),
        "identity": _identity(year),
        "summary": [*_summary(dues), *_variable_summary(account, estimate, adjusted)],
        "dues": [_due(due) for due in dues],
        "settled_on": account.settled and french_day(account.settled.settled_on),
        "missions": _missions(account, rates, estimate),
        "adjustments": [_adjustment(one) for one in adjusted],
        "adjusted_amount": french_euros(estimate.variable_cents + _sum(adjusted)),
        "lines": [_line(account, one) for one in estimate.lines],
        "transfers": [
            {
                "order_id": one.order_id,
                "day": french_day(one.execute_on),
                "state": STATES[one.state],
                "amount": french_euros(one.amount_cents),
            }
            for one in transfers
        ],
    }


def _span(year: StatedYear) -> str:
    """The civil years that a contract year touches."""
    first, last = year.starts_on.year, (year.ends_on or year.starts_on).year
    return str(first) if first == last else f"{first}-{last}"


def _identity(year: StatedYear) -> list[tuple[str, str]]:
    ends_on = UNKNOWN if year.ends_on is None else french_day(year.ends_on)
    population = "" if year.population is None else f" ({grouped(year.population)} habitants)"
    return [
        ("Nom", year.cpts_name or UNKNOWN),
        ("Identifiant", year.cpts_id),
        ("Département", year.departement),
        ("Année de contrat", f"du {french_day(year.starts_on)} au {ends_on}"),
        ("Taille", UNKNOWN if year.taille is None else f"{year.taille}{population}"),
    ]


def _variable_summary(
    account: Account, estimate: Estimate, adjusted: Sequence[YearAdjusted]
) -> list[tuple[str, str]]:
    """What the variable part is worth: an estimate, or what was settled and what it became."""
    amount = french_euros(estimate.variable_cents)
    if account.settled is None:
        return [("Part variable estimée à ce jour", amount)]
    rows = [(f"Part variable arrêtée le {french_day(account.settled.settled_on)}", amount)]
    if adjusted:
        total = french_euros(estimate.variable_cents + _sum(adjusted))
        rows.append(("Part variable après ajustements", total))
    return rows


def _sum(adjusted: Iterable[YearAdjusted]) -> int:
    return sum(one.amount_cents for one in adjusted)


def _adjustment(one: YearAdjusted) -> dict[str, str]:
    known = indicators().get(one.indicator)
    return {
        "label": known.label if known else one.indicator,
        "day": french_day(one.adjusted_on),
        "due_year": french_day(one.due_year_starts_on),
        "amount": french_euros(one.amount_cents),
    }


def _summary(dues: Sequence[StatedDue]) -> list[tuple[str, str]]:
    due_cents = sum(due.amount_cents for due in dues if not due.is_held)
    held_cents = sum(due.amount_cents for due in dues if due.is_held)
    paid_cents = sum(due.paid_cents for due in dues)
    ordered_cents = sum(due.ordered_cents for due in dues)
    free_paid_cents = sum(due.paid_cents + due.ordered_cents for due in dues if not due.is_held)
    return [
        ("Sommes dues", french_euros(due_cents)),
        ("Sommes retenues, en attente de vérification", french_euros(held_cents)),
        ("Payé", french_euros(paid_cents)),
        ("Virements en cours", french_euros(ordered_cents)),
        ("Reste à payer (négatif : à récupérer)", french_euros(due_cents - free_paid_cents)),
    ]


def due_label(kind: str, mission: str | None) -> str:
    """What a due sum is, in words."""
    label = KINDS.get(kind, kind)
    if mission is None or mission == kind:
        return label
    return f"{label} : {FUNDINGS.get(mission, mission)}"


def _due(due: StatedDue) -> dict[str, object]:
    return {
        "label": due_label(due.kind, due.mission),
        "explanation": due.explanation,
        "due_on": french_day(due.due_on),
        "amount": french_euros(due.amount_cents),
        "paid": french_euros(due.paid_cents),
        "state": _state(due),
        "is_verified": due.is_verified,
    }


def _state(due: StatedDue) -> str:
    if due.is_held:
        return "retenue"
    if due.paid_cents == due.amount_cents:
        return "payée"
    if due.paid_cents + due.ordered_cents == due.amount_cents:
        return "ordonnée"
    return "à récupérer" if due.amount_cents < due.paid_cents + due.ordered_cents else "due"


def _missions(
    account: Account, rates: Sequence[Rate], estimate: Estimate
) -> list[dict[str, object]]:
    found = []
    for one in estimate.missions:
        rate = _rate(account, rates, one.mission)
        envelope = UNKNOWN if one.envelope_cents is None else french_euros(one.envelope_cents)
        found.append(
            {
                "label": FUNDINGS[one.mission],
                "lines": french_euros(one.lines_cents),
                "envelope": envelope,
                "amount": french_euros(one.amount_cents),
                "is_verified": rate is not None and rate.is_verified,
            }
        )
    return found


def _rate(account: Account, rates: Sequence[Rate], mission: str) -> Rate | None:
    """The rate that gives a mission's envelope; once the year is settled, the one that gave it."""
    if account.settled is None:
        return variable_rate(account, rates, mission)
    settled = {one.mission: one.rate_id for one in account.settled.rates}
    return next((rate for rate in rates if rate.rate_id == settled.get(mission)), None)


def _line(account: Account, amount: LineAmount) -> dict[str, object]:
    line = account.line(line_id_of(amount))
    assert line is not None, "an amount is that of a line"
    return {
        "label": line.label,
        "rule": rule_of(line),
        "value": _value(line, amount),
        "level": "" if amount.value is None else level_of(amount, account.settled),
        "amount": french_euros(amount.amount_cents),
    }


def level_of(amount: LineAmount, settled: YearSettled | None) -> str:
    """How sure the value of a line is, in words; said before levels were told, nothing. Of a value
    that settled the year without the agreement of the CPTS, that too.
    """
    if amount.level == LIVE:
        known = indicators().get(amount.indicator)
        return SOURCES[known.source] if known else ""
    is_without = settled is not None and amount.indicator in (settled.without_agreement or ())
    return LEVELS.get(amount.level or "", "") + (WITHOUT_AGREEMENT if is_without else "")


def line_words(line: Line, amount: LineAmount) -> str:
    """How a line's amount comes about, in words."""
    return (
        f"{rule_of(line)} ; valeur : {_value(line, amount)} = {french_euros(amount.amount_cents)}"
    )


def _value(line: Line, amount: LineAmount) -> str:
    return NONE_YET if amount.value is None else _measured(line, amount.value)


def rule_of(line: Line) -> str:
    """What a line brings, in words."""
    most = french_euros(line.max_cents)
    target = _measured(line, line.target or 0)
    match line.mode:
        case "all_or_nothing":
            reached = "ne dépasse pas" if line.is_lower_better else "atteint"
            return f"{most} si la valeur {reached} {target}"
        case "linear":
            baseline = f" depuis {_measured(line, line.baseline)}" if line.baseline else ""
            return f"en proportion{baseline}, jusqu’à {most} pour {target}"
        case "steps":
            from_there = "jusqu’à" if line.is_lower_better else "dès"
            steps = (
                f"{french_euros(step.amount_cents)} {from_there} {_measured(line, step.threshold)}"
                for step in line.steps
            )
            return f"par paliers : {' ; '.join(steps)}"


def _measured(line: Line, value: int) -> str:
    """A value in the unit of the line's indicator; a rate is shown in percent."""
    known = indicators().get(line.indicator)
    if known is None or known.unit != "basis_points":
        return grouped(value)
    whole, hundredths = divmod(value, 100)
    return f"{grouped(whole)},{hundredths:02d}{NO_BREAK}%"
