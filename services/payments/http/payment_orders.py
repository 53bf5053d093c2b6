"""Orders of payment from the caisse to CPTS: batches, their orders, the bank's answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    RequestBody,
    Schema,
)
from litestar.params import JSONBody

from contracts.events.payments import PaymentOrdered
from contracts.recorded import record
from services.messaging.documents import OrderOperation, also
from services.messaging.orders import Answer, Order, Role, carry_out
from services.payments.domain.bank_accounts import CAISSE, BankAccount, account_on, owner_of
from services.payments.domain.money_refusals import MoneyRefusal
from services.payments.domain.orders_of_payment import (
    Answered,
    Batch,
    OpenDue,
    Waiting,
    answer,
    order_payment,
    subject_of,
)
from services.payments.http.asking import CptsId, EntryId
from services.payments.http.bank_answers import Unreadable, read_answers
from services.payments.http.ordering import paris_day, refused
from services.payments.store import bank_accounts, payment_orders, postings
from services.payments.store.payment_orders import ShownLine, ShownOrder

JOIN_BATCH = "payment_batch"
JOIN_PAYMENTS = "payments"
FILE = "pain.002, ou CSV (UTF-8, « ; ») aux colonnes order_id, outcome, day, reason"
# It travels as the bank's message id.
BatchId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,30}\Z")]


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


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An order with what it takes from each due sum."""

    order: ShownOrder
    dues: tuple[ShownLine, ...]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; `waiting` are the CPTS with open sums that it could not pay, when it was made."""

    batch_id: str
    amount_cents: int
    orders: tuple[OrderAnswer, ...]
    waiting: tuple[Waiting, ...] = ()


class AnswersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines a file had, and how many of them were news."""

    lines: int
    changes: int


@post(
    "/payment-batches",
    status_code=201,
    responses=also(200, BatchAnswer, "Ce lot existe, ou rien n'est à payer"),
)
async def make_batch(
    request: Request[Any, Any, Any], data: JSONBody[BatchOrder]
) -> Response[BatchAnswer]:
    """Orders all that may be paid: one order a CPTS, what it owes back deducted.

    The join rows of the CPTS's payments are held while its open sums are read: of two batches at
    once, the second finds nothing left. A batch that exists is answered as it is.
    """

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        today = paris_day(order.instant)
        execute_on = data.execute_on or today
        if execute_on < today:
            raise refused(MoneyRefusal.EXECUTION_IN_THE_PAST)
        await order.unit.lock_joins(JOIN_BATCH, [data.batch_id])
        if await payment_orders.orders_of_batch(connection, data.batch_id):
            return Answer(
                body=as_answer(
                    data.batch_id, *await payment_orders.shown_of_batch(connection, data.batch_id)
                )
            )
        payer = account_on(await bank_accounts.versions(connection, [CAISSE]), execute_on)
        if payer is None:
            raise refused(MoneyRefusal.ACCOUNT_MISSING)
        batch = Batch(batch_id=data.batch_id, payer=payer, ordered_on=today, execute_on=execute_on)
        waiting = await _order_all(order, batch)
        shown = await payment_orders.shown_of_batch(connection, data.batch_id)
        return Answer(
            body=as_answer(data.batch_id, *shown, waiting=tuple(waiting)),
            status=201 if shown[0] else 200,
        )

    return await carry_out(request, {Role.CAISSE}, body)


async def _order_all(order: Order, batch: Batch) -> list[Waiting]:
    """Announces the orders of a batch; answers who waits, and why."""
    connection = order.unit.connection
    found = {due.cpts_id for due in await payment_orders.open_dues(connection, batch.ordered_on)}
    sequences = await _locked_payments(order, found)
    by_cpts: dict[str, list[OpenDue]] = {}
    for due in await payment_orders.open_dues(connection, batch.ordered_on, found):
        by_cpts.setdefault(due.cpts_id, []).append(due)
    accounts = await _accounts(order, found, batch.execute_on)
    waiting: list[Waiting] = []
    events: dict[str, list[PaymentOrdered]] = {}
    for cpts_id, dues in by_cpts.items():
        decision = order_payment(cpts_id, dues, accounts.get(cpts_id), batch)
        if isinstance(decision, Waiting):
            waiting.append(decision)
        elif decision is not None:
            events[cpts_id] = [decision]
    await _announce(order, events, sequences)
    return waiting


