"""The rules of the calendar that texts fix or leave open: dated values, read from a file."""

from datetime import date
from typing import Literal

import msgspec

from services.payments.domain.calendar import Convention

TerminationRule = Literal["no_pro_rata", "pro_rata"]


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


class NotApplied(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of the scale that is shown and never due: no rule of payment was found."""

    is_applied: Literal[False]
    text: str
    status: str
    is_verified: bool


class TerminationRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a contract year that ends early is worth, of fonctionnement and of missions."""

    fonctionnement: TerminationRule
    missions: Literal["pro_rata"]
    text: str
    status: str
    is_verified: bool


class VariablePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the variable part of an incomplete year is worth; only one rule is known."""

    in_a_part_year: Literal["no_pro_rata"]
    text: str
    status: str
    is_verified: bool


class DuesRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `parameters.toml`, oldest calendar first."""

    calendar: tuple[CalendarRule, ...]
    complement_75: Complement75
    lettre_intention: NotApplied
    snp: NotApplied
    termination: TerminationRules
    variable_part: VariablePart

    def __post_init__(self) -> None:
        """Refuse an empty or unsorted list of calendars."""
        days = [rule.from_on for rule in self.calendar]
        if not days or days != sorted(set(days)):
            raise ValueError("the calendars come in order of their first day, at least one")

    def calendar_on(self, day: date) -> CalendarRule:
        """The calendar of a contract year that begins on a day; the oldest before its first day."""
        in_force = [rule for rule in self.calendar if rule.from_on <= day]
        return in_force[-1] if in_force else self.calendar[0]


def read_dues_rules(text: str) -> DuesRules:
    """The rules in the text of the file; msgspec.ValidationError when they are unsound."""
    return msgspec.toml.decode(text, type=DuesRules)
