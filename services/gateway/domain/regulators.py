"""Accounts of regulators (INT_R02): what a Practitioner says of one, and which account it is about.

| fault                                                                    | answer |
|--------------------------------------------------------------------------|--------|
| not JSON, not a Practitioner, an element of another type, missing, empty | 400    |
| an identifier under the wrong system, a telecom that is no e-mail        | 422    |
| another profile or source than a regulator's                             | 422    |
| an identifier of another active account                                  | 422    |

Elements that an account does not need are neither refused nor kept. What sources say differently
is in `docs/adr/0023-regulators-accounts.md`.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from contracts.events.gateway import RegulatorIdentifier
from services.gateway.domain.faults import Fault
from services.gateway.domain.naming import (
    IDENTIFIER_TYPES,
    IDNPS,
    IDNPS_SYSTEM,
    IDNST_SYSTEM,
    INTRN,
    REGULATOR_PROFILE,
    REGULATORS_SYSTEM,
)

# The guide's example 1.1.0 has a national identifier under the system of structures.
SYSTEMS = {IDNPS: (IDNPS_SYSTEM, IDNST_SYSTEM), INTRN: (REGULATORS_SYSTEM,)}
NAME_LENGTH_MAX = 100
EMAIL_LENGTH_MAX = 254
IDENTIFIERS_MAX = 2
_VALUE = re.compile(r"[A-Za-z0-9._/:-]{1,80}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Coding(msgspec.Struct, frozen=True, kw_only=True):
    """A code of a system."""

    system: str | None = None
    code: str | None = None


class Concept(msgspec.Struct, frozen=True, kw_only=True):
    """A CodeableConcept, as far as identifiers need it."""

    coding: tuple[Coding, ...] | None = None


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """An Identifier."""

    type: Concept | None = None
    system: str | None = None
    value: str | None = None


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A HumanName."""

    family: str | None = None
    given: tuple[str, ...] | None = None


class Telecom(msgspec.Struct, frozen=True, kw_only=True):
    """A ContactPoint."""

    system: str | None = None
    value: str | None = None


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource says of itself."""

    source: str | None = None
    profile: tuple[str, ...] | None = None


class Practitioner(msgspec.Struct, frozen=True, kw_only=True):
    """The elements of a Practitioner that make an account."""

    resource_type: str = msgspec.field(name="resourceType")
    meta: Meta | None = None
    identifier: tuple[Identifier, ...] | None = None
    active: bool | None = None
    name: tuple[Name, ...] | None = None
    telecom: tuple[Telecom, ...] | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its platform tells it. Names and e-mail go into no event."""

    identifiers: tuple[RegulatorIdentifier, ...]
    is_active: bool
    family_name: str
    given_name: str
    email: str


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that has one of the identifiers in question."""

    regulator_id: str
    sequence: int
    is_active: bool
    identifiers: tuple[RegulatorIdentifier, ...]


class Key(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What makes two identifiers one: whose they are, and the value."""

    kind: str
    value: str


def key_of(identifier: RegulatorIdentifier) -> Key:
    """The key of an identifier."""
    return Key(kind=identifier.kind, value=identifier.value)


def keys_of_token(token: str) -> list[Key] | Fault:
    """Whom a search token (`system|value`, or a value alone) may name, of both kinds."""
    system, bar, value = token.rpartition("|")
    kinds = [kind for kind, systems in SYSTEMS.items() if not system or system in systems]
    if not _VALUE.fullmatch(value):
        return Fault(
            reason="identifier_malformed",
            text="Le paramètre identifier s'écrit « système|valeur ».",
            code="value",
        )
    if bar and not kinds:
        return Fault(
            reason="identifier_system_unknown",
            text="Le système de l'identifiant n'est ni celui des identifiants nationaux ni celui "
            "des comptes SAS.",
            code="code-invalid",
            is_rule=True,
        )
    return [Key(kind=kind, value=_normal(kind, value)) for kind in kinds]


def read_account(body: bytes) -> Account | Fault:
    """The account that a Practitioner of FrPractitionerRegul tells, or the first fault in it."""
    try:
        resource = msgspec.json.decode(body, type=Practitioner)
    except (msgspec.ValidationError, RecursionError) as error:
        return _malformed(
            "structure", f"Cette ressource n'est pas un Practitioner lisible{_at(error)}."
        )
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _malformed("structure", "Le corps de la requête n'est pas du JSON en UTF-8.")
    if resource.resource_type != "Practitioner":
        return _malformed("structure", "La ressource attendue est un Practitioner.", "resourceType")
    fault = _meta_fault(resource.meta)
    if fault is not None:
        return fault
    identifiers = _identifiers(resource.identifier or ())
    if isinstance(identifiers, Fault):
        return identifiers
    if resource.active is None:
        return _malformed("required", "L'élément active est obligatoire.", "Practitioner.active")
    names = _names(resource.name or ())
    if isinstance(names, Fault):
        return names
    email = _email(resource.telecom or ())
    if isinstance(email, Fault):
        return email
    return Account(
        identifiers=identifiers,
        is_active=resource.active,
        family_name=names[0],
        given_name=names[1],
        email=email,
    )


