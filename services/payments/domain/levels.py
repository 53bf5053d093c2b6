"""How sure a figure's value is: the levels said of it, and the one whose value counts.

Indicators says what the caisse verified and validated, where the ARS put its visa and what the CPTS
says of a value; an order on the dialogue de gestion says a validated value, or that there is none.
Of these two the one said last stands, whichever it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

LIVE, VERIFIED, VALIDATED, VISA = "live", "verified", "validated", "visa"
STANCE, DIALOGUE = "stance", "dialogue"
AGREED, DISAGREED, SILENT = "agreed", "disagreed", "silent"
SETTLING = (VALIDATED, VISA)
"""The levels by which a year may be settled."""


class LevelSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of one level of a figure, or of it in its dialogue (`dialogue`), and by whom.

    `value` is None where the dialogue says that no value holds. `validated_revision` is the
    validation that a visa stands on. `answer` is the CPTS's, of a stance or as a validation took
    it; in the dialogue the caisse's own stance. `reason` is why the CPTS disagrees, `ground` why
    the caisse holds another value than declared.
    """

    indicator: str
    level: str
    value: int | None
    said_at: datetime
    revision: int = 0
    validated_revision: int | None = None
    decided_on: date | None = None
    answer: str | None = None
    reason: str | None = None
    by_role: str | None = None
    said_by: str | None = None
    ground: str | None = None
    evidence_ids: Sequence[str] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The value that counts before the live one, its level, and what the CPTS says of this value:
    `agreed`, `disagreed` or `silent`.
    """

    value: int
    level: str
    answer: str = SILENT


def standing_levels(said: Iterable[LevelSaid]) -> dict[str, Standing]:
    """The best level of each indicator that has one above its live figure."""
    by_indicator: dict[str, dict[str, LevelSaid]] = {}
    for one in said:
        by_indicator.setdefault(one.indicator, {})[one.level] = one
    found = {indicator: _best(levels) for indicator, levels in by_indicator.items()}
    return {indicator: best for indicator, best in found.items() if best is not None}


def validated_values(said: Iterable[LevelSaid]) -> dict[str, int]:
    """The value of each indicator by which a year may be settled."""
    return {
        indicator: best.value
        for indicator, best in standing_levels(said).items()
        if best.level in SETTLING
    }


def _best(levels: Mapping[str, LevelSaid]) -> Standing | None:
    last, verified = last_said(levels.values()), levels.get(VERIFIED)
    if last is not None and last.value is not None:
        has_visa = _visa_value(levels.get(VALIDATED), levels.get(VISA)) == last.value
        answer = answer_of(levels.get(STANCE), last.value)
        return Standing(value=last.value, level=VISA if has_visa else VALIDATED, answer=answer)
    if verified is None or verified.value is None:
        return None
    answer = answer_of(levels.get(STANCE), verified.value)
    return Standing(value=verified.value, level=VERIFIED, answer=answer)


def answer_of(stance: LevelSaid | None, value: int | None) -> str:
    """What the CPTS says of a value: its last stance, if that is about this one."""
    if stance is None or value is None or stance.value != value:
        return SILENT
    return stance.answer or SILENT


def last_said(said: Iterable[LevelSaid]) -> LevelSaid | None:
    """Of validations and words of the dialogue, the one said last; at one instant the dialogue's.

    None where there is none.
    """
    return max(
        (one for one in said if one.level in (VALIDATED, DIALOGUE)),
        key=lambda one: (one.said_at, one.level == DIALOGUE),
        default=None,
    )


def _visa_value(validated: LevelSaid | None, visa: LevelSaid | None) -> int | None:
    """The value on which the ARS put its visa, None once that validation stands no more."""
    if validated is None or visa is None or visa.validated_revision != validated.revision:
        return None
    return visa.value
