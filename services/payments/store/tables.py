"""Values that texts fix for a year, as reviewable data: `tables/*.toml`, each read once."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from services.payments.domain.fec import JOURNALS, Chart, ChartAccount, ChartJournal
from services.payments.domain.indemnities import CATEGORIES, INDEMNITIES_CATEGORY, Ceiling

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


Words = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\t\r\n|]*\Z")]


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of the chart; its number has the three digits that the FEC asks for, or more."""

    ledger: str
    number: Annotated[str, msgspec.Meta(pattern=r"^[1-7][0-9]{2,9}\Z")]
    label: Words
    is_mirrored: bool


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journal of the chart."""

    code: Literal["dues", "payments", "uses"]
    number: Words
    label: Words


class ChartFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    verified: bool
    journals: tuple[JournalEntry, ...] = msgspec.field(name="journal")
    accounts: tuple[AccountEntry, ...] = msgspec.field(name="account")


@functools.cache
def chart_of_accounts() -> Chart:
    """The chart; msgspec.ValidationError when unsound, ValueError when a use or journal lacks."""
    path = TABLES_DIRECTORY / "chart_of_accounts.toml"
    content = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ChartFile)
    accounts = {
        one.ledger: ChartAccount(number=one.number, label=one.label, is_mirrored=one.is_mirrored)
        for one in content.accounts
    }
    journals: dict[str, ChartJournal] = {
        one.code: ChartJournal(code=one.number, label=one.label) for one in content.journals
    }
    wanted = {f"use:{category}" for category in (*CATEGORIES, INDEMNITIES_CATEGORY)}
    if missing := (wanted - accounts.keys()) | (set(JOURNALS) - journals.keys()):
        raise ValueError(f"chart_of_accounts.toml has no {', '.join(sorted(missing))}")
    return Chart(accounts=accounts, journals=journals)
