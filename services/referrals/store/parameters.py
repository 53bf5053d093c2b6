"""The parameters of `parameters.toml`."""

import functools
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import msgspec

_FILE = Path(__file__).parent.parent / "parameters.toml"


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value with its unit, and the text that fixes it, if one was read."""

    value: int
    unit: str
    meaning: str
    text: str
    is_verified: bool


@functools.cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter by name."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(msgspec.convert(told, dict[str, Parameter]))


@functools.cache
def answer_within() -> timedelta:
    """How long a CPTS may take to answer."""
    return timedelta(minutes=parameters()["answer_within_minutes"].value)


@functools.cache
def keep_identities() -> timedelta:
    """How long names and e-mails stay in the originals of Hub messages."""
    return timedelta(days=parameters()["keep_identities_days"].value)
