"""The scale of rates as reviewable data: `rates/*.toml`, a file a mission and one of 2019."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from contracts.events.payments import RatePublished
from services.payments.domain.scale import check_rate

RATES_DIRECTORY = Path(__file__).parent.parent / "rates"
Reference = Annotated[str, msgspec.Meta(min_length=10)]


class RateEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a file; a value without the text it was read in is refused."""

    rate_id: str
    from_on: date
    taille: Literal[1, 2, 3, 4]
    mission: str
    part: str
    amount_cents: int
    unit: str
    text: Reference
    status: Literal["confirmed", "two_contracts", "single_source", "derived", "hypothesis"]
    verified: bool
    to_on: date | None = None


class RateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    rate: tuple[RateEntry, ...]


def read_rates(directory: Path = RATES_DIRECTORY) -> list[RatePublished]:
    """Every rate of the files, in order of file and place.

    Raises msgspec.ValidationError, and ValueError where the scale has no such funding or part, or
    where two entries have one id, or would be in force for the same from the same day on.
    """
    published = []
    for path in sorted(directory.glob("*.toml")):
        content = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), RateFile)
        for entry in content.rate:
            values = msgspec.structs.asdict(entry)
            values["is_verified"] = values.pop("verified")
            rate = RatePublished(**values)
            refusal = check_rate(rate)
            if refusal is not None:
                raise ValueError(f"{path.name}: {rate.rate_id}: {refusal}")
            published.append(rate)
    for name, key in (("rate_id", _by_id), ("day, taille, mission and part", _by_force)):
        keys = [key(rate) for rate in published]
        twice = sorted({str(one) for one in keys if keys.count(one) > 1})
        if twice:
            raise ValueError(f"two entries have the same {name}: {', '.join(twice)}")
    return published


def _by_id(rate: RatePublished) -> object:
    return rate.rate_id


def _by_force(rate: RatePublished) -> object:
    return rate.from_on.isoformat(), rate.taille, rate.mission, rate.part
