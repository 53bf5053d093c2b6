"""Values that texts fix for a year, as reviewable data: `tables/*.toml`, each read once."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from services.payments.domain.indemnities import Ceiling

TABLES_DIRECTORY = Path(__file__).parent.parent / "tables"


class PassEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The PASS of one civil year; a value without the text it was read in is refused."""

    year: int
    amount_cents: Annotated[int, msgspec.Meta(gt=0)]
    text: Annotated[str, msgspec.Meta(min_length=10)]
    status: Literal["confirmed", "single_source", "derived", "hypothesis"]
    verified: bool


class PassFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    entries: tuple[PassEntry, ...] = msgspec.field(name="pass")


@functools.cache
def ceilings() -> Mapping[int, Ceiling]:
    """The PASS of each year known; msgspec.ValidationError or ValueError when unsound."""
    content = tomllib.loads((TABLES_DIRECTORY / "pass.toml").read_text(encoding="utf-8"))
    entries = msgspec.convert(content, PassFile).entries
    found = {
        one.year: Ceiling(
            year=one.year,
            amount_cents=one.amount_cents,
            text=one.text,
            status=one.status,
            is_verified=one.verified,
        )
        for one in entries
    }
    if len(found) < len(entries):
        raise ValueError("pass.toml gives one year twice")
    return found
