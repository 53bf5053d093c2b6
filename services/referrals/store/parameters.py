"""The parameters of `parameters.toml`."""

import functools
from datetime import date, timedelta
from pathlib import Path

import msgspec

_FILE = Path(__file__).parent.parent / "parameters.toml"


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value with its unit, and the text that fixes it, if one was read."""

    value: int
    unit: str
    meaning: str
    text: str
    is_verified: bool


class DatedParameter(Parameter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value from a day on, until the next one of the same parameter."""

    from_on: date


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `parameters.toml`."""

    answer_within_minutes: Parameter
    keep_identities_days: Parameter
    clock_tolerance_minutes: Parameter
    move_within_days: tuple[DatedParameter, ...]


@functools.cache
def parameters() -> Parameters:
    """Every parameter."""
    return msgspec.toml.decode(_FILE.read_text(encoding="utf-8"), type=Parameters)


@functools.cache
def answer_within() -> timedelta:
    """How long a CPTS may take to answer."""
    return timedelta(minutes=parameters().answer_within_minutes.value)


@functools.cache
def keep_identities() -> timedelta:
    """How long names and e-mails stay in the originals of Hub messages."""
    return timedelta(days=parameters().keep_identities_days.value)


@functools.cache
def clock_tolerance() -> timedelta:
    """By how much the clock of who tells us something may be ahead of ours."""
    return timedelta(minutes=parameters().clock_tolerance_minutes.value)


def move_within(day: date) -> timedelta:
    """How long after its limit an appointment may be moved, by the value in force that day."""
    dated = parameters().move_within_days
    in_force = [one for one in dated if one.from_on <= day] or dated[:1]
    return timedelta(days=max(in_force, key=lambda one: one.from_on).value)
