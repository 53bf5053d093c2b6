"""The scale: amounts by taille, funding and part, each from a date on."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from contracts.events.payments import RateConfirmed, RatePublished
from services.payments.domain.refusals import Refusal

RATES_SUBJECT = "rates"
RATES_DEPARTEMENT = "00"
VARIABLE_PART = "variable"
TAILLES = (1, 2, 3, 4)

MISSIONS: dict[str, str] = {
    "acces_aux_soins": "Accès aux soins",
    "parcours_pluriprofessionnel": "Parcours pluriprofessionnel autour du patient",
    "prevention": "Actions territoriales de prévention",
    "crise_sanitaire": "Réponse aux crises sanitaires",
    "qualite_et_pertinence": "Qualité et pertinence des soins",
    "accompagnement": "Accompagnement des professionnels de santé",
}
# What the scale pays for: the missions, and the running of the CPTS.
FUNDINGS: Mapping[str, str] = MISSIONS | {"fonctionnement": "Fonctionnement"}
# The fixed part of the mission on crises falls to half once the plan is written. The totals are
# shown only: how the access mission of 2019 was divided was not found. SNP: soins non programmés.
PARTS: Mapping[str, str] = {
    "fixe": "Part fixe",
    "variable": "Part variable",
    "fixe_plan": "Part fixe, année de la rédaction du plan de crise",
    "fixe_mise_a_jour": "Part fixe, années suivantes (mise à jour du plan)",
    "crise_reconnue": "Complément en cas de crise sanitaire reconnue",
    "fonctionnement": "Financement du fonctionnement",
    "complement_75": "Complément unique de 75 % du fonctionnement",
    "lettre_intention": "Aide à la validation de la lettre d'intention",
    "snp": "Compensation spécifique des soins non programmés (ACI de 2019)",
    "total": "Part fixe et part variable ensemble, sans la compensation SNP",
    "total_avec_snp": "Part fixe, part variable et compensation SNP ensemble",
}


# The missions with a variable part; crises have none: their amounts depend on what happens.
WITH_VARIABLE_PART = MISSIONS.keys() - {"crise_sanitaire"}


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
    unit: str = ""


def check_rate(rate: RatePublished) -> Refusal | None:
    """Why this rate cannot be published, or None. Reasons come in the order of `Refusal`."""
    if rate.mission not in FUNDINGS:
        return Refusal.UNKNOWN_MISSION
    if rate.part not in PARTS:
        return Refusal.UNKNOWN_PART
    if rate.taille not in TAILLES:
        return Refusal.UNKNOWN_TAILLE
    if not rate.text.strip():
        return Refusal.TEXT_NEEDED
    if rate.to_on is not None and rate.to_on < rate.from_on:
        return Refusal.PERIOD_ENDS_BEFORE_IT_STARTS
    if rate.amount_cents < 0:
        return Refusal.AMOUNT_NEGATIVE
    return None


def confirm_rate(
    rate: Rate | None, confirmation: RateConfirmed, known: RateConfirmed | None, today: date
) -> RateConfirmed | Refusal | None:
    """The event that confirms a rate; None when it was said so already; or why it is refused.

    `known` is the confirmation that the rate has. The first one stands.
    """
    if rate is None:
        return Refusal.UNKNOWN_RATE
    if not confirmation.text.strip():
        return Refusal.TEXT_NEEDED
    if confirmation.read_on > today:
        return Refusal.READ_IN_THE_FUTURE
    if confirmation.amount_cents != rate.amount_cents:
        return Refusal.ANOTHER_AMOUNT
    if known is None:
        return confirmation
    return None if known == confirmation else Refusal.ALREADY_CONFIRMED


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


def says_the_same(known: Rate, rate: RatePublished) -> bool:
    """Whether a known rate has all the values of this one: an amount is never edited.

    A rate that was published before units were told has none.
    """
    fields = msgspec.structs.asdict(rate)
    if not known.unit:
        del fields["unit"]
    return all(getattr(known, name) == value for name, value in fields.items())
