"""The oracle's half about the money that moves: bank accounts, batches of orders of payment, what
the bank answers, and what of each sum is still open.

Written from the rules (ADR 0021); shares no code with the services. Each sum is ordered once: a
batch takes of it what no standing order has taken, and takes back what was ordered too much.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.local.demo.oracle_bank_files import rows_of
from deploy.local.demo.oracle_dues import Dues
from deploy.local.demo.oracle_funds import Funds

CAISSE = "caisse"
STANDING = {"ordered", "executed"}
# What the bank may say of an order in a state; it says again what it has said already.
FOLLOWS = {"executed": "ordered", "rejected": "ordered", "refunded": "executed"}
SAID = {"executed": {"executed"}, "rejected": {"rejected"}, "refunded": {"executed", "refunded"}}
Payee = tuple[str, str | None]
"""A CPTS that the caisse pays, or a CPTS and the professional whom it pays."""
Sum = tuple[date | None, str]
"""A due sum, by contract year and name; or an indemnity, of no contract year."""


@dataclass
class Account:
    """A version of a bank account."""

    number: int
    terms: tuple[Any, ...]
    from_on: date
    to_on: date | None
    proposed_by: str
    is_confirmed: bool = False


@dataclass
class Transfer:
    """An order of payment: what it takes from each sum, as which tranche, and how it ended."""

    order_id: str
    batch_id: str
    payee: Payee
    parts: dict[Sum, tuple[int, int]]
    accounts: tuple[tuple[str, int], tuple[str, int]]
    ordered_on: date
    execute_on: date
    state: str = "ordered"
    answered_on: date | None = None
    reason: str | None = None

    @property
    def cents(self) -> int:
        """What the bank is to pay."""
        return sum(cents for _, cents in self.parts.values())


def order_id(batch_id: str, payee: Payee) -> str:
    """The id of a payee's order in a batch, by the published rule."""
    words = [batch_id, *(word for word in payee if word)]
    return f"vir-{hashlib.sha256(chr(10).join(words).encode()).hexdigest()[:24]}"


def owner(payee: Payee) -> str:
    """Whose accounts are credited."""
    cpts_id, rpps = payee
    return f"cpts:{cpts_id}" if rpps is None else f"professional:{cpts_id}:{rpps}"


