"""The fichier des écritures comptables (FEC) of a CPTS and fiscal year: the civil year.

LPF art. A. 47 A-1: eighteen columns, entries numbered in one sequence without a gap, each balanced.
Only what is settled, paid or used is in it: estimates have a journal of their own, and what is held
cancels out. The ledger keeps the caisse's side of what passes between it and the CPTS; the chart
says which accounts are to be seen from the other side.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

COLUMNS = (
    *("JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib"),
    *("CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit"),
    *("EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise"),
)
JOURNALS = ("dues", "payments", "uses")
CENTS = 100


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger: of which posting, on which day it counts, when it was recorded."""

    posting_id: str
    journal: str
    account: str
    amount_cents: int
    day: date
    recorded_on: date


class ChartAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the CPTS's books that an account of the ledger is."""

    number: str
    label: str
    is_mirrored: bool


class ChartJournal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal of the CPTS's books."""

    code: str
    label: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The chart of accounts; `accounts` by what `chart_key` gives, `journals` by the ledger's."""

    accounts: Mapping[str, ChartAccount]
    journals: Mapping[str, ChartJournal]


def chart_key(account: str) -> str:
    """Under which key the chart has an account of the ledger."""
    kind, _, rest = account.partition(":")
    if kind == "use":
        return f"use:{rest.rpartition(':')[2]}"
    if kind == "bank":
        return account if account == "bank:caisse" else "bank:cpts"
    return kind


def auxiliary(account: str) -> str:
    """The number of an account within its account of the chart, where that has several, else "".

    What is owed to members is kept member by member, each by their RPPS.
    """
    kind, _, rest = account.partition(":")
    return rest.rpartition(":")[2] if kind == "member" else ""


def missing_accounts(entries: Iterable[Entry], chart: Chart) -> list[str]:
    """The accounts of the ledger for which the chart has none."""
    return sorted({one.account for one in entries if chart_key(one.account) not in chart.accounts})


def fec_rows(entries: Sequence[Entry], chart: Chart) -> list[tuple[str, ...]]:
    """The rows of the file, in the order in which the entries come; all accounts are in the chart.

    The lines of a posting that count on one day are one entry. Its accounts are netted; an entry
    of which nothing is left has no number.
    """
    grouped: dict[tuple[str, date], list[Entry]] = {}
    for one in entries:
        grouped.setdefault((one.posting_id, one.day), []).append(one)
    rows: list[tuple[str, ...]] = []
    number = 0
    for lines in grouped.values():
        found = _netted(lines, chart)
        if found:
            number += 1
            rows += [
                _row(number, lines[0], chart, account, member, cents)
                for account, member, cents in found
            ]
    return rows


def _netted(lines: Sequence[Entry], chart: Chart) -> list[tuple[ChartAccount, str, int]]:
    cents: dict[tuple[str, str], int] = {}
    accounts: dict[str, ChartAccount] = {}
    for line in lines:
        account = chart.accounts[chart_key(line.account)]
        sign = -1 if account.is_mirrored else 1
        accounts[account.number] = account
        key = (account.number, auxiliary(line.account))
        cents[key] = cents.get(key, 0) + sign * line.amount_cents
    return [
        (accounts[number], member, amount) for (number, member), amount in cents.items() if amount
    ]


def _row(
    number: int, entry: Entry, chart: Chart, account: ChartAccount, member: str, cents: int
) -> tuple[str, ...]:
    journal = chart.journals[entry.journal]
    return (
        journal.code,
        journal.label,
        str(number),
        _day(entry.day),
        account.number,
        account.label,
        member,
        f"RPPS {member}" if member else "",
        entry.posting_id,
        _day(entry.day),
        journal.label,
        _euros(max(cents, 0)),
        _euros(max(-cents, 0)),
        "",
        "",
        _day(entry.recorded_on),
        "",
        "",
    )


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _euros(cents: int) -> str:
    """Euros with a decimal comma and two digits."""
    return f"{cents // CENTS},{cents % CENTS:02d}"


def fec_name(siren: str | None, year: int) -> str:
    """The name of the file of a civil year (LPF art. A. 47 A-1); an unknown SIREN is left out."""
    return f"{siren or ''}FEC{year}1231.txt"


def fec_text(rows: Iterable[Sequence[str]]) -> str:
    """The file: tab-separated, names of columns first, every line ended by CR LF."""
    return "".join("\t".join(row) + "\r\n" for row in (COLUMNS, *rows))
