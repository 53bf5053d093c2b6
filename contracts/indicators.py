"""The indicators of the ACI's missions: dated data that figures, activities and lines share.

The catalogue is read once, at the first question, from `contracts/data/indicators.toml`. No list
of the nation was read in a primary text, so no entry is verified; a contract chooses among them.
"""

import functools
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec

_FILE = Path(__file__).parent / "data" / "indicators.toml"

Unit = Literal["count", "basis_points", "days", "boolean"]
Direction = Literal["up", "down"]
Source = Literal["events", "activities", "declared", "caisse"]

LOCAL = re.compile(r"local_[a-z0-9_]{1,54}")
"""The indicator of a contract line that no catalogue has: a result of that contract alone."""


class Indicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An indicator, in the contract years that begin from `from_on` to `to_on`.

    `unit`: `basis_points` are ten-thousandths. `direction`: whether a higher value is better
    (`up`) or a lower one (`down`). `source`: where its values come from: computed from events,
    added up from declared activities, declared by the CPTS, or from a file of the caisse.
    `is_cumulative`: it adds up as the year goes; else it is a state, that goes up and down.
    """

    code: str
    label: str
    mission: str
    unit: Unit
    direction: Direction
    source: Source
    is_cumulative: bool
    from_on: date
    text: str
    status: str
    is_verified: bool
    to_on: date | None = None

    def holds(self, contract_year_starts_on: date) -> bool:
        """Whether a contract year that begins on this day may have it."""
        return self.from_on <= contract_year_starts_on and (
            self.to_on is None or contract_year_starts_on <= self.to_on
        )


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    indicator: tuple[dict[str, Any], ...]


def parse_indicators(content: bytes) -> dict[str, Indicator]:
    """The indicators written in the TOML `content`, by code, in their order.

    ValueError, which names the indicator, when a field is wrong or missing, when the label or the
    text is empty, when it ends before it begins, or when its code is there twice.
    """
    found: dict[str, Indicator] = {}
    for row in msgspec.toml.decode(content, type=_Catalogue).indicator:
        where = f"contracts/data/{_FILE.name}, indicator {row.get('code', 'without code')}"
        try:
            one = msgspec.convert(row, Indicator)
        except msgspec.ValidationError as error:
            raise ValueError(f"{where}: {error} (the head of the file says the words)") from error
        if one.code in found:
            raise ValueError(f"{where}: the code is there twice")
        if not (one.label.strip() and one.text.strip()):
            raise ValueError(f"{where}: its label or its text is empty")
        if one.to_on is not None and one.to_on < one.from_on:
            raise ValueError(f"{where}: it ends before it begins")
        found[one.code] = one
    return found


@functools.cache
def indicators() -> Mapping[str, Indicator]:
    """Every indicator by code, read-only, in the order of the file."""
    return MappingProxyType(parse_indicators(_FILE.read_bytes()))


def indicators_of(mission: str, contract_year_starts_on: date) -> tuple[Indicator, ...]:
    """Those that a mission may have in a contract year, in the order of the file."""
    return tuple(
        one
        for one in indicators().values()
        if one.mission == mission and one.holds(contract_year_starts_on)
    )
