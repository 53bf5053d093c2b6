"""What membership's orders answer: the present state of what they are about."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from contracts.events.membership import MissionPlanned, Signature, Termination
from services.membership.domain.directory import Warned
from services.membership.domain.projet import Outcome
from services.messaging.documents import also

S = TypeVar("S", bound=msgspec.Struct)


class ShownCpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS without its entries; `sequence` is that of its last event.

    From `merged_on` on it is a part of `into_cpts_id`.
    """

    cpts_id: str
    cpts_name: str
    seat_commune: str
    departement: str
    finess: str | None
    emerged_on: date
    merged_on: date | None
    into_cpts_id: str | None
    sequence: int


class ShownPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a territory."""

    cpts_id: str
    entry_id: str
    commune: str
    part: str | None
    population: int | None
    from_on: date
    to_on: date | None
    is_withdrawn: bool


class ShownPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one order, in its order."""

    entries: Sequence[ShownPlace]


class ShownMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member; `directory_warnings` is what the national directory says otherwise when asked."""

    cpts_id: str
    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None
    is_withdrawn: bool
    structure_id: str | None
    directory_warnings: Sequence[Warned] = ()


class ShownMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The members of one order, in its order."""

    members: Sequence[ShownMember]


class ShownParticipation(msgspec.Struct, frozen=True, kw_only=True):
    """A participation in the SAS; `verified_by` is the platform whose list says it."""

    cpts_id: str
    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None
    is_withdrawn: bool
    verified_by: str | None = None
    directory_warnings: Sequence[Warned] = ()


class ShownYear(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year with its taille."""

    starts_on: date
    ends_on: date
    taille: int
    population: int


class ShownAci(msgspec.Struct, frozen=True, kw_only=True):
    """An ACI with its contract years; `renews` is the ACI that it follows without a day between."""

    cpts_id: str
    aci_id: str
    signed_on: date
    contract_years: Sequence[ShownYear]
    is_withdrawn: bool
    termination: Termination | None
    signatures: Sequence[Signature]
    renews: str | None


class ShownLettre(msgspec.Struct, frozen=True, kw_only=True):
    """A lettre d'intention."""

    cpts_id: str
    lettre_id: str
    sent_on: date
    communes: Sequence[str]
    study_sha256: str | None
    partners: Sequence[str]
    calendar: Sequence[MissionPlanned]
    validated_on: date | None
    is_withdrawn: bool


class ShownProjet(msgspec.Struct, frozen=True, kw_only=True):
    """A projet de santé, with what the ARS or its silence decided."""

    cpts_id: str
    projet_id: str
    sent_on: date
    silence_ends_on: date
    document_sha256: str | None
    outcome: Outcome
    decided_on: date | None
    is_tacit: bool
    grounds: Sequence[str]


class ShownAssociation(msgspec.Struct, frozen=True, kw_only=True):
    """The association that a CPTS is."""

    cpts_id: str
    association_id: str
    declared_on: date
    legal_form: str
    rna: str | None
    siren: str | None
    siret: str | None
    is_withdrawn: bool


class ShownMission(msgspec.Struct, frozen=True, kw_only=True):
    """A mission of an ACI."""

    cpts_id: str
    mission_id: str
    mission: str
    started_on: date
    deployed_on: date | None
    ended_on: date | None
    is_withdrawn: bool


class ShownStructure(msgspec.Struct, frozen=True, kw_only=True):
    """A structure of a CPTS."""

    cpts_id: str
    structure_id: str
    kind: str
    structure_name: str
    from_on: date
    finess: str | None
    siret: str | None
    rna: str | None
    to_on: date | None
    is_withdrawn: bool
    directory_warnings: Sequence[Warned] = ()


class ShownProfessional(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works in a structure."""

    cpts_id: str
    structure_id: str
    professional_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None
    is_withdrawn: bool
    directory_warnings: Sequence[Warned] = ()


class ShownTool(msgspec.Struct, frozen=True, kw_only=True):
    """A digital tool of a CPTS."""

    cpts_id: str
    tool_id: str
    kind: str
    tool_name: str
    is_dmp_compatible: bool
    is_interoperable: bool
    from_on: date
    to_on: date | None
    is_withdrawn: bool


class ShownTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """The CPTS that gave places and people, and the one that took them, as they are then."""

    gave: ShownCpts
    took: ShownCpts


def shown(entry: msgspec.Struct, shape: type[S], **more: Any) -> S:
    """An entry, of which its last event is the state, in the shape in which it is answered, with
    what else it shows.
    """
    return shape(**msgspec.structs.asdict(entry), **more)


def already(shape: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """For the document: the answer to an order that left nothing to do."""
    return also(200, shape, "Rien à faire : l'état présent")


def recorded(shape: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """For the document: the answer to an order that records what was not known."""
    return also(201, shape, "Enregistré pour la première fois")
