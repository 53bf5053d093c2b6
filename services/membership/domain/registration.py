"""The registration of a CPTS, and its FINESS (fichier national des établissements)."""

import msgspec

from contracts.communes import Commune
from contracts.events.membership import CptsRegistered, FinessAssigned
from services.membership.domain import Cpts
from services.membership.domain.refusals import Reason, Refusal, already_exists


def register(
    asked: CptsRegistered,
    *,
    seat: Commune | None,
    first_event: CptsRegistered | None,
    finess_holder: Cpts | None,
) -> CptsRegistered | Refusal | None:
    """The registration with the seat's present code; None when this CPTS is registered already.

    `seat` is what the seat's code resolves to, None when unknown; `finess_holder` the CPTS that
    has the FINESS asked for.
    """
    present_code = asked.seat_commune if seat is None else seat.code
    event = msgspec.structs.replace(asked, seat_commune=present_code)
    if first_event == event:
        return None
    if first_event is not None:
        return already_exists("La CPTS", asked.cpts_id)
    if seat is None:
        return Refusal(
            reason=Reason.UNKNOWN_COMMUNE,
            detail=f"Aucune commune n'a ni n'a eu le code {asked.seat_commune}.",
        )
    return _taken(finess_holder) or event


def register_new(
    asked: CptsRegistered, *, seat: Commune | None, first_event: CptsRegistered | None
) -> CptsRegistered | Refusal:
    """The registration of a CPTS that did not exist, without a FINESS yet."""
    if first_event is not None:
        return already_exists("La CPTS", asked.cpts_id)
    registered = register(asked, seat=seat, first_event=None, finess_holder=None)
    assert registered is not None, "it is not registered already"
    return registered


def assign_finess(
    cpts: Cpts, finess: str, *, finess_holder: Cpts | None
) -> FinessAssigned | Refusal:
    """The FINESS, given once."""
    if cpts.finess is not None:
        return Refusal(
            reason=Reason.FINESS_ALREADY_KNOWN,
            detail=f"Le FINESS de {cpts.cpts_name} est déjà connu : {cpts.finess}.",
        )
    return _taken(finess_holder) or FinessAssigned(cpts_id=cpts.cpts_id, finess=finess)


def correct_finess(
    cpts: Cpts, finess: str, *, finess_holder: Cpts | None
) -> FinessAssigned | Refusal | None:
    """The FINESS that replaces what was known; None when it is the present one."""
    if cpts.finess == finess:
        return None
    return _taken(finess_holder) or FinessAssigned(cpts_id=cpts.cpts_id, finess=finess)


def _taken(finess_holder: Cpts | None) -> Refusal | None:
    if finess_holder is None:
        return None
    return Refusal(
        reason=Reason.FINESS_TAKEN,
        detail=f"Ce FINESS est déjà celui de {finess_holder.cpts_name}.",
        extension={
            "held_by": [{"cpts_id": finess_holder.cpts_id, "cpts_name": finess_holder.cpts_name}]
        },
    )
