"""The values that the rules read: bounds of the tailles, when a taille changes, deadlines."""

from datetime import date
from typing import Literal

import msgspec

HIGHEST_TAILLE = 4


class TailleBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A taille holds the populations up to `population_max` (included; None: without limit)."""

    taille: int
    population_max: int | None = None
    status: str
    is_verified: bool


class TailleBounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds for contract years that begin from `from_on`, in order of taille."""

    from_on: date
    text: str
    bounds: tuple[TailleBound, ...]

    def __post_init__(self) -> None:
        """Refuse bounds that do not give every population one of the tailles 1 to 4."""
        if [bound.taille for bound in self.bounds] != list(range(1, HIGHEST_TAILLE + 1)):
            raise ValueError("the bounds give the tailles 1 to 4, in this order")
        limits = [bound.population_max for bound in self.bounds[:-1]]
        if None in limits or self.bounds[-1].population_max is not None:
            raise ValueError("only the last taille is without limit")
        if limits != sorted(set(limits), key=lambda limit: limit or 0):
            raise ValueError("the limits of the tailles increase")


class TailleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a changed territory changes the taille; only one rule is known."""

    rule: Literal["next_anniversary"]
    text: str
    status: str
    is_verified: bool


class Silence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many months the ARS may object to a projet de santé before its silence validates it.

    The period ends on a day counted by `calendar.months_after`, included.
    """

    months: int
    text: str
    status: str
    is_verified: bool


class MissionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mission of the ACI, and the months from the signature within which it must start and be
    fully deployed; None: free.
    """

    mission: str
    label: str
    is_optional: bool
    start_months: int | None = None
    deployment_months: int | None = None
    status: str
    is_verified: bool

    def __post_init__(self) -> None:
        """Refuse a rule that has one deadline of two, or a deployment before the start."""
        if (self.start_months is None) != (self.deployment_months is None):
            raise ValueError("a mission has both deadlines or none")
        if (self.start_months or 0) > (self.deployment_months or 0):
            raise ValueError("a mission starts before it is deployed")


class Missions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The missions of the ACI; a deadline is near `near_days` before its last day."""

    near_days: int
    text: str
    missions: tuple[MissionRule, ...]

    def __post_init__(self) -> None:
        """Refuse a mission that is there twice."""
        if len({rule.mission for rule in self.missions}) < len(self.missions):
            raise ValueError("each mission has one rule")


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `parameters.toml`, oldest bounds first."""

    taille_bounds: tuple[TailleBounds, ...]
    taille_change: TailleChange
    projet_de_sante_silence: Silence
    missions: Missions

    def __post_init__(self) -> None:
        """Refuse an empty or unsorted list of bounds."""
        days = [dated.from_on for dated in self.taille_bounds]
        if not days or days != sorted(set(days)):
            raise ValueError("the bounds come in order of their first day, at least one")


def read_parameters(text: str) -> Parameters:
    """The parameters in the text of the file; msgspec.ValidationError when they are unsound."""
    return msgspec.toml.decode(text, type=Parameters)


def taille_of(population: int, day: date, parameters: Parameters) -> int:
    """The taille (1 to 4) of a population, by the bounds in force on a contract year's first day.

    A day before the oldest bounds takes those.
    """
    in_force = parameters.taille_bounds[0]
    for dated in parameters.taille_bounds:
        if dated.from_on <= day:
            in_force = dated
    for bound in in_force.bounds:
        if bound.population_max is None or population <= bound.population_max:
            return bound.taille
    raise AssertionError("the last taille is without limit")
