"""The dated values that the rules read: the bounds of the tailles, and when a taille changes."""

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


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `parameters.toml`, oldest bounds first."""

    taille_bounds: tuple[TailleBounds, ...]
    taille_change: TailleChange

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
