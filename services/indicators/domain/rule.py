"""The counting rule as dated data: which participations, statuses and categories count, from when.

The values live in `parameters.toml`, each with its text and whether a primary text was read.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from services.indicators.domain.activities import ActivityRule
from services.indicators.domain.days import Period


class Name(StrEnum):
    """The parameters of the rule; each has at least one dated value."""

    PARTICIPATION_WAYS = "participation_ways"
    PROFESSIONS = "professions"
    REFERRAL_STATUSES = "referral_statuses"
    PLATFORM_STATUSES = "platform_statuses"
    EXCLUDED_CATEGORIES = "excluded_categories"
    MEMBER_CATEGORIES = "member_categories"
    PARTICIPANT_CATEGORIES = "participant_categories"
    CRISIS_TYPOLOGIES = "crisis_typologies"


class DatedValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The value of one parameter from a day on, until the next value of the same parameter.

    `text` is where it was read, or why it was chosen; `is_verified` is False until a primary text
    was read.
    """

    name: Name
    from_on: date
    value: tuple[str, ...]
    text: str
    is_verified: bool


class CountingRule(msgspec.Struct, frozen=True):
    """Every value the rule ever had, and what activities add."""

    values: tuple[DatedValue, ...]
    activities: ActivityRule = ActivityRule()

    @property
    def size(self) -> int:
        """How much the rule says: it only grows."""
        return len(self.values) + len(self.activities.added)

    def digest(self) -> str:
        """A short text that is another one when a value, or a day from which it counts, is."""
        told = [
            sorted((one.name, one.from_on, one.value) for one in self.values),
            sorted(
                (one.kind, one.indicator, one.from_on, one.counts, one.unit or "")
                for one in self.activities.added
            ),
        ]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]

    def on(self, name: Name, day: date) -> tuple[str, ...]:
        """The value in force on `day`; empty before the first one, so that nothing counts."""
        in_force = [value for value in self.values if value.name is name and value.from_on <= day]
        if not in_force:
            return ()
        return max(in_force, key=lambda value: value.from_on).value

    def periods(self, name: Name, word: str) -> list[Period]:
        """The days on which `word` is among the values of `name`."""
        return [period for period, words in self.all_periods(name) if word in words]

    def all_periods(self, name: Name) -> list[tuple[Period, tuple[str, ...]]]:
        """Each value of `name` with the days on which it is in force, in order."""
        dated = sorted(
            (value for value in self.values if value.name is name),
            key=lambda value: value.from_on,
        )
        lasts: list[date | None] = [value.from_on - timedelta(days=1) for value in dated[1:]]
        return [
            (Period(value.from_on, last), value.value)
            for value, last in zip(dated, [*lasts, None], strict=True)
        ]


class _ParameterFile(msgspec.Struct, forbid_unknown_fields=True):
    parameter: list[DatedValue]


def parse_rule(content: bytes) -> CountingRule:
    """The rule written in the TOML `content`.

    ValueError when a value has no text, a parameter is missing, or two of its values begin on one
    day; `msgspec.ValidationError` (a ValueError) when a field is wrong.
    """
    values = msgspec.toml.decode(content, type=_ParameterFile).parameter
    _refuse_missing_texts(values)
    for name in Name:
        starts = [value.from_on for value in values if value.name is name]
        if not starts:
            raise ValueError(f"the rule has no value for {name}")
        if len(set(starts)) < len(starts):
            raise ValueError(f"two values of {name} begin on the same day")
    return CountingRule(tuple(values))


def _refuse_missing_texts(values: Iterable[DatedValue]) -> None:
    nameless = [value.name for value in values if not value.text.strip()]
    if nameless:
        raise ValueError(f"a value of the rule names its text: {', '.join(nameless)}")
