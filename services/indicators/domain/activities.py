"""The activities that a CPTS declares: their kinds, and what each adds to which indicator.

Both are data: `activities.toml`, each addition with its first day, its text and its status.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec

from contracts.indicators import indicators

Counts = Literal["sessions", "professionals", "quantity", "nothing"]


class Unit(StrEnum):
    """What an activity may have a quantity of, with the label that a user reads."""

    PARTICIPANTS = "participants"  # participants
    ORIENTATIONS = "orientations"  # orientations
    NIGHTS = "nights"  # nuits


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of activity, and the mission of the ACI that it belongs to."""

    code: str
    label: str
    mission: str


class Added(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an activity of one kind, held from a day on, adds to one indicator.

    It stands until the next one of the same kind and indicator. `text` is where it was read, or
    why it was chosen; `is_verified` is False until a primary text was read.
    """

    kind: str
    indicator: str
    counts: Counts
    from_on: date
    text: str
    is_verified: bool
    unit: Unit | None = None


class ActivityRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kinds that there are, and everything that one ever added."""

    kind: tuple[Kind, ...] = ()
    added: tuple[Added, ...] = ()

    def kind_of(self, code: str) -> Kind | None:
        """The kind with this code."""
        return next((kind for kind in self.kind if kind.code == code), None)

    def added_on(self, kind: str, day: date) -> list[Added]:
        """What an activity of a kind held on `day` adds, one addition an indicator."""
        latest: dict[str, Added] = {}
        for one in sorted(self.added, key=lambda one: one.from_on):
            if one.kind == kind and one.from_on <= day:
                latest[one.indicator] = one
        return [one for one in latest.values() if one.counts != "nothing"]


def parse_activity_rule(content: bytes) -> ActivityRule:
    """The rule written in the TOML `content`.

    ValueError when an addition names no text, an unknown kind or indicator, a unit where none is
    counted, or begins on the same day as another of its kind and indicator;
    `msgspec.ValidationError` (a ValueError) when a field is wrong.
    """
    rule = msgspec.toml.decode(content, type=ActivityRule)
    for one in rule.added:
        kind, indicator = rule.kind_of(one.kind), indicators().get(one.indicator)
        if kind is None or indicator is None:
            raise ValueError(f"{one.kind} or {one.indicator} is not known")
        if (indicator.source, indicator.mission) != ("activities", kind.mission):
            raise ValueError(f"{one.indicator} is not added up from activities of {kind.mission}")
        if not one.text.strip():
            raise ValueError(f"what {one.kind} adds to {one.indicator} names its text")
        if (one.unit is not None) != (one.counts == "quantity"):
            raise ValueError(f"{one.kind} adds a quantity to {one.indicator}, or it does not")
    _refuse_twice("kinds", [kind.code for kind in rule.kind])
    _refuse_twice("additions", [(one.kind, one.indicator, one.from_on) for one in rule.added])
    return rule


def _refuse_twice(what: str, keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise ValueError(f"two {what} are the same")
