"""The members of a CPTS and their participation in the SAS (service d'accès aux soins).

A professional is known by their RPPS (répertoire partagé des professionnels de santé): `8`, then
eleven digits of which the last is a check digit. Public examples break it, so it blocks typed
entries only, and may be overridden; at other doors a wrong digit is listed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from contracts.events.membership import MemberRecorded, ParticipationRecorded
from contracts.professions import professions
from contracts.rpps import has_right_check_digit
from services.membership.domain import Correction, Cpts, have_common_day
from services.membership.domain.refusals import (
    Reason,
    Refusal,
    already_exists,
    earliest_again,
    period_refusal,
    runs_on_refusal,
)


class Way(StrEnum):
    """How a professional takes part in the SAS, with the label that a user reads."""

    OWN_OFFICE = "own_office"  # à titre individuel
    CPTS = "cpts"  # par la CPTS
    MSP = "msp"  # par une maison de santé pluriprofessionnelle
    SOS = "sos"  # par SOS Médecins


class MemberAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A member to record, as typed."""

    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None
    is_check_digit_overridden: bool


class ParticipationAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A participation to record, as the CPTS declares it."""

    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None
    is_check_digit_overridden: bool


def record_members(
    cpts: Cpts,
    asked: Iterable[MemberAsked],
    *,
    known: Mapping[str, MemberRecorded],
    present: Iterable[MemberRecorded],
    of_structures: Collection[str] = (),
    earliest: date | None = None,
) -> list[MemberRecorded] | Refusal:
    """The events of new members of one CPTS, all or none; the first refusal names its `member_id`.

    `known` holds the first event of those members that exist: the same content again changes
    nothing. `present` holds the CPTS's present entries of the professionals asked for. The ids
    `of_structures` are those of people who belong through one. `earliest` is the first day that
    who orders it may say, None for any.
    """
    first_events = dict(known)
    of_rpps: dict[str, list[MemberRecorded]] = {}
    for entry in present:
        if entry.structure_id is None:
            of_rpps.setdefault(entry.rpps, []).append(entry)
    recorded: list[MemberRecorded] = []
    for one in asked:
        entry = MemberRecorded(
            cpts_id=cpts.cpts_id,
            member_id=one.member_id,
            rpps=one.rpps,
            profession=one.profession,
            from_on=one.from_on,
            to_on=one.to_on,
        )
        first_event = first_events.get(one.member_id)
        if first_event == entry:
            continue
        same_professional = of_rpps.setdefault(one.rpps, [])
        refusal = runs_on_refusal(cpts, one.to_on) or (
            already_exists("Le membre", one.member_id)
            if first_event is not None or one.member_id in of_structures
            else profession_refusal(one.profession)
            or period_refusal(one.from_on, one.to_on, earliest=earliest)
            or check_digit_refusal(one.rpps, is_overridden=one.is_check_digit_overridden)
            or overlap_refusal(entry, same_professional)
        )
        if refusal is not None:
            return refusal.about(member_id=one.member_id)
        first_events[one.member_id] = entry
        same_professional.append(entry)
        recorded.append(entry)
    return recorded


def correct_member(
    cpts: Cpts,
    member: MemberRecorded,
    correction: Correction,
    *,
    present: Sequence[MemberRecorded],
    earliest: date | None = None,
) -> MemberRecorded | Refusal | None:
    """The event of a member's new dates; None if nothing changes.

    `present` holds the CPTS's present entries of the same professional; `earliest` is as in
    `record_members`.
    """
    if member.structure_id is not None:
        return Refusal(
            reason=Reason.BELONGS_THROUGH_STRUCTURE,
            detail=f"Ce membre l'est par la structure {member.structure_id} : c'est là que ses "
            "dates se corrigent.",
            extension={"structure_id": member.structure_id},
        )
    corrected = msgspec.structs.replace(
        member,
        from_on=correction.from_on,
        to_on=correction.to_on,
        is_withdrawn=correction.is_withdrawn,
    )
    if corrected == member:
        return None
    refusal = None if corrected.is_withdrawn else runs_on_refusal(cpts, corrected.to_on)
    refusal = refusal or period_refusal(
        corrected.from_on, corrected.to_on, earliest=earliest_again(earliest, member.from_on)
    )
    if refusal is None and not corrected.is_withdrawn:
        personal = [one for one in present if one.structure_id is None]
        refusal = overlap_refusal(corrected, personal)
    return corrected if refusal is None else refusal.about(member_id=member.member_id)


def record_participation(
    cpts: Cpts, asked: ParticipationAsked, *, first_event: ParticipationRecorded | None
) -> ParticipationRecorded | Refusal | None:
    """The event of a participation; None when it is recorded already. It needs no membership."""
    entry = ParticipationRecorded(
        cpts_id=cpts.cpts_id,
        participation_id=asked.participation_id,
        rpps=asked.rpps,
        way=asked.way,
        from_on=asked.from_on,
        to_on=asked.to_on,
    )
    if first_event == entry:
        return None
    refusal = runs_on_refusal(cpts, asked.to_on)
    if refusal is not None:
        return refusal
    if first_event is not None:
        return already_exists("La participation", asked.participation_id)
    if asked.way not in tuple(Way):
        return Refusal(
            reason=Reason.UNKNOWN_WAY,
            detail=f"Manière de participer inconnue : {asked.way}. Connues : {', '.join(Way)}.",
        )
    return (
        period_refusal(asked.from_on, asked.to_on)
        or check_digit_refusal(asked.rpps, is_overridden=asked.is_check_digit_overridden)
        or entry
    )


def correct_participation(
    participation: ParticipationRecorded, correction: Correction
) -> ParticipationRecorded | Refusal | None:
    """The event of a participation's new dates; None if nothing changes."""
    if participation.verified_by is not None:
        return Refusal(
            reason=Reason.VERIFIED_BY_PLATFORM,
            detail=f"C'est la liste de la plateforme {participation.verified_by} qui le dit : sa "
            "prochaine liste seule le change.",
        )
    corrected = msgspec.structs.replace(
        participation,
        from_on=correction.from_on,
        to_on=correction.to_on,
        is_withdrawn=correction.is_withdrawn,
    )
    if corrected == participation:
        return None
    return period_refusal(corrected.from_on, corrected.to_on) or corrected