class Banking:
    """What was told of bank accounts, and every order to a bank."""

    def __init__(self, funds: Funds) -> None:
        self._funds = funds
        self._accounts: dict[str, dict[str, list[Account]]] = {}
        self.transfers: list[Transfer] = []

    # -- bank accounts

    def propose(self, whose: str, account_id: str, body: dict[str, Any]) -> str:
        """The outcome of an order by which one person proposes an account, or another version."""
        from_on = date.fromisoformat(body["from_on"])
        to_on = date.fromisoformat(body["to_on"]) if body.get("to_on") else None
        iban = body["iban"].replace(" ", "")
        if not _has_right_key(iban):
            return "iban_invalid"
        if to_on is not None and to_on < from_on:
            return "period_ends_before_it_starts"
        versions = self._accounts.setdefault(whose, {}).setdefault(account_id, [])
        terms = (iban, body["holder"], from_on, to_on)
        if not versions or versions[-1].terms != terms:
            person = body["acting_person"]
            versions.append(Account(len(versions) + 1, terms, from_on, to_on, person))
        return "ok"

    def confirm(self, whose: str, account_id: str, body: dict[str, Any]) -> str:
        """The outcome of an order by which another person confirms the version that they saw."""
        versions = self._accounts.get(whose, {}).get(account_id)
        if not versions:
            return "404"
        latest = versions[-1]
        if latest.number != body["version"]:
            return "account_changed"
        if latest.proposed_by == body["acting_person"]:
            return "same_person"
        latest.is_confirmed = True
        return "ok"

    def _account_on(self, whose: str, day: date) -> tuple[str, int] | None:
        """The account in force on a day: of each the last confirmed version, the latest begun."""
        in_force = []
        for account_id, versions in self._accounts.get(whose, {}).items():
            standing = [one for one in versions if one.is_confirmed][-1:]
            in_force += [
                (one.from_on, account_id, one.number)
                for one in standing
                if one.from_on <= day and (one.to_on is None or day <= one.to_on)
            ]
        return max(in_force)[1:] if in_force else None

    # -- what is open

    def open_dues(self, cpts_id: str, dues: Dues) -> dict[Sum, tuple[int, int, int]]:
        """What the caisse may pay of these sums, or take back: due, ordered, and how often."""
        owed: dict[Sum, int] = {key: 0 if one.is_held else one.cents for key, one in dues.items()}
        held = {key for key, one in dues.items() if one.is_held}
        found = self._open((cpts_id, None), owed)
        return {key: one for key, one in found.items() if key not in held}

    def open_indemnities(self, payee: Payee, today: date) -> dict[Sum, tuple[int, int, int]]:
        """What a CPTS owes a professional, or is owed back by them: owed, ordered, how often."""
        entries = {
            (None, id_): one
            for (cpts_id, id_), one in self._funds.indemnities.items()
            if (cpts_id, one["rpps"]) == payee and one["is_paid_by_batch"]
        }
        owed: dict[Sum, int] = {
            key: 0 if one["is_withdrawn"] else one["amount_cents"] for key, one in entries.items()
        }
        later = {key for key, one in entries.items() if date.fromisoformat(one["paid_on"]) > today}
        return {
            key: one
            for key, one in self._open(payee, owed).items()
            if one[0] < one[1] or key not in later
        }

    def _open(self, payee: Payee, owed: Mapping[Sum, int]) -> dict[Sum, tuple[int, int, int]]:
        ordered: Counter[Sum] = Counter()
        tranches: Counter[Sum] = Counter()
        for one in self.transfers:
            if one.payee == payee:
                for key, (_, cents) in one.parts.items():
                    tranches[key] += 1
                    ordered[key] += cents if one.state in STANDING else 0
        found = {key: (owed.get(key, 0), ordered[key], tranches[key]) for key in {*owed, *tranches}}
        return {key: one for key, one in found.items() if one[0] != one[1]}

    def members_of(self, cpts_id: str) -> set[str]:
        """The professionals whom a CPTS owes something by batch, or has paid by one."""
        owed = {
            one["rpps"]
            for (whose, _), one in self._funds.indemnities.items()
            if whose == cpts_id and one["is_paid_by_batch"]
        }
        paid = {rpps for whose, rpps in (one.payee for one in self.transfers) if whose == cpts_id}
        return owed | {rpps for rpps in paid if rpps is not None}

    # -- batches

    def batch_of_caisse(self, body: dict[str, Any], dues: Mapping[str, Dues], today: date) -> str:
        """The outcome of an order to pay CPTS all that is due to them and not held."""
        sums: dict[Payee, dict[Sum, tuple[int, int, int]]] = {
            (cpts_id, None): self.open_dues(cpts_id, due) for cpts_id, due in dues.items()
        }
        return self._batch(CAISSE, sums, body, today)

    def batch_of_cpts(self, cpts_id: str, body: dict[str, Any], today: date) -> str:
        """The outcome of an order to pay professionals all that a CPTS owes them."""
        payees: list[Payee] = [(cpts_id, rpps) for rpps in sorted(self.members_of(cpts_id))]
        sums = {payee: self.open_indemnities(payee, today) for payee in payees}
        return self._batch(owner((cpts_id, None)), sums, body, today)

    def _batch(
        self,
        payer: str,
        sums: Mapping[Payee, Mapping[Sum, tuple[int, int, int]]],
        body: dict[str, Any],
        today: date,
    ) -> str:
        batch_id = body["batch_id"]
        execute_on = date.fromisoformat(body.get("execute_on", today.isoformat()))
        if execute_on < today:
            return "execution_in_the_past"
        if list(self._of_batch(payer, batch_id)):
            return "ok"
        account = self._account_on(payer, execute_on)
        if account is None:
            return "404"
        for payee, found in sums.items():
            parts = {key: (times + 1, owed - had) for key, (owed, had, times) in found.items()}
            credited = self._account_on(owner(payee), execute_on)
            if credited is None or sum(cents for _, cents in parts.values()) <= 0:
                continue
            id_, accounts = order_id(batch_id, payee), (credited, account)
            self.transfers.append(
                Transfer(id_, batch_id, payee, parts, accounts, today, execute_on)
            )
        return "ok"

    def _of_batch(self, payer: str, batch_id: str) -> Iterator[Transfer]:
        for one in self.transfers:
            cpts_id, rpps = one.payee
            pays = CAISSE if rpps is None else owner((cpts_id, None))
            if (pays, one.batch_id) == (payer, batch_id):
                yield one

    def answers(self, payer: str, batch_id: str, content: bytes) -> str:
        """The outcome of a bank's file about a batch: all of its lines count, or none."""
        rows = rows_of(content)
        if rows is None:
            return "answers_unreadable"
        known = {one.order_id: one for one in self._of_batch(payer, batch_id)}
        if not known:
            return "404"
        states = {id_: one.state for id_, one in known.items()}
        news = []
        for id_, outcome, *_rest in rows:
            if id_ in states and outcome in SAID.get(states[id_], ()):
                continue
            if states.get(id_) != FOLLOWS[outcome]:
                return "answers_impossible"
            states[id_] = outcome
            news.append((id_, outcome, *_rest))
        for id_, outcome, day, reason in news:
            one = known[id_]
            one.state, one.answered_on = outcome, date.fromisoformat(day)
            one.reason = reason or None
        return "ok"

    # -- the ledger

    def accounts(self) -> Counter[str]:
        """The balances of the ledger's accounts that follow from what the banks paid."""
        accounts: Counter[str] = Counter()
        for one in self.transfers:
            cpts_id, rpps = one.payee
            for (year, _), (_, cents) in one.parts.items():
                if one.state == "executed":
                    debt = f"member:{cpts_id}:{rpps}" if year is None else f"owed:{cpts_id}:{year}"
                    accounts[debt] += cents
                    accounts["bank:caisse" if rpps is None else f"bank:{cpts_id}"] -= cents
        return accounts


def _has_right_key(iban: str) -> bool:
    """ISO 13616: read as a number, letters from 10 on, its head at its end, it leaves 1 of 97."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
