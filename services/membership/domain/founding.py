"""How a CPTS comes to be: its lettre d'intention, and the association that it becomes.

An entry's event carries its whole content: recorded again with other content, it is corrected.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from stdnum.fr import siren, siret

from contracts.communes import Commune
from contracts.events.membership import AssociationRecorded, LettreIntentionRecorded
from services.membership.domain import Cpts
from services.membership.domain.parameters import Missions
from services.membership.domain.refusals import Reason, Refusal

SIREN_DIGITS = 9
LOCAL_LAW_DEPARTEMENTS = ("57", "67", "68")


class LegalForm(StrEnum):
    """What law the association is of."""

    LOI_1901 = "loi_1901"
    DROIT_LOCAL = "droit_local"


def check_lettre(
    lettre: LettreIntentionRecorded, *, communes: Mapping[str, Commune | None], missions: Missions
) -> Refusal | None:
    """Why a lettre d'intention is refused; `communes` is what each of its codes resolves to."""
    unknown = sorted(code for code in lettre.communes if communes.get(code) is None)
    if unknown:
        return Refusal(
            reason=Reason.UNKNOWN_COMMUNE,
            detail=f"Aucune commune n'a ni n'a eu les codes : {', '.join(unknown)}.",
            extension={"communes": unknown},
        )
    for planned in lettre.calendar:
        refusal = not_a_mission(planned.mission, missions)
        if refusal is not None:
            return refusal
    return validated_too_early(lettre)


def rewritten_refusal(present: LettreIntentionRecorded | None) -> Refusal | None:
    """Why a CPTS does not change its own lettre: what was validated is what it said that day."""
    if present is None or present.validated_on is None:
        return None
    return Refusal(
        reason=Reason.LETTRE_VALIDATED,
        detail=f"La lettre est validée depuis le {present.validated_on} : seules la caisse ou "
        "l'ARS la corrigent.",
    )


def validated_too_early(lettre: LettreIntentionRecorded) -> Refusal | None:
    """The refusal of a validation before the lettre was sent."""
    if lettre.validated_on is None or lettre.validated_on >= lettre.sent_on:
        return None
    return before_it_was_sent("La lettre d'intention", lettre.sent_on)


def check_association(cpts: Cpts, association: AssociationRecorded) -> Refusal | None:
    """Why an association is refused: its legal form is no form, or not that of its seat; one of its
    numbers cannot be.
    """
    if association.legal_form not in tuple(LegalForm):
        return Refusal(
            reason=Reason.UNKNOWN_LEGAL_FORM,
            detail=f"Forme inconnue : {association.legal_form}. Connues : {', '.join(LegalForm)}.",
        )
    if (
        association.legal_form == LegalForm.DROIT_LOCAL
        and cpts.departement not in LOCAL_LAW_DEPARTEMENTS
    ):
        return Refusal(
            reason=Reason.LEGAL_FORM_OF_ANOTHER_PLACE,
            detail="Le droit local des associations vaut en Moselle, dans le Bas-Rhin et le "
            "Haut-Rhin seulement.",
        )
    return _number_refusal(association.siren, association.siret)


def _number_refusal(siren_number: str | None, siret_number: str | None) -> Refusal | None:
    """The refusal of a SIREN or SIRET whose check digit is wrong, and of two that disagree."""
    if siret_number is not None:
        if not siret.is_valid(siret_number):
            return _wrong_check_digit("SIRET", siret_number)
        if siret_number[:SIREN_DIGITS] != siren_number:
            return Refusal(
                reason=Reason.SIRET_OF_ANOTHER_SIREN,
                detail=f"Le SIRET {siret_number} n'est pas d'un établissement du SIREN"
                f" {siren_number}.",
            )
    elif siren_number is not None and not siren.is_valid(siren_number):
        return _wrong_check_digit("SIREN", siren_number)
    return None


def _wrong_check_digit(kind: str, number: str) -> Refusal:
    return Refusal(
        reason=Reason.WRONG_CHECK_DIGIT, detail=f"La clé du numéro {kind} {number} est fausse."
    )


def not_a_mission(mission: str, missions: Missions) -> Refusal | None:
    """The refusal of a mission that the ACI does not have; None when it has it."""
    known = [rule.mission for rule in missions.missions]
    if mission in known:
        return None
    return Refusal(
        reason=Reason.NOT_A_MISSION,
        detail=f"L'ACI n'a pas de mission {mission}. Elle a : {', '.join(known)}.",
    )


def before_it_was_sent(what: str, sent_on: date) -> Refusal:
    """The refusal of a day that comes before something was sent; `what` is French."""
    return Refusal(
        reason=Reason.DAY_BEFORE_IT_WAS_SENT,
        detail=f"{what} : rien ne peut être décidé avant son envoi, le {sent_on}.",
    )
