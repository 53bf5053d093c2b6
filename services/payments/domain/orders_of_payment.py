"""Orders of payment: what a CPTS is paid of what is due, or a professional of what a CPTS owes, and
what follows from the bank's answers.

Of each sum an order takes what no standing order has taken yet: all of it the first time, the
difference when the sum changed since, nothing when it did not. What was ordered too much is
negative and is recovered from the other sums of the same order.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from contracts.events.payments import (
    MemberPaymentOrdered,
    OrderedDue,
    OrderedIndemnity,
    PaymentExecuted,
    PaymentOrdered,
    PaymentRefunded,
    PaymentRejected,
)
from services.payments.domain.bank_accounts import CAISSE, BankAccount, owner_of
from services.payments.domain.indemnities import bank_of, debt_account

Outcome = Literal["executed", "rejected", "refunded"]
State = Literal["ordered", "executed", "rejected", "refunded"]
STANDING: tuple[State, ...] = ("ordered", "executed")
"""The states in which an order holds what it took."""


class Payee(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an order pays: a CPTS, paid by the caisse, or a professional, paid by the CPTS."""

    cpts_id: str
    rpps: str | None = None

    @property
    def owner(self) -> str:
        """The owner of the accounts that are credited."""
        return owner_of(self.cpts_id, self.rpps)

    @property
    def payer(self) -> str:
        """The owner of the account that is debited."""
        return CAISSE if self.rpps is None else owner_of(self.cpts_id)

    @property
    def subject(self) -> str:
        """The aggregate of its orders: one for each CPTS, of what it is paid or pays."""
        return f"{self.cpts_id}/{'payments' if self.rpps is None else 'member-payments'}"


class OpenDue(msgspec.Struct, frozen=True, kw_only=True):
    """A sum that may be paid, as it stands, and what standing orders took of it.

    `tranches` counts all orders that ever took from it.
    """

    cpts_id: str
    starts_on: date
    due_id: str
    amount_cents: int
    ordered_cents: int
    tranches: int

    @property
    def open_cents(self) -> int:
        """What is left to order; negative when too much was."""
        return self.amount_cents - self.ordered_cents

    @property
    def payee(self) -> Payee:
        """Whom it is due to."""
        return Payee(cpts_id=self.cpts_id)


class OpenIndemnity(msgspec.Struct, frozen=True, kw_only=True):
    """What a CPTS owes a professional of an indemnité or rémunération, and what standing orders to
    them took of it; nothing is owed of one that was withdrawn, or became another's.
    """

    cpts_id: str
    rpps: str
    indemnity_id: str
    amount_cents: int
    ordered_cents: int
    tranches: int

    @property
    def open_cents(self) -> int:
        """What is left to order; negative when too much was."""
        return self.amount_cents - self.ordered_cents

    @property
    def payee(self) -> Payee:
        """Whom it is owed to."""
        return Payee(cpts_id=self.cpts_id, rpps=self.rpps)


OpenSum = OpenDue | OpenIndemnity


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that are given together, on a day, to be executed on another, from one account."""

    batch_id: str
    payer: BankAccount
    ordered_on: date
    execute_on: date


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Why a CPTS, or a professional (`rpps`), with open sums is not paid: `no_bank_account`, or
    `recovery` when what is owed back is as much as the rest: it waits for the next sums.
    """

    cpts_id: str
    reason: Literal["no_bank_account", "recovery"]
    open_cents: int
    rpps: str | None = None


def order_payment(
    payee: Payee, sums: Iterable[OpenSum], account: BankAccount | None, batch: Batch
) -> PaymentOrdered | MemberPaymentOrdered | Waiting | None:
    """The order for all that is open of one payee, why it waits, or None when nothing is open."""
    taken = [one for one in sums if one.open_cents]
    if not taken:
        return None
    open_cents = sum(one.open_cents for one in taken)
    if open_cents <= 0 or account is None:
        return Waiting(
            cpts_id=payee.cpts_id,
            rpps=payee.rpps,
            reason="recovery" if open_cents <= 0 else "no_bank_account",
            open_cents=open_cents,
        )
    terms: dict[str, Any] = {
        "cpts_id": payee.cpts_id,
        "order_id": order_id_of(batch.batch_id, payee),
        "batch_id": batch.batch_id,
        "amount_cents": open_cents,
        "account_id": account.account_id,
        "account_version": account.version,
        "payer_account_id": batch.payer.account_id,
        "payer_account_version": batch.payer.version,
        "ordered_on": batch.ordered_on,
        "execute_on": batch.execute_on,
    }
    if payee.rpps is None:
        return PaymentOrdered(dues=_dues(taken), **terms)
    return MemberPaymentOrdered(rpps=payee.rpps, indemnities=_indemnities(taken), **terms)


