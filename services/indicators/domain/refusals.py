"""Why indicators refuses an order: coded reasons in order of precedence, with what a user reads."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Why an order is refused, in order of precedence."""

    UNKNOWN_CPTS = "unknown_cpts"
    UNKNOWN_INDICATOR = "unknown_indicator"
    UNKNOWN_CONTRACT_YEAR = "unknown_contract_year"
    CPTS_OR_FINESS_NEEDED = "cpts_or_finess_needed"
    MALFORMED_ROW = "malformed_row"
    DIGEST_NEEDED = "digest_needed"
    TOO_LARGE = "too_large"
    ANOTHER_TYPE = "another_type"
    ANOTHER_DIGEST = "another_digest"
    ALREADY_EXISTS = "already_exists"
    UNKNOWN_CRISIS = "unknown_crisis"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_TYPOLOGY = "unknown_typology"
    UNKNOWN_DEPARTEMENT = "unknown_departement"
    DAYS_OUT_OF_ORDER = "days_out_of_order"
    CRISIS_WITHDRAWN = "crisis_withdrawn"
    CRISIS_ELSEWHERE = "crisis_elsewhere"
    DAY_TO_COME = "day_to_come"
    NOT_DECLARED = "not_declared"
    NOT_OF_THE_CAISSE = "not_of_the_caisse"
    INDICATOR_NOT_OF_THAT_YEAR = "indicator_not_of_that_year"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    DAY_OUTSIDE_CONTRACT_YEAR = "day_outside_contract_year"
    SAID_TWICE = "said_twice"
    ROWS_REFUSED = "rows_refused"
    NOT_YET_DECIDED = "not_yet_decided"
    ANOTHER_SAMPLE = "another_sample"
    UNKNOWN_SAMPLE = "unknown_sample"
    NOT_VALIDATED = "not_validated"
    ANOTHER_VALUE_VALIDATED = "another_value_validated"
    NOT_YET_HELD = "not_yet_held"
    UNKNOWN_APPOINTMENT = "unknown_appointment"
    NOT_DOUBTFUL = "not_doubtful"
    DECIDED_BY_THE_CAISSE = "decided_by_the_caisse"
    NOT_GIVEN_AWAY = "not_given_away"
    NO_TWIN = "no_twin"
    PART_OF_ANOTHER = "part_of_another"


# The reasons that say that something is not there.
ABSENCES: Final = frozenset(
    (
        Refusal.UNKNOWN_CPTS,
        Refusal.UNKNOWN_INDICATOR,
        Refusal.UNKNOWN_CONTRACT_YEAR,
        Refusal.UNKNOWN_CRISIS,
        Refusal.UNKNOWN_APPOINTMENT,
        Refusal.UNKNOWN_SAMPLE,
    )
)

# The reasons that HTTP has a status of its own for.
STATUSES: Final[Mapping[Refusal, int]] = {
    Refusal.DIGEST_NEEDED: 400,
    Refusal.TOO_LARGE: 413,
    Refusal.ANOTHER_TYPE: 415,
    Refusal.ANOTHER_DIGEST: 422,
} | dict.fromkeys(ABSENCES, 404)

REFUSAL_TEXTS: Final[Mapping[Refusal, str]] = {
    Refusal.UNKNOWN_CPTS: "Cette CPTS n'est pas encore connue du service des indicateurs.",
    Refusal.UNKNOWN_INDICATOR: "Cet indicateur n'existe pas.",
    Refusal.UNKNOWN_CONTRACT_YEAR: "Aucune année de contrat de cette CPTS ne commence ce jour-là.",
    Refusal.CPTS_OR_FINESS_NEEDED: "La ligne nomme une CPTS par son identifiant ou son FINESS.",
    Refusal.MALFORMED_ROW: "La ligne n'a pas la forme attendue.",
    Refusal.NOT_DECLARED: "La valeur de cet indicateur n'est pas déclarée par la CPTS.",
    Refusal.NOT_OF_THE_CAISSE: "La valeur de cet indicateur ne vient pas de la caisse.",
    Refusal.INDICATOR_NOT_OF_THAT_YEAR: "Cet indicateur n'est pas de cette année de contrat.",
    Refusal.VALUE_OUT_OF_RANGE: "La valeur dépasse ce que l'unité de l'indicateur permet.",
    Refusal.DAY_OUTSIDE_CONTRACT_YEAR: "Ce jour est hors de l'année de contrat, ou à venir.",
    Refusal.SAID_TWICE: "Une autre ligne dit la même CPTS, la même année et le même indicateur.",
    Refusal.ROWS_REFUSED: "Rien n'est repris du fichier : des lignes sont à corriger.",
    Refusal.NOT_YET_DECIDED: "La décision date d'avant l'année de contrat, ou d'un jour à venir.",
    Refusal.ANOTHER_SAMPLE: "Ce ne sont pas les pièces que cette graine tire.",
    Refusal.UNKNOWN_SAMPLE: "Aucun échantillon de ce numéro n'a été tiré de ce chiffre.",
    Refusal.NOT_VALIDATED: "La caisse n'a pas validé ce chiffre.",
    Refusal.ANOTHER_VALUE_VALIDATED: "La caisse a validé une autre valeur.",
    Refusal.DIGEST_NEEDED: "L'empreinte SHA-256 de la pièce est à donner (Content-Digest).",
    Refusal.TOO_LARGE: "Une pièce compte au plus 20 Mo.",
    Refusal.ANOTHER_TYPE: "Une pièce est un PDF, un PNG, un JPEG, un XLSX, un ZIP ou un CSV, et"
    " son contenu est du type annoncé.",
    Refusal.ANOTHER_DIGEST: "Le contenu reçu n'a pas l'empreinte annoncée.",
    Refusal.ALREADY_EXISTS: "Cet identifiant est déjà celui d'une autre pièce.",
    Refusal.UNKNOWN_CRISIS: "L'ARS n'a pas reconnu de crise sous cet identifiant.",
    Refusal.UNKNOWN_TYPOLOGY: "Cette typologie de crise n'existe pas.",
    Refusal.UNKNOWN_DEPARTEMENT: "Un des départements n'existe pas.",
    Refusal.DAYS_OUT_OF_ORDER: "Un des jours vient avant celui qui doit le précéder.",
    Refusal.CRISIS_WITHDRAWN: "L'ARS a retiré cette crise.",
    Refusal.CRISIS_ELSEWHERE: "La crise n'est pas reconnue dans le département de la CPTS.",
    Refusal.DAY_TO_COME: "Un des jours est à venir.",
    Refusal.UNKNOWN_KIND: "Ce genre d'activité n'existe pas (GET /activity-kinds les donne).",
    Refusal.UNKNOWN_APPOINTMENT: "La plateforme SAS n'a annoncé aucun rendez-vous sous cet"
    " identifiant.",
    Refusal.NOT_DOUBTFUL: "Rien n'est douteux dans l'attribution de ce rendez-vous.",
    Refusal.DECIDED_BY_THE_CAISSE: "La caisse a déjà décidé pour ce rendez-vous.",
    Refusal.NOT_GIVEN_AWAY: "Une CPTS renonce à un rendez-vous qu'elle compte, ou le laisse à une"
    " autre des CPTS possibles ; le reste revient à la caisse.",
    Refusal.NO_TWIN: "Aucun autre rendez-vous de ce professionnel ne commence à cette minute.",
    Refusal.PART_OF_ANOTHER: "Ce jour-là, cette CPTS a fusionné dans une autre.",
    Refusal.NOT_YET_HELD: "Une activité se déclare à partir du jour où elle a lieu.",
}
