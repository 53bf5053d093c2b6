"""Orders of payment: what a CPTS is paid of what is due, and what follows from the bank's answers.

Of each due sum an order takes what no standing order has taken yet: all of it the first time, the
difference when the sum changed since, nothing when it did not. What was ordered too much is
negative and is recovered from the other sums of the same order.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

import msgspec

from contracts.events.payments import (
    OrderedDue,
    PaymentExecuted,
    PaymentOrdered,
    PaymentRefunded,
    PaymentRejected,
)
from services.payments.domain.bank_accounts import BankAccount

BANK_ACCOUNT = "bank:caisse"
Outcome = Literal["executed", "rejected", "refunded"]
State = Literal["ordered", "executed", "rejected", "refunded"]
STANDING: tuple[State, ...] = ("ordered", "executed")
"""The states in which an order holds what it took."""


def subject_of(cpts_id: str) -> str:
    """The aggregate that the payments of a CPTS are."""
    return f"{cpts_id}/payments"


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


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that are given together, on a day, to be executed on another, from one account."""

    batch_id: str
    payer: BankAccount
    ordered_on: date
    execute_on: date


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Why a CPTS with open sums is not paid: `no_bank_account`, or `recovery` when what it owes
    back is as much as what it would get: it waits for the next sums.
    """

    cpts_id: str
    reason: Literal["no_bank_account", "recovery"]
    open_cents: int


def order_payment(
    cpts_id: str, dues: Iterable[OpenDue], account: BankAccount | None, batch: Batch
) -> PaymentOrdered | Waiting | None:
    """The order for all that is open of one CPTS, why it waits, or None when nothing is open."""
    taken = [due for due in dues if due.open_cents]
    if not taken:
        return None
    open_cents = sum(due.open_cents for due in taken)
    if open_cents <= 0:
        return Waiting(cpts_id=cpts_id, reason="recovery", open_cents=open_cents)
    if account is None:
        return Waiting(cpts_id=cpts_id, reason="no_bank_account", open_cents=open_cents)
    return PaymentOrdered(
        cpts_id=cpts_id,
        order_id=order_id_of(batch.batch_id, cpts_id),
        batch_id=batch.batch_id,
        amount_cents=open_cents,
        dues=tuple(
            OrderedDue(
                contract_year_starts_on=due.starts_on,
                due_id=due.due_id,
                tranche=due.tranches + 1,
                amount_cents=due.open_cents,
            )
            for due in sorted(taken, key=lambda due: (due.starts_on, due.due_id))
        ),
        account_id=account.account_id,
        account_version=account.version,
        payer_account_id=batch.payer.account_id,
        payer_account_version=batch.payer.version,
        ordered_on=batch.ordered_on,
        execute_on=batch.execute_on,
    )


def order_id_of(batch_id: str, cpts_id: str) -> str:
    """The id of a CPTS's order in a batch: short enough to travel through banks (35 characters)."""
    digest = hashlib.sha256(f"{batch_id}\n{cpts_id}".encode()).hexdigest()
    return f"vir-{digest[:24]}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands."""

    order_id: str
    batch_id: str
    cpts_id: str
    amount_cents: int
    state: State


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
    cpts_id: str, cents_of_years: Mapping[date, int], *, is_refund: bool = False
) -> Iterable[tuple[str, date, int]]:
    """The ledger lines (account, contract year, signed cents) of money that left, or came back.

    What is owed is debited (positive) and the bank credited, contract year by contract year.
    """
    sign = -1 if is_refund else 1
    for starts_on, cents in sorted(cents_of_years.items()):
        yield f"owed:{cpts_id}:{starts_on.isoformat()}", starts_on, sign * cents
        yield BANK_ACCOUNT, starts_on, -sign * cents
