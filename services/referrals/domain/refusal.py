"""Why an order is refused: sentences about the world.

Several can hold at once; each order looks at its own in a fixed precedence, which `orders` states
and a test reads row by row.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """A coded reason; `label` is what a French reader is told."""

    DEMAND_ALREADY_KNOWN = "demand_already_known"
    UNKNOWN_COMMUNE = "unknown_commune"
    UNKNOWN_NEED = "unknown_need"
    RECEIVED_BEFORE_THE_SAS = "received_before_the_sas"
    RECEIVED_IN_THE_FUTURE = "received_in_the_future"
    NOT_AWAITING_ANSWER = "not_awaiting_answer"
    NOT_THE_OFFERED_CPTS = "not_the_offered_cpts"
    ANSWER_TOO_LATE = "answer_too_late"
    NO_PART_NEEDED = "no_part_needed"
    UNKNOWN_PART = "unknown_part"
    NOTHING_TO_RETURN = "nothing_to_return"
    NO_APPOINTMENT = "no_appointment"
    UNKNOWN_REASON = "unknown_reason"
    UNKNOWN_SIDE = "unknown_side"
    NOTHING_TO_MOVE = "nothing_to_move"
    PRACTITIONER_NOT_A_MEMBER = "practitioner_not_a_member"
    APPOINTMENT_NOT_STARTED = "appointment_not_started"
    APPOINTMENT_IN_THE_PAST = "appointment_in_the_past"
    APPOINTMENT_AFTER_SEE_BY = "appointment_after_see_by"
    APPOINTMENT_TOO_LATE = "appointment_too_late"

    @property
    def label(self) -> str:
        """The reason in French."""
        return _LABELS[self]


_LABELS = {
    Refusal.DEMAND_ALREADY_KNOWN: "Cette demande est déjà connue, avec un autre contenu",
    Refusal.UNKNOWN_COMMUNE: "Ce code n'est celui d'aucune commune",
    Refusal.UNKNOWN_NEED: "Ce besoin n'est pas dans la liste",
    Refusal.RECEIVED_BEFORE_THE_SAS: "La demande serait reçue avant que le SAS n'existe",
    Refusal.RECEIVED_IN_THE_FUTURE: "La demande serait reçue dans le futur",
    Refusal.NOT_AWAITING_ANSWER: "Cette demande n'attend pas de réponse",
    Refusal.NOT_THE_OFFERED_CPTS: "La demande est proposée à une autre CPTS",
    Refusal.ANSWER_TOO_LATE: "Le délai de réponse est écoulé",
    Refusal.NO_PART_NEEDED: "Cette demande n'attend pas qu'on précise son lieu",
    Refusal.UNKNOWN_PART: "Aucun territoire n'a ce secteur, ou la ville n'a pas cet arrondissement",
    Refusal.NOTHING_TO_RETURN: "Il n'y a plus rien à rendre à la régulation",
    Refusal.NO_APPOINTMENT: "Il n'y a pas de rendez-vous que cet ordre puisse changer",
    Refusal.UNKNOWN_REASON: "Ce motif n'est pas dans la liste",
    Refusal.UNKNOWN_SIDE: "L'auteur de l'annulation n'est pas dans la liste",
    Refusal.NOTHING_TO_MOVE: "Le rendez-vous garderait la même heure et le même professionnel",
    Refusal.PRACTITIONER_NOT_A_MEMBER: "Le professionnel n'est pas membre de la CPTS ce jour-là",
    Refusal.APPOINTMENT_NOT_STARTED: "Le rendez-vous n'a pas encore commencé",
    Refusal.APPOINTMENT_IN_THE_PAST: "Le rendez-vous serait dans le passé",
    Refusal.APPOINTMENT_AFTER_SEE_BY: "Le rendez-vous dépasserait le délai de la demande",
    Refusal.APPOINTMENT_TOO_LATE: "Le rendez-vous serait reporté trop longtemps après ce délai",
}


def first_that_holds(*reasons: tuple[Refusal, bool]) -> Refusal | None:
    """The first reason whose condition is true: the order of the arguments is the precedence."""
    return next((refusal for refusal, holds in reasons if holds), None)
