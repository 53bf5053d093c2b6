"""Why payments refuses an order: coded reasons in order of precedence, with what a user reads."""

import enum
from collections.abc import Mapping


class Refusal(enum.StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_RATE = "unknown_rate"
    UNKNOWN_CONTRACT_YEAR = "unknown_contract_year"
    YEAR_NOT_OVER = "year_not_over"
    OPENED_IN_THE_FUTURE = "opened_in_the_future"
    DIALOGUE_NOT_OPEN = "dialogue_not_open"
    ALREADY_SETTLED = "already_settled"
    YEAR_SETTLED = "year_settled"
    UNKNOWN_LINE = "unknown_line"
    VALUE_NEEDED = "value_needed"
    VALUES_MISSING = "values_missing"
    RATE_UNKNOWN = "rate_unknown"
    ANOTHER_SUM = "another_sum"
    UNKNOWN_INDICATOR = "unknown_indicator"
    UNKNOWN_MISSION = "unknown_mission"
    NO_VARIABLE_PART = "no_variable_part"
    UNKNOWN_PART = "unknown_part"
    UNKNOWN_TAILLE = "unknown_taille"
    TAILLE_NEEDED = "taille_needed"
    UNKNOWN_DOCUMENT = "unknown_document"
    TEXT_NEEDED = "text_needed"
    PERIOD_ENDS_BEFORE_IT_STARTS = "period_ends_before_it_starts"
    PERIODS_OVERLAP = "periods_overlap"
    ENDS_OUTSIDE_YEAR = "ends_outside_year"
    AMOUNT_NEGATIVE = "amount_negative"
    RATE_TWICE = "rate_twice"
    MEMBERS_AND_VALUE = "members_and_value"
    MEMBER_BOTH_WAYS = "member_both_ways"
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
    READ_IN_THE_FUTURE = "read_in_the_future"
    ANOTHER_AMOUNT = "another_amount"
    ALREADY_EXISTS = "already_exists"
    ALREADY_CONFIRMED = "already_confirmed"


REFUSAL_TEXTS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des paiements.",
    Refusal.UNKNOWN_RATE: "Ce montant n'est pas au barème.",
    Refusal.UNKNOWN_CONTRACT_YEAR: "Cette année de contrat n'est pas connue.",
    Refusal.YEAR_NOT_OVER: "Le dialogue de gestion s'ouvre une fois l'année de contrat finie.",
    Refusal.OPENED_IN_THE_FUTURE: "Un dialogue de gestion ne s'est pas ouvert après aujourd'hui.",
    Refusal.DIALOGUE_NOT_OPEN: "Le dialogue de gestion de cette année n'est pas ouvert.",
    Refusal.ALREADY_SETTLED: "Cette année est déjà arrêtée : une correction passe par ses valeurs.",
    Refusal.YEAR_SETTLED: "Cette année est arrêtée : ses lignes ne changent plus.",
    Refusal.UNKNOWN_LINE: "Cet indicateur n'a pas de ligne dans le contrat de cette année.",
    Refusal.VALUE_NEEDED: "Une année arrêtée a une valeur validée pour chaque ligne.",
    Refusal.VALUES_MISSING: "Des lignes n'ont pas encore de valeur validée.",
    Refusal.RATE_UNKNOWN: "L'enveloppe d'une mission n'est pas connue.",
    Refusal.ANOTHER_SUM: "Les valeurs validées ne donnent pas la somme que dit l'ordre.",
    Refusal.UNKNOWN_INDICATOR: (
        "Cet indicateur n'est pas au catalogue ; le code d'un résultat propre au contrat est de la "
        "forme local_…, en minuscules, chiffres et _."
    ),
    Refusal.UNKNOWN_MISSION: "Cette mission n'existe pas.",
    Refusal.NO_VARIABLE_PART: "Cette mission n'a pas de part variable.",
    Refusal.UNKNOWN_PART: "Cette part n'existe pas.",
    Refusal.UNKNOWN_TAILLE: "La taille va de 1 à 4.",
    Refusal.TAILLE_NEEDED: "La taille de cette année n'est pas connue : la supposer aussi.",
    Refusal.TEXT_NEEDED: "Un montant cite le texte où il a été lu.",
    Refusal.PERIOD_ENDS_BEFORE_IT_STARTS: "La période finit avant de commencer.",
    Refusal.PERIODS_OVERLAP: "Des périodes d'une même mission se chevauchent.",
    Refusal.ENDS_OUTSIDE_YEAR: "L'ACI finit hors de l'année de contrat qui est simulée.",
    Refusal.AMOUNT_NEGATIVE: "Un montant ne peut pas être négatif.",
    Refusal.RATE_TWICE: "Un même montant du barème est supposé deux fois.",
    Refusal.MEMBERS_AND_VALUE: (
        "Les médecins participant au SAS se supposent par leur nombre ou par leurs RPPS, pas par "
        "les deux."
    ),
    Refusal.MEMBER_BOTH_WAYS: "Un même médecin est supposé entrer et sortir.",
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
    Refusal.READ_IN_THE_FUTURE: "Un texte ne peut pas avoir été lu après aujourd'hui.",
    Refusal.ANOTHER_AMOUNT: "Le barème a un autre montant : publier celui qui a été lu.",
    Refusal.ALREADY_EXISTS: "Cet identifiant est déjà pris par un autre montant.",
    Refusal.ALREADY_CONFIRMED: "Ce montant a déjà été confirmé, en d'autres termes.",
}
