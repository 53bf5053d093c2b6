"""Why payments refuses an order: coded reasons in order of precedence, with what a user reads."""

import enum
from collections.abc import Mapping


class Refusal(enum.StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_INDICATOR = "unknown_indicator"
    UNKNOWN_MISSION = "unknown_mission"
    NO_VARIABLE_PART = "no_variable_part"
    UNKNOWN_PART = "unknown_part"
    UNKNOWN_TAILLE = "unknown_taille"
    UNKNOWN_DOCUMENT = "unknown_document"
    TEXT_NEEDED = "text_needed"
    PERIOD_ENDS_BEFORE_IT_STARTS = "period_ends_before_it_starts"
    AMOUNT_NEGATIVE = "amount_negative"
    TARGET_NEEDED = "target_needed"
    BASELINE_NEEDED = "baseline_needed"
    TARGET_NOT_BEYOND_BASELINE = "target_not_beyond_baseline"
    STEPS_NEEDED = "steps_needed"
    STEPS_NOT_INCREASING = "steps_not_increasing"
    AMOUNT_ABOVE_MAXIMUM = "amount_above_maximum"
    LINE_TWICE = "line_twice"
    LINES_OVERLAP = "lines_overlap"
    ENVELOPE_EXCEEDED = "envelope_exceeded"
    LINES_REFUSED = "lines_refused"
    ALREADY_EXISTS = "already_exists"


REFUSAL_TEXTS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des paiements.",
    Refusal.UNKNOWN_INDICATOR: "Cet indicateur n'existe pas.",
    Refusal.UNKNOWN_MISSION: "Cette mission n'existe pas.",
    Refusal.NO_VARIABLE_PART: "Cette mission n'a pas de part variable.",
    Refusal.UNKNOWN_PART: "Cette part n'existe pas.",
    Refusal.UNKNOWN_TAILLE: "La taille va de 1 à 4.",
    Refusal.TEXT_NEEDED: "Un montant cite le texte où il a été lu.",
    Refusal.PERIOD_ENDS_BEFORE_IT_STARTS: "La période finit avant de commencer.",
    Refusal.AMOUNT_NEGATIVE: "Un montant ne peut pas être négatif.",
    Refusal.TARGET_NEEDED: "Ce mode de calcul demande une cible d'au moins 1.",
    Refusal.UNKNOWN_DOCUMENT: "Ce document attendu n'existe pas.",
    Refusal.BASELINE_NEEDED: "Ce mode de calcul demande une valeur initiale.",
    Refusal.TARGET_NOT_BEYOND_BASELINE: "La cible doit être au-delà de la valeur initiale.",
    Refusal.LINE_TWICE: "Cette ligne est présente deux fois.",
    Refusal.LINES_OVERLAP: "Une autre ligne paie déjà ce même résultat.",
    Refusal.ENVELOPE_EXCEEDED: "Les lignes de la mission dépassent ensemble son enveloppe.",
    Refusal.LINES_REFUSED: "Aucune ligne n'est enregistrée : voir les erreurs, ligne par ligne.",
    Refusal.STEPS_NEEDED: "Ce mode de calcul demande au moins un palier.",
    Refusal.STEPS_NOT_INCREASING: "Les paliers doivent croître, en seuil comme en montant.",
    Refusal.AMOUNT_ABOVE_MAXIMUM: "Un palier dépasse le maximum de la ligne.",
    Refusal.ALREADY_EXISTS: "Cet identifiant est déjà pris par un autre montant.",
}