def profession_refusal(profession: str) -> Refusal | None:
    """The refusal of a mistyped code (`1O` for `10`): it would never count, and nobody be told."""
    if profession in professions():
        return None
    return Refusal(
        reason=Reason.UNKNOWN_PROFESSION,
        detail=f"Aucune profession de santé n'a le code {profession} "
        "(nomenclature TRE_G15-ProfessionSante).",
    )


def check_digit_refusal(rpps: str, *, is_overridden: bool) -> Refusal | None:
    """The refusal of a typed RPPS whose check digit is wrong, unless the order overrides it."""
    if is_overridden or has_right_check_digit(rpps):
        return None
    return Refusal(
        reason=Reason.WRONG_CHECK_DIGIT,
        detail=f"La clé du numéro RPPS {rpps} est fausse. Si le numéro est le bon, "
        "l'ordre peut le dire (is_check_digit_overridden).",
    )


def overlap_refusal(entry: MemberRecorded, present: Iterable[MemberRecorded]) -> Refusal | None:
    """The refusal of an entry that shares a day with another of the same kind and person."""
    for other in present:
        if (
            other.member_id != entry.member_id
            and not other.is_withdrawn
            and have_common_day(entry.from_on, entry.to_on, other.from_on, other.to_on)
        ):
            return Refusal(
                reason=Reason.MEMBER_OVERLAP,
                detail=f"Le professionnel {entry.rpps} est déjà membre à cette période "
                f"(entrée {other.member_id}).",
                extension={"overlaps": other.member_id},
            )
    return None
