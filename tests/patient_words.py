"""The words that a field or a column would have if it described a person who seeks care."""

from typing import Final

BANNED: Final = frozenset(
    (
        *("patient", "person", "usager", "caller", "appelant", "contact", "beneficiaire", "assure"),
        *("name", "nom", "prenom", "firstname", "lastname", "surname", "given", "family"),
        *("identite", "identity", "birth", "birthdate", "birthday", "birthplace", "born", "dob"),
        *("naissance", "age", "death", "nir", "ins", "insi", "nss", "ssn", "ipp", "phone"),
        *("telephone", "tel", "mobile", "email", "mail", "address", "adresse", "street", "rue"),
        *("latitude", "longitude", "sex", "sexe", "gender", "genre", "comment", "commentaire"),
        *("note", "text", "texte", "freetext", "message", "description", "remark", "remarque"),
        *("observation", "label", "title", "symptom", "symptome", "diagnosis", "diagnostic"),
        *("antecedent", "motive", "motif", "detail", "allergy", "allergie", "treatment"),
    )
)


def tells_of_a_person(name: str) -> bool:
    """Whether a word of the name, singular or plural, is a banned one."""
    words = {*name.lower().split("_"), name.lower().replace("_", "")}
    return bool(BANNED & {*words, *(word.removesuffix("s") for word in words)})
