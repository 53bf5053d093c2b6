"""The rules of the calendar that texts fix or leave open: dated values, read from a file."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from services.payments.domain.calendar import Convention

ProRata = Literal["no_pro_rata", "pro_rata"]


class CalendarRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is paid ahead in contract years that begin from `from_on`, and how time counts."""

    from_on: date
    pro_rata: Convention
    advance_percent: int
    text: str
    status: str
    is_verified: bool

    def __post_init__(self) -> None:
        """Refuse an advance that is no share of the sum."""
        if not 0 <= self.advance_percent <= 100:  # noqa: PLR2004 - percent
            raise ValueError("an advance is 0 to 100 percent")


class Complement75(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one-off 75 % of fonctionnement, for ACI signed before a day; due from `from_on`."""

    from_on: date
    signed_before_on: date
    text: str
    status: str
    is_verified: bool


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an amount is due from `from_on` on, else it is shown only: no rule of payment was
    found, so that the service's own applies.
    """

    from_on: date
    is_applied: bool
    text: str
    status: str
    is_verified: bool


class TerminationRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a contract year that ends early is worth, of fonctionnement and of missions."""

    fonctionnement: ProRata
    missions: Literal["pro_rata"]
    text: str
    status: str
    is_verified: bool


class VariablePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a mission's envelope follows the time that it ran in a year, in contract years that
    begin from `from_on`.
    """

    from_on: date
    in_a_part_year: ProRata
    text: str
    status: str
    is_verified: bool


class DuesRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `parameters.toml`, the oldest first of what is dated."""

    calendar: tuple[CalendarRule, ...]
    complement_75: Complement75
    lettre_intention: tuple[Switch, ...]
    snp: tuple[Switch, ...]
    termination: TerminationRules
    variable_part: tuple[VariablePart, ...]

    def __post_init__(self) -> None:
        """Refuse an empty list of calendars, and what is dated out of order."""
        if not self.calendar:
            raise ValueError("there is at least one calendar")
        for days in (
            [rule.from_on for rule in self.calendar],
            [rule.from_on for rule in self.lettre_intention],
            [rule.from_on for rule in self.snp],
            [rule.from_on for rule in self.variable_part],
        ):
            if days != sorted(set(days)):
                raise ValueError("dated rules come in order of their first day")

    def calendar_on(self, day: date) -> CalendarRule:
        """The calendar of a contract year that begins on a day; the oldest before its first day."""
        in_force = [rule for rule in self.calendar if rule.from_on <= day]
        return in_force[-1] if in_force else self.calendar[0]

    def is_variable_part_pro_rata(self, day: date) -> bool:
        """Whether the envelopes of a contract year that begins on a day follow the time run."""
        in_force = [rule for rule in self.variable_part if rule.from_on <= day]
        return bool(in_force) and in_force[-1].in_a_part_year == "pro_rata"


def is_applied(switches: Sequence[Switch], day: date) -> bool:
    """Whether an amount is due on a day; before the first day of its rules it is not."""
    in_force = [switch for switch in switches if switch.from_on <= day]
    return bool(in_force) and in_force[-1].is_applied


def read_dues_rules(text: str) -> DuesRules:
    """The rules in the text of the file; msgspec.ValidationError when they are unsound."""
    return msgspec.toml.decode(text, type=DuesRules)
