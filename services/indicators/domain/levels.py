"""The levels of a figure: verified and validated by the caisse, with the visa of the ARS, and the
stance of the CPTS.

A level is a value that somebody decided on a day. It never changes the live figure, and what was
set stays: a correction is one more, and of each level the last one stands. A stance is about one
value: of another one, which the caisse validates then, the CPTS has said nothing.
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
    STANCE = "stance"  # avis de la CPTS
    VALIDATED = "validated"  # validé par la caisse
    VISA = "visa"  # visa de l'ARS


class Reply(StrEnum):
    """What the CPTS says of a value, with the label that a user reads."""

    AGREED = "agreed"  # accord
    DISAGREED = "disagreed"  # désaccord écrit
    SILENT = "silent"  # sans réponse


class Ground(StrEnum):
    """Why one side does not hold the other's value, with the label that a user reads."""

    VALUE_CONTESTED = "value_contested"  # la valeur est contestée
    EVIDENCE_LEFT_OUT = "evidence_left_out"  # des pièces n'ont pas été retenues
    PERIOD_CONTESTED = "period_contested"  # la période est contestée
    RULE_CONTESTED = "rule_contested"  # la règle de calcul est contestée


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A level to set, as the caisse, the CPTS or the ARS says it.

    `answer` and `reason` are those of a stance, `ground` is why the caisse holds another value than
    was declared.
    """

    level: Level
    value: int
    decided_on: date
    by_role: str
    said_by: str | None = None
    answer: Reply | None = None
    reason: Ground | None = None
    ground: Ground | None = None
    seed: int | None = None
    is_seed_chosen: bool = False
    evidence_ids: tuple[str, ...] = ()
    sample_number: int | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The levels that stand, None where there is none."""

    verified: FigureLevelSet | None = None
    stance: FigureLevelSet | None = None
    validated: FigureLevelSet | None = None
    visa: FigureLevelSet | None = None


def standing(said: Iterable[FigureLevelSet]) -> Standing:
    """The levels that stand of one figure, of all that was said of it, in order."""
    last = {one.level: one for one in said}
    validated, visa = last.get(Level.VALIDATED), last.get(Level.VISA)
    if visa is not None and (validated is None or visa.validated_revision != validated.revision):
        visa = None
    return Standing(
        verified=last.get(Level.VERIFIED),
        stance=last.get(Level.STANCE),
        validated=validated,
        visa=visa,
    )


def set_level(
    asked: Asked,
    key: FigureKey,
    *,
    said: Sequence[FigureLevelSet],
    figure_revision: int,
    today: date,
) -> FigureLevelSet | Refusal | None:
    """The event of a level; None when it stands already. `said` are the figure's levels, in order.

    The ARS puts its visa on a validated value, which it names: another one is refused. A validation
    takes what the CPTS has said of its value by then: nobody answers in its place.
    """
    now = standing(said)
    if not key.starts_on <= asked.decided_on <= today:
        return Refusal.NOT_YET_DECIDED
    if asked.level is Level.VISA:
        if now.validated is None:
            return Refusal.NOT_VALIDATED
        if now.validated.value != asked.value:
            return Refusal.ANOTHER_VALUE_VALIDATED
    is_validation = asked.level is Level.VALIDATED
    stance = now.stance if is_validation and _is_about(now.stance, asked.value) else None
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
        answer=(stance.answer if stance else Reply.SILENT) if is_validation else asked.answer,
        reason=stance.reason if stance else asked.reason,
        seed=asked.seed,
        evidence_ids=asked.evidence_ids,
        is_seed_chosen=asked.is_seed_chosen,
        ground=asked.ground,
        stance_revision=stance.revision if stance else None,
        said_by=asked.said_by,
        sample_number=asked.sample_number,
        validated_revision=now.validated.revision
        if asked.level is Level.VISA and now.validated is not None
        else None,
    )
    present = {
        Level.VERIFIED: now.verified,
        Level.STANCE: now.stance,
        Level.VALIDATED: now.validated,
        Level.VISA: now.visa,
    }[asked.level]
    if present is not None and event == msgspec.structs.replace(
        present,
        revision=event.revision,
        figure_revision=event.figure_revision,
        said_by=event.said_by,
    ):
        return None
    return event


def _is_about(stance: FigureLevelSet | None, value: int) -> bool:
    return stance is not None and stance.value == value


def draw_sample(evidence_ids: Collection[str], *, seed: int, size: int) -> tuple[str, ...]:
    """`size` of the evidence, all of it when there is less: the same for the same seed for ever.

    The order in which it is drawn is that of a digest of seed and id.
    """

    def place(evidence_id: str) -> bytes:
        return hashlib.sha256(f"{seed}\n{evidence_id}".encode()).digest()

    return tuple(sorted(set(evidence_ids), key=place)[:size])


def levels_subject(key: FigureKey) -> str:
    """The aggregate's id of the levels of a figure."""
    return f"{key.subject}/levels"


def samples_subject(key: FigureKey) -> str:
    """The aggregate's id of the samples that were drawn of the evidence behind a figure."""
    return f"{key.subject}/samples"
