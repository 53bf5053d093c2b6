"""Bank accounts: proposed by one person, confirmed by another, in force from a day to a day.

Each change is another version; the one that was confirmed last stands, and a proposal that nobody
confirmed changes nothing. IBANs are secrets: what is shown of one is masked.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from services.payments.domain.money_refusals import MoneyRefusal, Refusal

CAISSE = "caisse"
SHOWN_FIRST, SHOWN_LAST = 2, 4


class BankAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an account; `confirmed_by` is None until somebody else confirmed it.

    `owner` is `caisse` or what `owner_of` gives; `to_on` is the last day, None without end.
    """

    owner: str
    account_id: str
    version: int
    iban: str
    holder: str
    from_on: date
    to_on: date | None
    proposed_by: str
    confirmed_by: str | None = None

    def __repr__(self) -> str:
        """Nothing that would put the IBAN into a log or a traceback."""
        return f"BankAccount({self.owner}/{self.account_id} v{self.version})"


def owner_of(cpts_id: str, rpps: str | None = None) -> str:
    """The owner that a CPTS is, or a professional whom it pays: each CPTS vouches for accounts of
    its own, so that none decides where another's money goes.
    """
    return f"cpts:{cpts_id}" if rpps is None else f"professional:{cpts_id}:{rpps}"


def masked(iban: str) -> str:
    """The country and the last digits of an IBAN."""
    hidden = "*" * (len(iban) - SHOWN_FIRST - SHOWN_LAST)
    return f"{iban[:SHOWN_FIRST]}{hidden}{iban[-SHOWN_LAST:]}"


def propose(
    asked: BankAccount, latest: BankAccount | None, *, last_named: int
) -> BankAccount | Refusal | None:
    """The next version of an account, None when the latest one says the same, or why not.

    `last_named` is the greatest version that an order of payment names, 0 without one: after a
    restore it may be one that is lost, and no other account takes its number.
    """
    if asked.to_on is not None and asked.to_on < asked.from_on:
        return Refusal(MoneyRefusal.PERIOD_ENDS_BEFORE_IT_STARTS)
    if latest is not None and _content(asked) == _content(latest):
        return None
    last = max(latest.version if latest else 0, last_named)
    return msgspec.structs.replace(asked, version=last + 1)


def _content(account: BankAccount) -> tuple[object, ...]:
    return account.iban, account.holder, account.from_on, account.to_on


def confirm(latest: BankAccount | None, *, version: int, person: str) -> BankAccount | Refusal:
    """The account as `person` confirms it, or why they cannot.

    They name the version that they saw: what was changed since is not confirmed unseen. A version
    that is confirmed stays as it is.
    """
    if latest is None:
        return Refusal(MoneyRefusal.UNKNOWN_ACCOUNT)
    if latest.version != version:
        return Refusal(MoneyRefusal.ACCOUNT_CHANGED, {"version": latest.version})
    if latest.proposed_by == person:
        return Refusal(MoneyRefusal.SAME_PERSON)
    if latest.confirmed_by is not None:
        return latest
    return msgspec.structs.replace(latest, confirmed_by=person)


def account_on(versions: Iterable[BankAccount], day: date) -> BankAccount | None:
    """The account of one owner that is in force on a day, None without.

    Of each account the last confirmed version counts; of several, the one that began last.
    """
    standing: dict[str, BankAccount] = {}
    for one in sorted(versions, key=lambda one: one.version):
        if one.confirmed_by is not None:
            standing[one.account_id] = one
    in_force = [
        one
        for one in standing.values()
        if one.from_on <= day and (one.to_on is None or day <= one.to_on)
    ]
    return max(in_force, key=lambda one: (one.from_on, one.account_id), default=None)
