"""What a CPTS pays its members, and uses its funds for.

CSP art. D. 1434-44: an indemnité makes up for income lost because of functions held in the CPTS, a
rémunération is for taking part in its missions. Both together, per professional and civil year,
stay within the PASS (plafond annuel de la sécurité sociale), over all CPTS.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from contracts.events.payments import FundsUsed, IndemnityRecorded
from services.payments.domain.money_refusals import MoneyRefusal, Refusal

FUNCTIONS: Mapping[str, str] = {
    "presidence": "Présidence",
    "bureau": "Membre du bureau ou du conseil d'administration",
    "coordination": "Coordination",
    "referent_mission": "Référent d'une mission",
    "groupe_de_travail": "Groupe de travail",
    "reunion": "Réunion pluriprofessionnelle",
    "protocole": "Rédaction d'un protocole ou d'un parcours",
    "action_de_prevention": "Action de prévention",
    "formation": "Formation donnée aux membres",
    "cellule_de_crise": "Cellule de crise",
}
CATEGORIES: Mapping[str, str] = {
    "salaires": "Salaires et charges (coordination, secrétariat)",
    "locaux": "Locaux",
    "outils_numeriques": "Outils numériques",
    "communication": "Communication",
    "deplacements": "Déplacements et réceptions",
    "formation": "Formation",
    "materiel": "Petit matériel et fournitures",
    "prestations": "Prestations et honoraires",
    "assurances": "Assurances",
    "frais_bancaires": "Frais bancaires",
}
INDEMNITIES_CATEGORY = "indemnites"
"""Under which the sums to members stand in the ledger; no use is declared under it."""


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The PASS of a civil year, with where it was read and whether that was verified."""

    year: int
    amount_cents: int
    text: str
    status: str
    is_verified: bool


class PaidInYear(msgspec.Struct, frozen=True, kw_only=True):
    """What one professional receives in the civil year of an order, over all CPTS.

    `others_cents` leaves out the entry that the order replaces.
    """

    ceiling: Ceiling | None
    others_cents: int


def record_indemnity(
    asked: IndemnityRecorded, present: IndemnityRecorded | None, paid: PaidInYear
) -> IndemnityRecorded | Refusal | None:
    """The event that records an indemnité or rémunération, None if it is so already, or why not.

    A correction that does not raise what the professional receives in that year always passes,
    whatever the ceiling.
    """
    if asked == present:
        return None
    if asked.function not in FUNCTIONS:
        return Refusal(MoneyRefusal.UNKNOWN_FUNCTION)
    if asked.minutes < 1:
        return Refusal(MoneyRefusal.MINUTES_NEEDED)
    if asked.amount_cents < 1:
        return Refusal(MoneyRefusal.AMOUNT_NOT_POSITIVE)
    if counted_cents(asked) <= _present_cents(asked, present):
        return asked
    if paid.ceiling is None:
        return Refusal(MoneyRefusal.PASS_UNKNOWN)
    remaining_cents = paid.ceiling.amount_cents - paid.others_cents
    if asked.amount_cents > remaining_cents:
        return Refusal(
            MoneyRefusal.PASS_EXCEEDED,
            {
                "year": asked.paid_on.year,
                "pass_cents": paid.ceiling.amount_cents,
                "pass_is_verified": paid.ceiling.is_verified,
                "remaining_cents": max(remaining_cents, 0),
            },
        )
    return asked


def counted_cents(indemnity: IndemnityRecorded) -> int:
    """What an entry counts for: nothing once withdrawn."""
    return 0 if indemnity.is_withdrawn else indemnity.amount_cents


def _present_cents(asked: IndemnityRecorded, present: IndemnityRecorded | None) -> int:
    """What the replaced entry counts for in the professional's same year."""
    if present is None:
        return 0
    if (present.rpps, present.paid_on.year) != (asked.rpps, asked.paid_on.year):
        return 0
    return counted_cents(present)


def use_funds(asked: FundsUsed, present: FundsUsed | None) -> FundsUsed | Refusal | None:
    """The event that declares a use of funds, None if it is so already, or why it is refused."""
    if asked == present:
        return None
    if asked.category not in CATEGORIES:
        return Refusal(MoneyRefusal.UNKNOWN_CATEGORY)
    if asked.amount_cents < 1:
        return Refusal(MoneyRefusal.AMOUNT_NOT_POSITIVE)
    return asked


def bank_of(cpts_id: str) -> str:
    """The account of the ledger that a CPTS's money at its bank is."""
    return f"bank:{cpts_id}"


def debt_account(cpts_id: str, rpps: str) -> str:
    """The account of the ledger that a CPTS's debt to a professional is; negative while it owes."""
    return f"member:{cpts_id}:{rpps}"


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry puts in the journal `uses`: its category, cents, day, and whom it credits."""

    category: str
    amount_cents: int
    day: date
    credited: str


def posted_by(event: IndemnityRecorded | FundsUsed) -> Posted | None:
    """What an entry puts in the ledger; None once withdrawn.

    The CPTS's bank is credited with what it paid by itself, a debt to the professional with what a
    batch has still to pay.
    """
    if event.is_withdrawn:
        return None
    bank = bank_of(event.cpts_id)
    if isinstance(event, FundsUsed):
        return Posted(
            category=event.category,
            amount_cents=event.amount_cents,
            day=event.used_on,
            credited=bank,
        )
    return Posted(
        category=INDEMNITIES_CATEGORY,
        amount_cents=event.amount_cents,
        day=event.paid_on,
        credited=debt_account(event.cpts_id, event.rpps) if event.is_paid_by_batch else bank,
    )


def use_postings(
    cpts_id: str, before: Posted | None, after: Posted | None
) -> Iterable[tuple[str, int, date]]:
    """The ledger lines (account, signed cents, day) of an entry that replaces another.

    What stood before is reversed on its own day; the ledger only grows.
    """
    if before == after:
        return
    for posted, sign in ((before, -1), (after, 1)):
        if posted is not None:
            cents = sign * posted.amount_cents
            yield f"use:{cpts_id}:{posted.category}", cents, posted.day
            yield posted.credited, -cents, posted.day
