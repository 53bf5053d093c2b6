"""Why an order about money that moves is refused: coded reasons in order of precedence."""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec


class MoneyRefusal(enum.StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_BATCH = "unknown_batch"
    ACCOUNT_MISSING = "account_missing"
    ACCOUNT_NOT_IN_CHART = "account_not_in_chart"
    UNKNOWN_FUNCTION = "unknown_function"
    UNKNOWN_CATEGORY = "unknown_category"
    IBAN_INVALID = "iban_invalid"
    PERIOD_ENDS_BEFORE_IT_STARTS = "period_ends_before_it_starts"
    EXECUTION_IN_THE_PAST = "execution_in_the_past"
    ANSWERS_UNREADABLE = "answers_unreadable"
    ANSWERS_IMPOSSIBLE = "answers_impossible"
    ACCOUNT_CHANGED = "account_changed"
    SAME_PERSON = "same_person"
    MINUTES_NEEDED = "minutes_needed"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    PASS_UNKNOWN = "pass_unknown"  # noqa: S105 - the plafond
    PASS_EXCEEDED = "pass_exceeded"  # noqa: S105


MONEY_REFUSAL_TEXTS: Mapping[MoneyRefusal, str] = {
    MoneyRefusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des paiements.",
    MoneyRefusal.UNKNOWN_ACCOUNT: "Ce compte bancaire n'a pas été proposé.",
    MoneyRefusal.UNKNOWN_BATCH: "Ce lot de virements n'existe pas.",
    MoneyRefusal.ACCOUNT_MISSING: "Un compte bancaire que ce lot demande, de la caisse ou "
    "d'une CPTS, n'est pas confirmé ou n'est plus dans la base.",
    MoneyRefusal.ACCOUNT_NOT_IN_CHART: "Des comptes du grand livre ne sont pas au plan de comptes.",
    MoneyRefusal.UNKNOWN_FUNCTION: "Cette fonction n'est pas dans la liste.",
    MoneyRefusal.UNKNOWN_CATEGORY: "Cette catégorie de dépense n'est pas dans la liste.",
    MoneyRefusal.IBAN_INVALID: "Cet IBAN n'est pas valide.",
    MoneyRefusal.PERIOD_ENDS_BEFORE_IT_STARTS: "La période finit avant de commencer.",
    MoneyRefusal.EXECUTION_IN_THE_PAST: "Un virement ne s'exécute pas avant d'être ordonné.",
    MoneyRefusal.ANSWERS_UNREADABLE: "Des lignes de la réponse de la banque ne sont pas lisibles.",
    MoneyRefusal.ANSWERS_IMPOSSIBLE: "Des lignes de la réponse de la banque ne concernent aucun "
    "virement de ce lot, ou contredisent ce qu'elle a dit ; rien n'a été enregistré.",
    MoneyRefusal.ACCOUNT_CHANGED: "Le compte a été modifié depuis ; relisez-le avant de confirmer.",
    MoneyRefusal.SAME_PERSON: "Un compte est confirmé par une autre personne que celle qui l'a "
    "proposé.",
    MoneyRefusal.MINUTES_NEEDED: "Une somme à un membre se justifie par un temps passé.",
    MoneyRefusal.AMOUNT_NOT_POSITIVE: "Le montant est d'au moins un centime.",
    MoneyRefusal.PASS_UNKNOWN: "Le plafond de la sécurité sociale de cette année n'est pas connu.",
    MoneyRefusal.PASS_EXCEEDED: "Le professionnel dépasserait le plafond annuel de la sécurité "
    "sociale, toutes CPTS confondues.",
}


ABSENCES = frozenset(
    {
        MoneyRefusal.UNKNOWN_CPTS,
        MoneyRefusal.UNKNOWN_ACCOUNT,
        MoneyRefusal.UNKNOWN_BATCH,
        MoneyRefusal.ACCOUNT_MISSING,
    }
)


class Refusal(msgspec.Struct, frozen=True):
    """A reason, and what the caller needs to know beside it."""

    reason: MoneyRefusal
    extension: Mapping[str, Any] = {}
