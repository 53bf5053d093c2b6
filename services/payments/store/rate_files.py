"""The scale of rates as reviewable data: `rates/*.toml`, one file a mission."""

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

    Raises msgspec.ValidationError, and ValueError where the scale has no such funding or part.
    """
    published = []
    for path in sorted(directory.glob("*.toml")):
        content = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), RateFile)
        for entry in content.rate:
            values = msgspec.structs.asdict(entry)
            values["is_verified"] = values.pop("verified")
            del values["unit"]
            rate = RatePublished(**values)
            refusal = check_rate(rate)
            if refusal is not None:
                raise ValueError(f"{path.name}: {rate.rate_id}: {refusal}")
            published.append(rate)
    return published
