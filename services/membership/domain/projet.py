"""The projet de santé: sent to the ARS, which may object for a time, and whose silence validates.

CSP, L. 1434-12: "réputé validé, sauf si le directeur général de l'agence régionale de santé s'y
oppose dans un délai de deux mois", on two grounds only.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from contracts.events.membership import (
    ProjetDeSanteObjected,
    ProjetDeSanteSent,
    ProjetDeSanteValidated,
    ProjetDeSanteWithdrawn,
)
from services.membership.domain.calendar import months_after
from services.membership.domain.founding import before_it_was_sent
from services.membership.domain.parameters import Silence
from services.membership.domain.refusals import Reason, Refusal, already_exists

Decision = ProjetDeSanteValidated | ProjetDeSanteObjected
ProjetEvent = ProjetDeSanteSent | Decision | ProjetDeSanteWithdrawn


class Ground(StrEnum):
    """Why the ARS may object."""

    PRS_NOT_RESPECTED = "prs_not_respected"
    TERRITORY_NOT_RELEVANT = "territory_not_relevant"


class Outcome(StrEnum):
    """What became of a projet de santé."""

    PENDING = "pending"
    VALIDATED = "validated"
    OBJECTED = "objected"
    WITHDRAWN = "withdrawn"


class Projet(msgspec.Struct, frozen=True, kw_only=True):
    """A projet de santé as it stands; `decided_on` is None while it is pending or withdrawn."""

    cpts_id: str
    projet_id: str
    sent_on: date
    silence_ends_on: date
    document_sha256: str | None
    outcome: Outcome
    decided_on: date | None
    is_tacit: bool
    grounds: tuple[str, ...]


class ProjetAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A projet de santé to record; what the ARS decided of it long ago may come along."""

    projet_id: str
    sent_on: date
    document_sha256: str | None
    validated_on: date | None
    objected_on: date | None
    grounds: tuple[str, ...]


def send(
    cpts_id: str,
    asked: ProjetAsked,
    *,
    first_event: ProjetDeSanteSent | None,
    known: Iterable[Projet],
    silence: Silence,
    today: date,
    is_own_word: bool,
) -> list[ProjetEvent] | Refusal:
    """The projet, and its decision if it comes along; empty when it was sent already.

    `known` are the CPTS's projets. One may be pending at a time. `is_own_word`: the CPTS itself
    says it, and does not say that the ARS has already been silent for long enough.
    """
    sent = ProjetDeSanteSent(
        cpts_id=cpts_id,
        projet_id=asked.projet_id,
        sent_on=asked.sent_on,
        silence_ends_on=months_after(asked.sent_on, silence.months),
        document_sha256=asked.document_sha256,
    )
    if first_event is not None:
        return [] if first_event == sent else already_exists("Le projet", asked.projet_id)
    pending = [one.projet_id for one in known if one.outcome is Outcome.PENDING]
    if pending:
        return Refusal(
            reason=Reason.PROJET_PENDING,
            detail=f"L'ARS n'a pas encore répondu sur le projet {pending[0]}.",
            extension={"projet_id": pending[0]},
        )
    if is_own_word and sent.silence_ends_on < today:
        return Refusal(
            reason=Reason.SILENCE_OF_THE_PAST,
            detail=f"Le silence de l'ARS aurait pris fin le {sent.silence_ends_on} : une CPTS ne "
            "déclare pas seule un projet déjà validé. L'ARS ou la caisse l'enregistrent.",
        )
    decided_on = asked.validated_on or asked.objected_on
    if decided_on is None:
        return [sent]
    decision = _decide(sent, decided_on, () if asked.validated_on else asked.grounds)
    return decision if isinstance(decision, Refusal) else [sent, decision]


def decide(projet: Projet, *, grounds: tuple[str, ...], today: date) -> list[ProjetEvent] | Refusal:
    """The decision of the ARS, of today; an objection when it has grounds."""
    refusal = _refusal_of_decision(projet, today)
    if refusal is not None:
        return refusal
    decision = _decide(projet, today, grounds)
    return decision if isinstance(decision, Refusal) else [decision]


