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

    ValueError, which says what to look at, when a field is wrong, a kind adds nothing, or an
    addition names no text, an unknown kind or indicator, a unit where none is counted, or begins
    on the same day as another of its kind and indicator.
    """
    try:
        rule = msgspec.toml.decode(content, type=ActivityRule)
    except msgspec.ValidationError as error:
        units = ", ".join(Unit)
        raise ValueError(f"activities.toml: {error} (from 0 on; the units are {units})") from error
    _refuse_twice("kind", [kind.code for kind in rule.kind])
    for one in rule.added:
        _refuse_unsound(one, rule.kind_of(one.kind))
    _refuse_twice("addition", [f"{one.kind} {one.indicator} {one.from_on}" for one in rule.added])
    if idle := {kind.code for kind in rule.kind} - {one.kind for one in rule.added}:
        raise ValueError(f"activities.toml: nothing is [[added]] by {', '.join(sorted(idle))}")
    return rule


def _refuse_unsound(one: Added, kind: Kind | None) -> None:
    where = f"activities.toml, what {one.kind} adds to {one.indicator}"
    indicator = indicators().get(one.indicator)
    if kind is None:
        raise ValueError(f"{where}: no [[kind]] has the code {one.kind}")
    if indicator is None:
        raise ValueError(f"{where}: contracts/data/indicators.toml has no such indicator")
    if indicator.source != "activities":
        raise ValueError(f"{where}: the indicator's source is {indicator.source}, not activities")
    if indicator.mission != kind.mission:
        raise ValueError(f"{where}: missions {kind.mission} and {indicator.mission} differ")
    if not one.text.strip():
        raise ValueError(f"{where}: its text is empty")
    if (one.unit is not None) != (one.counts == "quantity"):
        raise ValueError(f'{where}: it has a unit if and only if counts = "quantity"')


def _refuse_twice(what: str, keys: Sequence[str]) -> None:
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"activities.toml: the {what} {twice[0]} is there twice")
