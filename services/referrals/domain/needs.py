"""What a demand may ask for: a closed list of codes, so that no free text enters."""

from enum import StrEnum


class Need(StrEnum):
    """A code of what is needed; `label` is what a French reader is shown."""

    CONSULTATION_GENERALISTE = "consultation_generaliste"
    CONSULTATION_PEDIATRIQUE = "consultation_pediatrique"
    SOINS_DENTAIRES = "soins_dentaires"
    SOINS_INFIRMIERS = "soins_infirmiers"
    SAGE_FEMME = "sage_femme"
    KINESITHERAPIE = "kinesitherapie"
    RENOUVELLEMENT_URGENT = "renouvellement_urgent"
    PETITE_TRAUMATOLOGIE = "petite_traumatologie"

    @property
    def label(self) -> str:
        """The need in French."""
        return _LABELS[self]


_LABELS = {
    Need.CONSULTATION_GENERALISTE: "Consultation de médecine générale",
    Need.CONSULTATION_PEDIATRIQUE: "Consultation pour un enfant",
    Need.SOINS_DENTAIRES: "Soins dentaires",
    Need.SOINS_INFIRMIERS: "Soins infirmiers",
    Need.SAGE_FEMME: "Consultation de sage-femme",
    Need.KINESITHERAPIE: "Kinésithérapie",
    Need.RENOUVELLEMENT_URGENT: "Renouvellement urgent d'une ordonnance",
    Need.PETITE_TRAUMATOLOGIE: "Petite traumatologie",
}