def _dues(taken: Sequence[OpenSum]) -> tuple[OrderedDue, ...]:
    dues = [one for one in taken if isinstance(one, OpenDue)]
    return tuple(
        OrderedDue(
            contract_year_starts_on=due.starts_on,
            due_id=due.due_id,
            tranche=due.tranches + 1,
            amount_cents=due.open_cents,
        )
        for due in sorted(dues, key=lambda due: (due.starts_on, due.due_id))
    )


def _indemnities(taken: Sequence[OpenSum]) -> tuple[OrderedIndemnity, ...]:
    indemnities = [one for one in taken if isinstance(one, OpenIndemnity)]
    return tuple(
        OrderedIndemnity(
            indemnity_id=one.indemnity_id,
            tranche=one.tranches + 1,
            amount_cents=one.open_cents,
        )
        for one in sorted(indemnities, key=lambda one: one.indemnity_id)
    )


def order_id_of(batch_id: str, payee: Payee) -> str:
    """The id of a payee's order in a batch, in the 35 characters that travel through banks."""
    words = (batch_id, payee.cpts_id, *((payee.rpps,) if payee.rpps else ()))
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    return f"vir-{digest[:24]}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands."""

    order_id: str
    batch_id: str
    cpts_id: str
    rpps: str | None
    amount_cents: int
    state: State

    @property
    def payee(self) -> Payee:
        """Whom it pays."""
        return Payee(cpts_id=self.cpts_id, rpps=self.rpps)


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank says of one order, and the day on which that was so."""

    order_id: str
    outcome: Outcome
    day: date
    reason: str | None = None


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line of the bank cannot be: `unknown_order`, or `contradicts` what the bank said
    before, which left the order in `state`.
    """

    order_id: str
    outcome: str
    reason: Literal["unknown_order", "contradicts"]
    state: State | None = None


Answered = PaymentExecuted | PaymentRejected | PaymentRefunded
FOLLOWS: Mapping[Outcome, State] = {
    "executed": "ordered",
    "rejected": "ordered",
    "refunded": "executed",
}
# What the bank has said of an order that is in a state; saying it again changes nothing.
SAID: Mapping[State, tuple[Outcome, ...]] = {
    "ordered": (),
    "executed": ("executed",),
    "rejected": ("rejected",),
    "refunded": ("executed", "refunded"),
}


def answer(
    lines: Iterable[BankLine], orders: Mapping[str, Order]
) -> tuple[list[Answered], list[BadLine]]:
    """The events that a bank's lines bring, in their order, and every line that cannot be."""
    states: dict[str, State] = {order.order_id: order.state for order in orders.values()}
    events: list[Answered] = []
    bad: list[BadLine] = []
    for line in lines:
        state = states.get(line.order_id)
        if state is None:
            bad.append(
                BadLine(order_id=line.order_id, outcome=line.outcome, reason="unknown_order")
            )
        elif line.outcome in SAID[state]:
            continue
        elif state != FOLLOWS[line.outcome]:
            bad.append(
                BadLine(
                    order_id=line.order_id, outcome=line.outcome, reason="contradicts", state=state
                )
            )
        else:
            states[line.order_id] = line.outcome
            events.append(_answered(line, orders[line.order_id].cpts_id))
    return events, bad


def _answered(line: BankLine, cpts_id: str) -> Answered:
    match line.outcome:
        case "executed":
            return PaymentExecuted(cpts_id=cpts_id, order_id=line.order_id, executed_on=line.day)
        case "rejected":
            return PaymentRejected(
                cpts_id=cpts_id, order_id=line.order_id, rejected_on=line.day, reason=line.reason
            )
        case "refunded":
            return PaymentRefunded(
                cpts_id=cpts_id, order_id=line.order_id, refunded_on=line.day, reason=line.reason
            )


def payment_postings(
    payee: Payee, cents_of_years: Mapping[date | None, int], *, is_refund: bool = False
) -> Iterable[tuple[str, date | None, int]]:
    """The ledger lines (account, contract year, signed cents) of money that left, or came back.

    What is owed is debited (positive) and the bank of who pays credited: contract year by contract
    year what the caisse owes, under None what a CPTS owes a professional.
    """
    sign = -1 if is_refund else 1
    bank = "bank:caisse" if payee.rpps is None else bank_of(payee.cpts_id)
    for starts_on, cents in sorted(cents_of_years.items(), key=lambda one: one[0] or date.min):
        yield _debt(payee, starts_on), starts_on, sign * cents
        yield bank, starts_on, -sign * cents


def _debt(payee: Payee, starts_on: date | None) -> str:
    if payee.rpps is not None:
        return debt_account(payee.cpts_id, payee.rpps)
    assert starts_on is not None, "what the caisse owes belongs to a contract year"
    return f"owed:{payee.cpts_id}:{starts_on.isoformat()}"
