"""Batches of orders of payment, whoever pays: made of all that is open, answered by the bank.

The caisse pays CPTS what is due to them; a CPTS pays professionals what it owes them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    RequestBody,
    Schema,
)

from contracts.events.payments import MemberPaymentOrdered, PaymentOrdered
from contracts.recorded import record
from services.messaging.bodies import refuse_impossible_days
from services.messaging.documents import OrderOperation
from services.messaging.orders import Answer, Order
from services.payments.domain.bank_accounts import CAISSE, BankAccount, account_on, owner_of
from services.payments.domain.money_refusals import MoneyRefusal
from services.payments.domain.orders_of_payment import (
    Answered,
    Batch,
    OpenSum,
    Payee,
    Waiting,
    answer,
    order_payment,
)
from services.payments.http.bank_answers import Unreadable, read_answers
from services.payments.http.ordering import paris_day, refused
from services.payments.store import bank_accounts, payment_orders, postings
from services.payments.store.payment_orders import Shown, ShownIndemnity, ShownLine, ShownOrder

JOIN_BATCH = "payment_batch"
JOIN_PAYMENTS = "payments"
FILE = "pain.002, ou CSV (UTF-8, « ; ») aux colonnes order_id, outcome, day, reason"
# It travels as the bank's message id.
BatchId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,30}\Z")]
Said = PaymentOrdered | MemberPaymentOrdered | Answered


@dataclass
class AnswersOperation(OrderOperation):
    """An order whose body is a bank's file."""

    def __post_init__(self) -> None:
        """Tell what the body is: Litestar sees none, as the file is read as it is."""
        super().__post_init__()
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description=FILE)
        content = {"application/octet-stream": OpenAPIMediaType(schema=schema)}
        self.request_body = RequestBody(content=content, required=True)


class BatchOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch to make of all that may be paid today; executed today unless told."""

    batch_id: BatchId
    execute_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An order with what it takes from each due sum of a CPTS, or indemnity of a professional."""

    order: ShownOrder
    dues: tuple[ShownLine, ...]
    indemnities: tuple[ShownIndemnity, ...]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; `waiting` are those with open sums whom it could not pay, when it was made."""

    batch_id: str
    amount_cents: int
    orders: tuple[OrderAnswer, ...]
    waiting: tuple[Waiting, ...] = ()


class AnswersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines a file had, and how many of them were news."""

    lines: int
    changes: int


async def order_batch(order: Order, data: BatchOrder, *, paying_cpts: str | None = None) -> Answer:
    """Orders all that the caisse, or a CPTS, may pay: an order a payee, what it owes back deducted.

    The join rows of the payees' orders are held while open sums are read: of two batches at once,
    the second finds nothing left. A batch that exists is answered as it is.
    """
    connection = order.unit.connection
    payer = payer_of(paying_cpts)
    today = paris_day(order.instant)
    execute_on = data.execute_on or today
    if execute_on < today:
        raise refused(MoneyRefusal.EXECUTION_IN_THE_PAST)
    await order.unit.lock_joins(JOIN_BATCH, [f"{payer}/{data.batch_id}"])
    shown = await payment_orders.shown_of_batch(connection, payer, data.batch_id)
    if shown.orders:
        return Answer(body=as_answer(data.batch_id, shown))
    account = account_on(await bank_accounts.versions(connection, [payer]), execute_on)
    if account is None:
        raise refused(MoneyRefusal.ACCOUNT_MISSING)
    batch = Batch(batch_id=data.batch_id, payer=account, ordered_on=today, execute_on=execute_on)
    waiting = await _order_all(order, batch, paying_cpts)
    shown = await payment_orders.shown_of_batch(connection, payer, data.batch_id)
    return Answer(
        body=as_answer(data.batch_id, shown, waiting=tuple(waiting)),
        status=201 if shown.orders else 200,
    )


def payer_of(paying_cpts: str | None) -> str:
    """The owner of the account from which the caisse (None), or a CPTS, pays."""
    return CAISSE if paying_cpts is None else owner_of(paying_cpts)


async def _order_all(order: Order, batch: Batch, paying_cpts: str | None) -> list[Waiting]:
    """Announces the orders of a batch; answers who waits, and why."""
    found = await _open_sums(order, batch.ordered_on, paying_cpts)
    subjects = {one.payee.subject for one in found}
    sequences = await _locked_payments(order, subjects)
    by_payee: dict[Payee, list[OpenSum]] = {}
    for one in await _open_sums(order, batch.ordered_on, paying_cpts):
        if one.payee.subject in subjects:
            by_payee.setdefault(one.payee, []).append(one)
    accounts = await _accounts(order, by_payee, batch.execute_on)
    waiting: list[Waiting] = []
    events: dict[str, list[Said]] = {}
    for payee, sums in by_payee.items():
        decision = order_payment(payee, sums, accounts.get(payee), batch)
        if isinstance(decision, Waiting):
            waiting.append(decision)
        elif decision is not None:
            events.setdefault(payee.subject, []).append(decision)
    await _announce(order, events, sequences)
    return waiting