def withdraw(
    projet: Projet, *, today: date, is_own_word: bool
) -> ProjetDeSanteWithdrawn | Refusal | None:
    """The projet was recorded by mistake; None when it is withdrawn already.

    `is_own_word`: the CPTS itself withdraws it, as long as the ARS may yet decide and has not.
    """
    if projet.outcome is Outcome.WITHDRAWN:
        return None
    if is_own_word:
        is_silent_enough = projet.outcome is Outcome.PENDING and today > projet.silence_ends_on
        refusal = (
            _silence_elapsed(projet.silence_ends_on)
            if is_silent_enough
            else _refusal_of_decision(projet, today)
        )
        if refusal is not None:
            return refusal
    return ProjetDeSanteWithdrawn(cpts_id=projet.cpts_id, projet_id=projet.projet_id)


def fall_due(projet: Projet) -> ProjetDeSanteValidated:
    """The tacit validation of a pending projet, on the day after the last one to object."""
    return ProjetDeSanteValidated(
        cpts_id=projet.cpts_id,
        projet_id=projet.projet_id,
        validated_on=projet.silence_ends_on + timedelta(days=1),
        is_tacit=True,
    )


def evolve(projet: Projet | None, event: ProjetEvent) -> Projet | None:
    """The projet after an event of its own; None while it was not sent."""
    if isinstance(event, ProjetDeSanteSent):
        return Projet(
            cpts_id=event.cpts_id,
            projet_id=event.projet_id,
            sent_on=event.sent_on,
            silence_ends_on=event.silence_ends_on,
            document_sha256=event.document_sha256,
            outcome=Outcome.PENDING,
            decided_on=None,
            is_tacit=False,
            grounds=(),
        )
    if projet is None:
        return None
    if isinstance(event, ProjetDeSanteWithdrawn):
        return msgspec.structs.replace(
            projet, outcome=Outcome.WITHDRAWN, decided_on=None, is_tacit=False, grounds=()
        )
    if isinstance(event, ProjetDeSanteValidated):
        return msgspec.structs.replace(
            projet,
            outcome=Outcome.VALIDATED,
            decided_on=event.validated_on,
            is_tacit=event.is_tacit,
        )
    return msgspec.structs.replace(
        projet, outcome=Outcome.OBJECTED, decided_on=event.objected_on, grounds=event.grounds
    )


def _decide(
    projet: Projet | ProjetDeSanteSent, decided_on: date, grounds: tuple[str, ...]
) -> Decision | Refusal:
    unknown = [ground for ground in grounds if ground not in tuple(Ground)]
    if unknown:
        return Refusal(
            reason=Reason.UNKNOWN_GROUND,
            detail=f"Motif d'opposition inconnu : {unknown[0]}. Connus : {', '.join(Ground)}.",
        )
    if decided_on < projet.sent_on:
        return before_it_was_sent("Le projet", projet.sent_on)
    if decided_on > projet.silence_ends_on:
        return _silence_elapsed(projet.silence_ends_on)
    if grounds:
        return ProjetDeSanteObjected(
            cpts_id=projet.cpts_id,
            projet_id=projet.projet_id,
            objected_on=decided_on,
            grounds=grounds,
        )
    return ProjetDeSanteValidated(
        cpts_id=projet.cpts_id,
        projet_id=projet.projet_id,
        validated_on=decided_on,
        is_tacit=False,
    )


def _refusal_of_decision(projet: Projet, today: date) -> Refusal | None:
    """After the time to object, the outcome is the same whether the timer has run or not."""
    if projet.outcome is Outcome.PENDING:
        return None
    if projet.is_tacit and today > projet.silence_ends_on:
        return _silence_elapsed(projet.silence_ends_on)
    return Refusal(
        reason=Reason.PROJET_DECIDED,
        detail=f"Le projet {projet.projet_id} n'attend plus de décision ({projet.outcome}).",
        extension={"outcome": projet.outcome},
    )


def _silence_elapsed(silence_ends_on: date) -> Refusal:
    return Refusal(
        reason=Reason.SILENCE_ELAPSED,
        detail=f"Le silence de l'ARS vaut validation depuis le {silence_ends_on}.",
        extension={"silence_ends_on": str(silence_ends_on)},
    )