async def _locked_payments(order: Order, cpts_ids: Collection[str]) -> dict[str, int]:
    """The last sequences of the payments of CPTS, by subject; their join rows are held from now on.

    They are read before what is decided upon: what another transaction said in between takes the
    next sequence, and this one starts again.
    """
    await order.unit.lock_joins(JOIN_PAYMENTS, cpts_ids)
    return await postings.last_sequences(
        order.unit.connection, [subject_of(cpts_id) for cpts_id in cpts_ids]
    )


async def _accounts(order: Order, cpts_ids: set[str], day: date) -> dict[str, BankAccount]:
    """The account in force on a day of each CPTS that has one."""
    by_owner: dict[str, list[BankAccount]] = {owner_of(cpts_id): [] for cpts_id in cpts_ids}
    for one in await bank_accounts.versions(order.unit.connection, by_owner):
        by_owner[one.owner].append(one)
    found = {cpts_id: account_on(by_owner[owner_of(cpts_id)], day) for cpts_id in cpts_ids}
    return {cpts_id: account for cpts_id, account in found.items() if account is not None}


async def _announce(
    order: Order,
    events: Mapping[str, Sequence[PaymentOrdered | Answered]],
    sequences: Mapping[str, int],
) -> None:
    """Says what happened to the payments of CPTS, after their last sequences."""
    departements = await payment_orders.departements(order.unit.connection, events)
    await order.unit.announce(
        [
            one
            for cpts_id, said in sorted(events.items())
            for one in record(
                said,
                subject=subject_of(cpts_id),
                after_sequence=sequences.get(subject_of(cpts_id), 0),
                departement=departements[cpts_id],
                occurred_at=order.instant,
                cause=order.cause,
            )
        ]
    )


@post("/payment-batches/{batch_id:str}/answers", status_code=200, operation_class=AnswersOperation)
async def take_answers(
    request: Request[Any, Any, Any], batch_id: EntryId
) -> Response[AnswersAnswer]:
    """Takes what the bank answers of a batch: all lines or none; a file twice changes nothing.

    The body is a CSV file or a pain.002. What is wrong with it is told at once, line by line.
    """
    content = await request.body()

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        try:
            lines = read_answers(content)
        except Unreadable as error:
            raise refused(MoneyRefusal.ANSWERS_UNREADABLE, {"lines": error.lines}) from None
        known = await payment_orders.orders_of_batch(connection, batch_id)
        if not known:
            raise refused(MoneyRefusal.UNKNOWN_BATCH)
        sequences = await _locked_payments(order, {one.cpts_id for one in known.values()})
        known = await payment_orders.orders_of_batch(connection, batch_id)
        events, bad = answer(lines, known)
        if bad:
            raise refused(MoneyRefusal.ANSWERS_IMPOSSIBLE, {"lines": bad})
        by_cpts: dict[str, list[Answered]] = {}
        for event in events:
            by_cpts.setdefault(event.cpts_id, []).append(event)
        await _announce(order, by_cpts, sequences)
        return Answer(body=AnswersAnswer(lines=len(lines), changes=len(events)))

    return await carry_out(request, {Role.CAISSE}, body)


@get("/cpts/{cpts_id:str}/payment-orders")
async def list_of_cpts(request: Request[Any, Any, Any], cpts_id: CptsId) -> dict[str, Any]:
    """The orders of payment of a CPTS, oldest first, and what of its due sums is open today."""
    today = paris_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:
        orders, lines = await payment_orders.shown_of_cpts(connection, cpts_id)
        still_open = await payment_orders.open_dues(connection, today, [cpts_id])
    return {
        "items": _with_lines(orders, lines),
        "open": still_open,
        "open_cents": sum(due.open_cents for due in still_open),
    }


def as_answer(
    batch_id: str,
    orders: list[ShownOrder],
    lines: list[ShownLine],
    *,
    waiting: tuple[Waiting, ...] = (),
) -> BatchAnswer:
    """A batch as it is answered."""
    return BatchAnswer(
        batch_id=batch_id,
        amount_cents=sum(one.amount_cents for one in orders),
        orders=_with_lines(orders, lines),
        waiting=waiting,
    )


def _with_lines(orders: list[ShownOrder], lines: list[ShownLine]) -> tuple[OrderAnswer, ...]:
    taken: dict[str, list[ShownLine]] = {}
    for line in lines:
        taken.setdefault(line.order_id, []).append(line)
    return tuple(OrderAnswer(order=one, dues=tuple(taken[one.order_id])) for one in orders)


ROUTES = (make_batch, take_answers, list_of_cpts)