def account_meant(
    asked: Sequence[Key], account: Account, known: Iterable[KnownAccount]
) -> KnownAccount | None:
    """Which account a conditional update is about; None when it is a new one.

    The one that has the identifier asked for, an active one first, then the latest; else the one
    that has the identifier told: a change of identifier that is sent again finds it so.
    """
    ranked = sorted(known, key=lambda one: (one.is_active, one.sequence), reverse=True)
    for keys in (set(asked), {key_of(one) for one in account.identifiers}):
        for one in ranked:
            if keys & {key_of(each) for each in one.identifiers}:
                return one
    return None


def duplicate_of(
    account: Account, regulator_id: str | None, known: Iterable[KnownAccount]
) -> Fault | None:
    """Why the account cannot have its identifiers: another active one has them.

    Those of a disabled account may be given again, so that it may not be enabled with them then.
    """
    if not account.is_active:
        return None
    wanted = {key_of(one) for one in account.identifiers}
    for one in known:
        is_other = one.is_active and one.regulator_id != regulator_id
        if is_other and wanted & {key_of(each) for each in one.identifiers}:
            return Fault(
                reason="identifier_already_used",
                text="Un autre compte actif a déjà cet identifiant.",
                code="duplicate",
                expression="Practitioner.identifier",
                is_rule=True,
            )
    return None


def _meta_fault(meta: Meta | None) -> Fault | None:
    if meta is None:
        return None
    if meta.source is not None and meta.source != REGULATORS_SYSTEM:
        text = "La source d'un compte de régulateur est la plateforme SAS."
        return _rule("source_unknown", text, "Practitioner.meta.source")
    if meta.profile is not None and REGULATOR_PROFILE not in meta.profile:
        text = "Le profil attendu est FrPractitionerRegul."
        return _rule("profile_unknown", text, "Practitioner.meta.profile")
    return None


def _identifiers(told: Sequence[Identifier]) -> tuple[RegulatorIdentifier, ...] | Fault:
    where = "Practitioner.identifier"
    if not told:
        return _malformed("required", "Un identifiant est obligatoire.", where)
    if len(told) > IDENTIFIERS_MAX:
        return _malformed("structure", "Un compte a deux identifiants au plus.", where)
    found = []
    for one in told:
        coding = one.type.coding if one.type and one.type.coding else ()
        kinds = [each.code for each in coding if each.system == IDENTIFIER_TYPES]
        if len(kinds) != 1 or kinds[0] not in SYSTEMS:
            text = "Le type d'un identifiant est IDNPS ou INTRN."
            return _rule("identifier_type_unknown", text, f"{where}.type", code="code-invalid")
        kind = kinds[0]
        if one.system not in SYSTEMS[kind]:
            text = "Le système de l'identifiant n'est pas celui de son type."
            return _rule("identifier_system_mismatch", text, f"{where}.system", code="code-invalid")
        if one.value is None or not _VALUE.fullmatch(one.value):
            text = "La valeur de l'identifiant est absente ou mal formée."
            return _malformed("value", text, f"{where}.value")
        found.append(
            RegulatorIdentifier(kind=kind, system=one.system, value=_normal(kind, one.value))
        )
    if len({one.kind for one in found}) < len(found):
        return _rule("identifier_twice", "Deux identifiants sont du même type.", where)
    return tuple(found)


def _names(told: Sequence[Name]) -> tuple[str, str] | Fault:
    where = "Practitioner.name"
    if len(told) != 1:
        return _malformed("required", "Un nom, et un seul, est obligatoire.", where)
    given = told[0].given or ()
    if len(given) != 1:
        return _malformed("required", "Un prénom, et un seul, est obligatoire.", f"{where}.given")
    for word, element in ((told[0].family, "family"), (given[0], "given")):
        if not word or not word.strip():
            text = "Le nom ou le prénom est absent ou vide."
            return _malformed("required", text, f"{where}.{element}")
        if len(word) > NAME_LENGTH_MAX or not word.isprintable():
            text = "Le nom ou le prénom est trop long ou illisible."
            return _malformed("value", text, f"{where}.{element}")
    return (told[0].family or "").strip(), given[0].strip()


def _email(told: Sequence[Telecom]) -> str | Fault:
    where = "Practitioner.telecom"
    if not told:
        return _malformed("required", "Une adresse électronique est obligatoire.", where)
    if any(one.system != "email" for one in told):
        text = "Le moyen de joindre un régulateur est une adresse électronique (email)."
        return _rule("telecom_not_email", text, f"{where}.system", code="code-invalid")
    value = told[0].value
    if not value or len(value) > EMAIL_LENGTH_MAX or not _is_address(value):
        text = "L'adresse électronique est absente ou mal formée."
        return _malformed("value", text, f"{where}.value")
    return value


def _is_address(value: str) -> bool:
    return value.isprintable() and _EMAIL.fullmatch(value) is not None


def _normal(kind: str, value: str) -> str:
    """A UUID is the same in capitals; a national identifier is kept as it comes."""
    return value.lower() if kind == INTRN else value


def _malformed(code: str, text: str, expression: str = "") -> Fault:
    return Fault(reason=f"practitioner_{code}", text=text, code=code, expression=expression)


def _rule(reason: str, text: str, expression: str, *, code: str = "business-rule") -> Fault:
    return Fault(reason=reason, text=text, code=code, expression=expression, is_rule=True)


def _at(error: Exception) -> str:
    """Where in the body, if msgspec tells it; never what stands there."""
    found = re.search(r"`\$(\.[A-Za-z\[\].]+)?`", str(error))
    return f" ({found[1].lstrip('.')})" if found and found[1] else ""
