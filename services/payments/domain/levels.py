"""How sure a figure's value is: the levels said of it, and the one whose value counts.

Indicators says what the caisse verified and validated and where the ARS put its visa; an order on
the dialogue de gestion says a validated value, or that there is none. Of these two the one said
last stands, whichever it is.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import msgspec

LIVE, VERIFIED, VALIDATED, VISA = "live", "verified", "validated", "visa"
DIALOGUE = "dialogue"
SETTLING = (VALIDATED, VISA)
"""The levels by which a year may be settled."""


class LevelSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The last that was said of one level of a figure, or of it in its dialogue (`dialogue`).

    `value` is None where the dialogue says that no value holds. `validated_revision` is the
    validation that a visa stands on.
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


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The value that counts before the live one, and its level."""

    value: int
    level: str


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
        return Standing(value=last.value, level=VISA if has_visa else VALIDATED)
    if verified is None or verified.value is None:
        return None
    return Standing(value=verified.value, level=VERIFIED)


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