async def _open_sums(order: Order, day: date, paying_cpts: str | None) -> Sequence[OpenSum]:
    connection = order.unit.connection
    if paying_cpts is None:
        return await payment_orders.open_dues(connection, day)
    return await payment_orders.open_indemnities(connection, day, paying_cpts)


async def _locked_payments(order: Order, subjects: Collection[str]) -> dict[str, int]:
    """The last sequences of these aggregates of orders; their join rows are held from now on.

    They are read before what is decided upon: what another transaction said in between takes the
    next sequence, and this one starts again.
    """
    await order.unit.lock_joins(JOIN_PAYMENTS, subjects)
    return await postings.last_sequences(order.unit.connection, subjects)


async def _accounts(order: Order, payees: Iterable[Payee], day: date) -> dict[Payee, BankAccount]:
    """The account in force on a day of each payee that has one."""
    by_owner: dict[str, list[BankAccount]] = {payee.owner: [] for payee in payees}
    for one in await bank_accounts.versions(order.unit.connection, by_owner):
        by_owner[one.owner].append(one)
    found = {payee: account_on(by_owner[payee.owner], day) for payee in payees}
    return {payee: account for payee, account in found.items() if account is not None}


async def _announce(
    order: Order, events: Mapping[str, Sequence[Said]], sequences: Mapping[str, int]
) -> None:
    """Says what happened to orders, aggregate by aggregate, after their last sequences."""
    cpts_ids = {event.cpts_id for said in events.values() for event in said}
    departements = await payment_orders.departements(order.unit.connection, cpts_ids)
    await order.unit.announce(
        [
            one
            for subject, said in sorted(events.items())
            for one in record(
                said,
                subject=subject,
                after_sequence=sequences.get(subject, 0),
                departement=departements[said[0].cpts_id],
                occurred_at=order.instant,
                cause=order.cause,
            )
        ]
    )


async def take_bank_file(
    order: Order, batch_id: str, content: bytes, *, paying_cpts: str | None = None
) -> Answer:
    """Takes what the bank answers of a batch: all lines or none; a file twice changes nothing."""
    connection = order.unit.connection
    payer = payer_of(paying_cpts)
    try:
        lines = read_answers(content)
    except Unreadable as error:
        raise refused(MoneyRefusal.ANSWERS_UNREADABLE, {"lines": error.lines}) from None
    known = await payment_orders.orders_of_batch(connection, payer, batch_id)
    if not known:
        raise refused(MoneyRefusal.UNKNOWN_BATCH)
    sequences = await _locked_payments(order, {one.payee.subject for one in known.values()})
    known = await payment_orders.orders_of_batch(connection, payer, batch_id)
    news, bad = answer(lines, known)
    if bad:
        raise refused(MoneyRefusal.ANSWERS_IMPOSSIBLE, {"lines": bad})
    events: dict[str, list[Said]] = {}
    for event in news:
        events.setdefault(known[event.order_id].payee.subject, []).append(event)
    await _announce(order, events, sequences)
    return Answer(body=AnswersAnswer(lines=len(lines), changes=len(news)))


def as_answer(batch_id: str, shown: Shown, *, waiting: tuple[Waiting, ...] = ()) -> BatchAnswer:
    """A batch as it is answered."""
    return BatchAnswer(
        batch_id=batch_id,
        amount_cents=sum(one.amount_cents for one in shown.orders),
        orders=with_lines(shown),
        waiting=waiting,
    )


def with_lines(shown: Shown) -> tuple[OrderAnswer, ...]:
    """Each order with what it takes."""
    dues: dict[str, list[ShownLine]] = {}
    for due in shown.dues:
        dues.setdefault(due.order_id, []).append(due)
    indemnities: dict[str, list[ShownIndemnity]] = {}
    for one in shown.indemnities:
        indemnities.setdefault(one.order_id, []).append(one)
    return tuple(
        OrderAnswer(
            order=order,
            dues=tuple(dues.get(order.order_id, ())),
            indemnities=tuple(indemnities.get(order.order_id, ())),
        )
        for order in shown.orders
    )
