"""The oracle's half about what CPTS pay their members and use their funds for.

Written from the rules (CSP art. D. 1434-44): what a professional receives in a civil year, over all
CPTS, stays within the PASS of that year. It reads the data file of ceilings, and shares no code
with the services.
"""

import functools
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

CEILINGS = Path(__file__).parents[3] / "services" / "payments" / "tables" / "pass.toml"
FUNCTIONS = {
    *("presidence", "bureau", "coordination", "referent_mission", "groupe_de_travail", "reunion"),
    *("protocole", "action_de_prevention", "formation", "cellule_de_crise"),
}
CATEGORIES = {
    *("salaires", "locaux", "outils_numeriques", "communication", "deplacements", "formation"),
    *("materiel", "prestations", "assurances", "frais_bancaires"),
}
TO_MEMBERS = "indemnites"
DEFAULTS = {"is_withdrawn": False}
Entry = dict[str, Any]


@functools.cache
def ceilings() -> dict[int, int]:
    """The PASS of each civil year that is known, in cents."""
    told = tomllib.loads(CEILINGS.read_text("utf-8"))["pass"]
    return {one["year"]: one["amount_cents"] for one in told}


def year_of(entry: Entry, name: str) -> int:
    """The civil year of an entry's day."""
    return date.fromisoformat(entry[name]).year


class Funds:
    """What was told of sums to members and of uses, the last of each, by CPTS and id."""

    def __init__(self) -> None:
        self.indemnities: dict[tuple[str, str], Entry] = {}
        self.uses: dict[tuple[str, str], Entry] = {}

    def pay(self, cpts_id: str, indemnity_id: str, body: Entry) -> str:
        """The outcome of an order about a sum to a professional.

        What gives them no more than before in that year passes, whatever the ceiling.
        """
        entry: Entry = DEFAULTS | {"is_paid_by_batch": False} | body
        if entry["function"] not in FUNCTIONS:
            return "unknown_function"
        if entry["minutes"] < 1:
            return "minutes_needed"
        if entry["amount_cents"] < 1:
            return "amount_not_positive"
        after = self.indemnities | {(cpts_id, indemnity_id): entry}
        whose: str = entry["rpps"]
        year = year_of(entry, "paid_on")
        cents = received(after)[whose, year]
        if cents > received(self.indemnities)[whose, year]:
            if year not in ceilings():
                return "pass_unknown"
            if cents > ceilings()[year]:
                return "pass_exceeded"
        self.indemnities = after
        return "ok"

    def use(self, cpts_id: str, use_id: str, body: Entry) -> str:
        """The outcome of an order that declares a use."""
        if body["category"] not in CATEGORIES:
            return "unknown_category"
        if body["amount_cents"] < 1:
            return "amount_not_positive"
        self.uses[cpts_id, use_id] = DEFAULTS | body
        return "ok"

    def received(self) -> Counter[tuple[str, int]]:
        """What each professional received in each civil year, over all CPTS."""
        return received(self.indemnities)

    def used(self) -> Counter[tuple[str, int, str]]:
        """What each CPTS used in each civil year, by category."""
        used: Counter[tuple[str, int, str]] = Counter()
        for (cpts_id, _), entry in self.indemnities.items():
            used[cpts_id, year_of(entry, "paid_on"), TO_MEMBERS] += _counted(entry)
        for (cpts_id, _), entry in self.uses.items():
            used[cpts_id, year_of(entry, "used_on"), entry["category"]] += _counted(entry)
        return used

    def accounts(self) -> Counter[str]:
        """The balances of the ledger's accounts that follow: uses, banks, debts to members."""
        accounts: Counter[str] = Counter()
        for (cpts_id, _year, category), cents in self.used().items():
            accounts[f"use:{cpts_id}:{category}"] += cents
        for (cpts_id, _), entry in self.indemnities.items():
            debt = f"member:{cpts_id}:{entry['rpps']}"
            accounts[debt if entry["is_paid_by_batch"] else f"bank:{cpts_id}"] -= _counted(entry)
        for (cpts_id, _), entry in self.uses.items():
            accounts[f"bank:{cpts_id}"] -= _counted(entry)
        return accounts


def received(indemnities: dict[tuple[str, str], Entry]) -> Counter[tuple[str, int]]:
    """What professionals receive of these sums, by civil year."""
    cents: Counter[tuple[str, int]] = Counter()
    for entry in indemnities.values():
        cents[entry["rpps"], year_of(entry, "paid_on")] += _counted(entry)
    return cents


def _counted(entry: Entry) -> int:
    return 0 if entry["is_withdrawn"] else entry["amount_cents"]
