"""What a SAS platform says when it refuses, for a worklist: bounded, and of nobody.

A platform may repeat in its words what its own registers hold, such as the name of a professional.
Only codes and places in the resource are kept as they are; of a text whatever may name or number a
person is masked: digits, addresses, and words with a capital that are not FHIR's or a sentence's.
"""

import re

import msgspec

ISSUES_MAX = 3
LENGTH_MAX = 300
MASK = "…"
_CODE = re.compile(r"[A-Za-z][A-Za-z-]{0,39}")
_EXPRESSION = re.compile(r"[A-Za-z]+(\[\d{1,3}\])?(\.[A-Za-z]+(\[\d{1,3}\])?){0,9}")
_WORD = re.compile(r"\S+")
_ORDINARY = frozenset(
    """
    Appointment Practitioner Regul Identifier Reference Extension OperationOutcome Slot Coding Meta
    FrAppointmentOperator FrAppointmentSAS IDNPS IDNST INTRN RPPS ADELI UUID SAS CPTS FHIR JSON HTTP
    L D N C S Le La Les Un Une Des Ce Cet Cette Ces Aucun Aucune Il Elle Erreur Identifiant
    Statut Type Profil
    Rendez-vous Professionnel Effecteur Régulateur Créneau Date Heure Élément Valeur Champ Ressource
    The A An No Not This Invalid Missing Unknown Unexpected Error Required Resource Value Status
    Element Profile Conflict Duplicate Rejected Refused Refusé Refusée Inconnu Inconnue Impossible
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


class _Coding(msgspec.Struct):
    code: str | None = None


class _Details(msgspec.Struct):
    text: str | None = None
    coding: list[_Coding] = []


class _Issue(msgspec.Struct):
    code: str | None = None
    details: _Details | None = None
    diagnostics: str | None = None
    expression: list[str] = []


class _Outcome(msgspec.Struct):
    issue: list[_Issue] = []


def words_of(body: bytes) -> str | None:
    """What an answer's OperationOutcome says; None when the body is no such thing, or empty."""
    try:
        outcome = msgspec.json.decode(body, type=_Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    told = [words for one in outcome.issue[:ISSUES_MAX] if (words := _issue(one))]
    return "; ".join(told)[:LENGTH_MAX] or None


def _issue(issue: _Issue) -> str:
    """The code, the reasons, the places and the text of an issue."""
    details = issue.details or _Details()
    codes = [issue.code, *(one.code for one in details.coding)]
    parts = [one for one in codes if one and _CODE.fullmatch(one)]
    parts += [one for one in issue.expression if _EXPRESSION.fullmatch(one)][:ISSUES_MAX]
    texts = dict.fromkeys(one for one in (details.text, issue.diagnostics) if one)
    parts += [masked(one[:LENGTH_MAX]) for one in texts]
    return " ".join(parts)


def masked(text: str) -> str:
    """A text without what may name or number a person."""
    return re.sub(r"(… ?)+", "… ", _WORD.sub(lambda word: _masked(word[0]), text)).strip()


def _masked(word: str) -> str:
    """A word, or the mask: inside it also parts after a hyphen, an apostrophe or a point count."""
    bare = word.strip(".,;:!?()[]{}«»\"'’`")
    if bare in _ORDINARY:
        return word
    if any(one.isdigit() or one in "@/\\|" for one in bare):
        return MASK
    parts = re.split(r"['’.:=-]", bare)
    if any(one[:1].isupper() and one not in _ORDINARY for one in parts):
        return MASK
    return word if len(bare) <= 30 else MASK  # noqa: PLR2004 - no word of French is longer
