"""Why an order on agendas, slots and bookings is refused."""

from enum import StrEnum


class Refusal(StrEnum):
    """A coded reason; `label` is what a French reader is told."""

    CPTS_UNKNOWN = "cpts_unknown"
    PRACTITIONER_NOT_A_MEMBER = "practitioner_not_a_member"
    AGENDA_OF_ANOTHER = "agenda_of_another"
    AGENDA_CLOSED = "agenda_closed"
    UNKNOWN_SLOT_TYPE = "unknown_slot_type"
    CPTS_AND_TYPE_DIFFER = "cpts_and_type_differ"
    CAPACITY_OUT_OF_BOUNDS = "capacity_out_of_bounds"
    TOO_MANY_SLOTS = "too_many_slots"
    SLOT_IN_THE_PAST = "slot_in_the_past"
    SLOT_LENGTH_OUT_OF_BOUNDS = "slot_length_out_of_bounds"
    HOURS_IMPOSSIBLE = "hours_impossible"
    FILE_UNREADABLE = "file_unreadable"
    REGULATOR_UNKNOWN = "regulator_unknown"
    REGULATOR_DISABLED = "regulator_disabled"
    SLOT_CLOSED = "slot_closed"
    CPTS_NEEDED = "cpts_needed"
    NOT_A_CPTS_OF_THE_SLOT = "not_a_cpts_of_the_slot"
    SLOT_FULL = "slot_full"
    DECLARATION_NOT_REFUSED = "declaration_not_refused"
    DECLARATION_OUTDATED = "declaration_outdated"

    @property
    def label(self) -> str:
        """The reason in French."""
        return _LABELS[self]


_LABELS = {
    Refusal.CPTS_UNKNOWN: "Aucune CPTS de cet identifiant n'est connue",
    Refusal.PRACTITIONER_NOT_A_MEMBER: "Le professionnel n'est pas membre de la CPTS ce jour-là",
    Refusal.AGENDA_OF_ANOTHER: "Cet agenda est d'une autre CPTS ou d'un autre professionnel",
    Refusal.AGENDA_CLOSED: "Cet agenda est fermé",
    Refusal.UNKNOWN_SLOT_TYPE: "Un type de créneau ou de consultation est inconnu",
    Refusal.CPTS_AND_TYPE_DIFFER: "Un créneau nomme des CPTS si et seulement s'il est de type CPTS",
    Refusal.CAPACITY_OUT_OF_BOUNDS: "Un créneau a de 1 à 100 places, et de 0 à 100 de plus",
    Refusal.TOO_MANY_SLOTS: "Il y a trop de créneaux en une fois",
    Refusal.SLOT_IN_THE_PAST: "Le créneau est dans le passé",
    Refusal.SLOT_LENGTH_OUT_OF_BOUNDS: "Un créneau dure de 5 minutes à 8 heures",
    Refusal.HOURS_IMPOSSIBLE: "Des horaires ne contiennent aucun créneau",
    Refusal.FILE_UNREADABLE: "Le fichier ne peut pas être lu en entier ; rien n'en est pris",
    Refusal.REGULATOR_UNKNOWN: "Aucun compte de régulateur n'a cet identifiant",
    Refusal.REGULATOR_DISABLED: "Le compte de ce régulateur est désactivé",
    Refusal.SLOT_CLOSED: "Ce créneau n'est plus ouvert",
    Refusal.CPTS_NEEDED: "Ce créneau est de plusieurs CPTS : il faut dire laquelle",
    Refusal.NOT_A_CPTS_OF_THE_SLOT: "Ce créneau n'est pas de cette CPTS",
    Refusal.SLOT_FULL: "Toutes les places de ce créneau sont prises",
    Refusal.DECLARATION_NOT_REFUSED: "La plateforme n'a pas refusé cette déclaration",
    Refusal.DECLARATION_OUTDATED: "Une déclaration plus récente de ce rendez-vous existe",
}
