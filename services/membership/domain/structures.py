"""Structures of a CPTS, those who work in them, and its digital tools.

A professional belongs to the CPTS personally, or through a structure of it on the days on which
they work in it and it belongs to the CPTS.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import msgspec

from contracts.events.membership import (
    MemberRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    ToolRecorded,
)
from services.membership.domain import CAME_FROM, Cpts, have_common_day
from services.membership.domain.professionals import (
    check_digit_refusal,
    overlap_refusal,
    profession_refusal,
)
from services.membership.domain.refusals import (
    Reason,
    Refusal,
    absent,
    already_exists,
    earliest_again,
    period_refusal,
    runs_on_refusal,
)


class StructureKind(StrEnum):
    """What a structure is; the law names who may be part of a CPTS (CSP, L. 1434-12)."""

    ESP = "esp"  # équipe de soins primaires
    ESS = "ess"  # équipe de soins spécialisés, en expérimentation
    MSP = "msp"  # maison de santé pluriprofessionnelle
    CDS = "cds"  # centre de santé
    ETABLISSEMENT_DE_SANTE = "etablissement_de_sante"
    ESMS = "esms"  # établissement ou service social ou médico-social
    STRUCTURE_SOCIALE = "structure_sociale"
    COLLECTIVITE_TERRITORIALE = "collectivite_territoriale"
    ASSOCIATION_DE_PATIENTS = "association_de_patients"


TEAMS = frozenset({StructureKind.ESP, StructureKind.ESS})
"""Teams that need be no legal entity, so that they may have no number."""


class ToolKind(StrEnum):
    """What a digital tool is for."""

    SHARED_AGENDA = "shared_agenda"
    PROFESSIONAL_NETWORK = "professional_network"
    SECURE_MESSAGING = "secure_messaging"
    COORDINATION = "coordination"
    TELECONSULTATION = "teleconsultation"
    OTHER = "other"


def check_structure(
    cpts: Cpts,
    structure: StructureRecorded,
    *,
    present: StructureRecorded | None = None,
    earliest: date | None = None,
) -> Refusal | None:
    """Why a structure is refused: of no known kind, without a number, or with an unsound period.

    `present` is the structure as it stands; `earliest` the first day that who orders it may say.
    """
    if present is None and CAME_FROM in structure.structure_id:
        return absent(Reason.UNKNOWN_STRUCTURE, "La structure", structure.structure_id)
    refusal = None if structure.is_withdrawn else runs_on_refusal(cpts, structure.to_on)
    if refusal is not None:
        return refusal
    if structure.kind not in tuple(StructureKind):
        return _unknown_kind(structure.kind, StructureKind)
    has_number = structure.finess or structure.siret or structure.rna
    if not has_number and structure.kind not in TEAMS:
        return Refusal(
            reason=Reason.NUMBER_NEEDED,
            detail="Cette structure se déclare avec son FINESS, son SIRET ou son numéro RNA.",
        )
    if present is not None:
        earliest = earliest_again(earliest, present.from_on)
    return period_refusal(structure.from_on, structure.to_on, earliest=earliest)


def check_professional(
    cpts: Cpts,
    professional: StructureProfessionalRecorded,
    *,
    is_check_digit_overridden: bool,
    others: Iterable[MemberRecorded],
    known: MemberRecorded | None = None,
    present: StructureProfessionalRecorded | None = None,
    earliest: date | None = None,
) -> Refusal | None:
    """Why somebody cannot be recorded as working in a structure.

    `others` are the CPTS's present entries of the same person, `known` the member and `present`
    the professional that have the id of this entry; `earliest` is as in `check_structure`.
    """
    if any(_is_another(one, professional) for one in (known, present)):
        return already_exists("Le membre", member_id_of(professional))
    if professional.is_withdrawn:
        return None
    if present is not None:
        earliest = earliest_again(earliest, present.from_on)
    return (
        runs_on_refusal(cpts, professional.to_on)
        or profession_refusal(professional.profession)
        or period_refusal(professional.from_on, professional.to_on, earliest=earliest)
        or check_digit_refusal(professional.rpps, is_overridden=is_check_digit_overridden)
        or overlap_refusal(
            _member(professional, is_withdrawn=False),
            [one for one in others if one.structure_id == professional.structure_id],
        )
    )


def check_tool(cpts: Cpts, tool: ToolRecorded) -> Refusal | None:
    """Why a tool is refused: of no known kind, or with an unsound period."""
    refusal = None if tool.is_withdrawn else runs_on_refusal(cpts, tool.to_on)
    if refusal is not None:
        return refusal
    if tool.kind not in tuple(ToolKind):
        return _unknown_kind(tool.kind, ToolKind)
    return period_refusal(tool.from_on, tool.to_on)


def belonging(
    professional: StructureProfessionalRecorded, structure: StructureRecorded
) -> MemberRecorded:
    """How somebody belongs to the CPTS through a structure; withdrawn when on no day."""
    is_withdrawn = (
        professional.is_withdrawn
        or structure.is_withdrawn
        or not have_common_day(
            professional.from_on, professional.to_on, structure.from_on, structure.to_on
        )
    )
    member = _member(professional, is_withdrawn=is_withdrawn)
    if is_withdrawn:
        return member
    ends = [day for day in (professional.to_on, structure.to_on) if day is not None]
    return msgspec.structs.replace(
        member,
        from_on=max(professional.from_on, structure.from_on),
        to_on=min(ends, default=None),
    )


def belonging_again(
    professionals: Iterable[StructureProfessionalRecorded],
    structure: StructureRecorded,
    *,
    present: Iterable[MemberRecorded],
) -> list[MemberRecorded]:
    """What changes of those who work in a structure; `present` are their entries as they stand."""
    known = {one.member_id: one for one in present}
    found = (belonging(one, structure) for one in professionals)
    return [
        one
        for one in found
        if one != known.get(one.member_id) and not (one.is_withdrawn and one.member_id not in known)
    ]


def member_id_of(professional: StructureProfessionalRecorded) -> str:
    """The id of the entry through which somebody in a structure belongs to the CPTS."""
    return f"{professional.structure_id}:{professional.professional_id}"


def _is_another(
    known: MemberRecorded | StructureProfessionalRecorded | None,
    professional: StructureProfessionalRecorded,
) -> bool:
    """Whether an id is already of another person or structure: it stays theirs for ever."""
    who = (professional.structure_id, professional.rpps)
    return known is not None and (known.structure_id, known.rpps) != who


def _member(professional: StructureProfessionalRecorded, *, is_withdrawn: bool) -> MemberRecorded:
    return MemberRecorded(
        cpts_id=professional.cpts_id,
        member_id=member_id_of(professional),
        rpps=professional.rpps,
        profession=professional.profession,
        from_on=professional.from_on,
        to_on=professional.to_on,
        is_withdrawn=is_withdrawn,
        structure_id=professional.structure_id,
    )


def _unknown_kind(kind: str, kinds: type[StrEnum]) -> Refusal:
    return Refusal(
        reason=Reason.UNKNOWN_KIND,
        detail=f"Nature inconnue : {kind}. Connues : {', '.join(kinds)}.",
    )
