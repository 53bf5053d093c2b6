"""Orders of payment, from the caisse to CPTS and from CPTS to their members: batches, and what the
bank answers.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody

from services.messaging.documents import also
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, AfterNumber, Limit, Page, next_of, page
from services.payments.domain.orders_of_payment import OpenDue, OpenSum
from services.payments.domain.owners import OWNERS
from services.payments.http.asking import CptsId, EntryId
from services.payments.http.batches import (
    AnswersAnswer,
    AnswersOperation,
    BatchAnswer,
    BatchOrder,
    order_batch,
    take_bank_file,
    with_lines,
)
from services.payments.http.ordering import departement_of, paris_day
from services.payments.store import payment_orders

KNOWN = also(200, BatchAnswer, "Ce lot existe, ou rien n'est à payer")


@post("/payment-batches", status_code=201, responses=KNOWN)
async def make_batch(
    request: Request[Any, Any, Any], data: JSONBody[BatchOrder]
) -> Response[BatchAnswer]:
    """Orders all that the caisse may pay: one order a CPTS, what it owes back deducted."""

    async def body(order: Order) -> Answer:
        return await order_batch(order, data)

    return await carry_out(request, OWNERS["make_batch"], body)


@post("/payment-batches/{batch_id:str}/answers", status_code=200, operation_class=AnswersOperation)
async def take_answers(
    request: Request[Any, Any, Any], batch_id: EntryId
) -> Response[AnswersAnswer]:
    """Takes what the bank answers of a batch: all lines or none; a file twice changes nothing.

    The body is a CSV file or a pain.002. What is wrong with it is told at once, line by line.
    """
    content = await request.body()

    async def body(order: Order) -> Answer:
        return await take_bank_file(order, batch_id, content)

    return await carry_out(request, OWNERS["take_answers"], body)


@get("/cpts/{cpts_id:str}/payment-orders")
async def list_of_cpts(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """The orders of payment of a CPTS, oldest first, with the sums that each takes."""
    return await _listed(request, cpts_id, after, limit, is_paid=True)


@get("/cpts/{cpts_id:str}/open-dues")
async def list_open_dues(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: After = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """What of a CPTS's due sums is left to order today; `open_cents` is that of all pages."""
    today = paris_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:
        found = await payment_orders.open_dues(connection, today, [cpts_id])
    return _page_of_open(found, after, limit)


@post("/cpts/{cpts_id:str}/payment-batches", status_code=201, responses=KNOWN)
async def make_batch_of_cpts(
    request: Request[Any, Any, Any], cpts_id: CptsId, data: JSONBody[BatchOrder]
) -> Response[BatchAnswer]:
    """Orders all that a CPTS owes its members: one order a professional, what they owe back
    deducted, from the CPTS's own account.
    """

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await order_batch(order, data, paying_cpts=cpts_id)

    return await carry_out(request, OWNERS["make_batch_of_cpts"], body)


@post(
    "/cpts/{cpts_id:str}/payment-batches/{batch_id:str}/answers",
    status_code=200,
    operation_class=AnswersOperation,
)
async def take_answers_of_cpts(
    request: Request[Any, Any, Any], cpts_id: CptsId, batch_id: EntryId
) -> Response[AnswersAnswer]:
    """Takes what the CPTS's bank answers of a batch, as the caisse does of its own."""
    content = await request.body()

    async def body(order: Order) -> Answer:
        await departement_of(order, cpts_id)
        return await take_bank_file(order, batch_id, content, paying_cpts=cpts_id)

    return await carry_out(request, OWNERS["take_answers_of_cpts"], body)


@get("/cpts/{cpts_id:str}/member-payment-orders")
async def list_to_members(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """The orders by which a CPTS pays its members, oldest first, with what each takes."""
    return await _listed(request, cpts_id, after, limit, is_paid=False)


@get("/cpts/{cpts_id:str}/open-indemnities")
async def list_open_indemnities(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    after: After = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """What a CPTS has left to order today of what it owes its members; `open_cents` in all."""
    today = paris_day(request.app.state.clock.now())
    async with request.app.state.pool.acquire() as connection:
        found = await payment_orders.open_indemnities(connection, today, cpts_id)
    return _page_of_open(found, after, limit)


async def _listed(
    request: Request[Any, Any, Any], cpts_id: str, after: int, limit: int, *, is_paid: bool
) -> Page:
    async with request.app.state.pool.acquire() as connection:
        shown = await payment_orders.shown_of_cpts(
            connection, cpts_id, is_paid=is_paid, after=after, limit=limit
        )
    return page(with_lines(shown), limit, lambda last: str(last.order.sequence))


def _page_of_open(found: Sequence[OpenSum], after: str, limit: int) -> dict[str, Any]:
    """A page of the open sums of one CPTS, which are summed as a whole."""
    by_key = {_key(one): one for one in found}
    items = [by_key[key] for key in sorted(by_key) if key > after][:limit]
    return {
        "items": items,
        "next": next_of(items, limit, _key),
        "open_cents": sum(one.open_cents for one in found),
    }


def _key(one: OpenSum) -> str:
    if isinstance(one, OpenDue):
        return f"{one.starts_on}/{one.due_id}"
    return f"{one.rpps}/{one.indemnity_id}"


ROUTES = (
    make_batch,
    take_answers,
    list_of_cpts,
    list_open_dues,
    make_batch_of_cpts,
    take_answers_of_cpts,
    list_to_members,
    list_open_indemnities,
)
