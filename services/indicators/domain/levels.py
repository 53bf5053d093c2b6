"""The levels of a figure: verified and validated by the caisse, with the visa of the ARS.

A level is a value that somebody decided on a day. It never changes the live figure, and what was
set stays: a correction is one more, and of each level the last one stands.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from contracts.events.indicators import FigureLevelSet
from services.indicators.domain.figures import FigureKey
from services.indicators.domain.refusals import Refusal


class Level(StrEnum):
    """What may be set, with the label that a user reads."""

    VERIFIED = "verified"  # vérifié par la caisse
    VALIDATED = "validated"  # validé par la caisse
    VISA = "visa"  # visa de l'ARS


class Reply(StrEnum):
    """What the CPTS answers to a validation, with the label that a user reads."""

    AGREED = "agreed"  # accord
    DISAGREED = "disagreed"  # désaccord écrit
    SILENT = "silent"  # sans réponse


class Ground(StrEnum):
    """Why a CPTS disagrees, with the label that a user reads."""

    VALUE_CONTESTED = "value_contested"  # la valeur est contestée
    EVIDENCE_LEFT_OUT = "evidence_left_out"  # des pièces n'ont pas été retenues
    PERIOD_CONTESTED = "period_contested"  # la période est contestée
    RULE_CONTESTED = "rule_contested"  # la règle de calcul est contestée


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A level to set, as the caisse or the ARS says it."""

    level: Level
    value: int
    decided_on: date
    by_role: str
    answer: Reply | None = None
    reason: Ground | None = None
    seed: int | None = None
    evidence_ids: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The levels that stand, None where there is none."""

    verified: FigureLevelSet | None = None
    validated: FigureLevelSet | None = None
    visa: FigureLevelSet | None = None


def standing(said: Iterable[FigureLevelSet]) -> Standing:
    """The levels that stand of one figure, of all that was said of it, in order."""
    last = {one.level: one for one in said}
    validated, visa = last.get(Level.VALIDATED), last.get(Level.VISA)
    if visa is not None and (validated is None or visa.validated_revision != validated.revision):
        visa = None
    return Standing(verified=last.get(Level.VERIFIED), validated=validated, visa=visa)


def set_level(
    asked: Asked,
    key: FigureKey,
    *,
    said: Sequence[FigureLevelSet],
    figure_revision: int,
    today: date,
) -> FigureLevelSet | Refusal | None:
    """The event of a level; None when it stands already. `said` are the figure's levels, in order.

    The ARS puts its visa on a validated value, which it names: another one is refused.
    """
    now = standing(said)
    if not key.starts_on <= asked.decided_on <= today:
        return Refusal.NOT_YET_DECIDED
    if asked.level is Level.VISA:
        if now.validated is None:
            return Refusal.NOT_VALIDATED
        if now.validated.value != asked.value:
            return Refusal.ANOTHER_VALUE_VALIDATED
    event = FigureLevelSet(
        cpts_id=key.cpts_id,
        indicator=key.indicator,
        contract_year_starts_on=key.starts_on,
        level=asked.level.value,
        value=asked.value,
        decided_on=asked.decided_on,
        by_role=asked.by_role,
        revision=len(said) + 1,
        figure_revision=figure_revision,
        answer=asked.answer,
        reason=asked.reason,
        seed=asked.seed,
        evidence_ids=asked.evidence_ids,
        validated_revision=now.validated.revision
        if asked.level is Level.VISA and now.validated is not None
        else None,
    )
    present = {
        Level.VERIFIED: now.verified,
        Level.VALIDATED: now.validated,
        Level.VISA: now.visa,
    }[asked.level]
    if present is not None and event == msgspec.structs.replace(
        present, revision=event.revision, figure_revision=event.figure_revision
    ):
        return None
    return event


def draw_sample(evidence_ids: Collection[str], *, seed: int, size: int) -> tuple[str, ...]:
    """`size` of the evidence, all of it when there is less: the same for the same seed for ever.

    The order in which it is drawn is that of a digest of seed and id.
    """

    def place(evidence_id: str) -> bytes:
        return hashlib.sha256(f"{seed}\n{evidence_id}".encode()).digest()

    return tuple(sorted(set(evidence_ids), key=place)[:size])


def seed_of(cause: str) -> int:
    """A seed that nobody chose: drawn from what led to the sample."""
    return int.from_bytes(hashlib.sha256(cause.encode()).digest()[:4], "big")


def levels_subject(key: FigureKey) -> str:
    """The aggregate's id of the levels of a figure."""
    return f"{key.subject}/levels"
