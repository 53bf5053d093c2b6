"""The scale: amounts that the caisse publishes or confirms, and the whole of it as it stands."""

from datetime import date
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody

from contracts.events.payments import RateConfirmed, RatePublished
from services.messaging.bodies import refuse_impossible_days
from services.messaging.documents import also
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page
from services.payments import handlers
from services.payments.domain import scale
from services.payments.domain.calendar import local_day
from services.payments.domain.owners import OWNERS
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import check_rate, says_the_same
from services.payments.http.asking import (
    Cents,
    Code,
    Count,
    Id,
    PersonId,
    Text,
    refused,
)
from services.payments.store import answers, confirmations, inputs

Status = Literal["confirmed", "two_contracts", "single_source", "derived", "hypothesis"]


class RateOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that publishes a rate; the amount in cents."""

    rate_id: Id
    from_on: date
    taille: Count
    mission: Code
    part: Code
    amount_cents: Cents
    text: Text
    is_verified: bool
    status: Status = "single_source"
    to_on: date | None = None
    unit: Text = ""

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


@post(
    "/rates",
    status_code=201,
    responses=also(200, RateOrder, "Ce montant est déjà publié, à l'identique"),
)
async def publish_rate(
    request: Request[Any, Any, Any], data: JSONBody[RateOrder]
) -> Response[RateOrder]:
    """Publishes an amount of the scale and prices the accounts that it concerns again."""

    async def body(order: Order) -> Answer:
        event = RatePublished(**msgspec.structs.asdict(data))
        refusal = check_rate(event)
        if refusal is not None:
            raise refused(refusal)
        await handlers.lock_rates(order.unit)
        known = await inputs.find_rate(order.unit.connection, event.rate_id)
        if known is not None:
            if not says_the_same(known, event):
                raise refused(Refusal.ALREADY_EXISTS)
            return Answer(body=data, status=200)
        await handlers.publish_rates(order.unit, [event], order.cause)
        return Answer(body=data, status=201)

    return await carry_out(request, OWNERS["publish_rate"], body)


class ConfirmationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody of the caisse answers for; `confirmed_by` is the caisse's own id of them.

    The rate is named here and not in the path: its id may hold slashes.
    """

    rate_id: Id
    amount_cents: Cents
    text: Text
    read_on: date
    confirmed_by: PersonId

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


@post(
    "/rates/confirmations",
    status_code=201,
    responses=also(200, ConfirmationOrder, "Ce montant est déjà confirmé, à l'identique"),
)
async def confirm_rate(
    request: Request[Any, Any, Any], data: JSONBody[ConfirmationOrder]
) -> Response[ConfirmationOrder]:
    """Confirms an amount of the scale that was read in its text: what it held is released."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        await handlers.lock_rates(order.unit)
        rate = await inputs.find_rate(connection, data.rate_id)
        event = scale.confirm_rate(
            rate,
            RateConfirmed(**msgspec.structs.asdict(data)),
            await confirmations.find(connection, data.rate_id),
            local_day(order.instant),
        )
        if isinstance(event, Refusal):
            raise refused(event)
        if event is None or rate is None:
            return Answer(body=data, status=200)
        await handlers.confirm_rate(order.unit, event, rate.taille, order.cause)
        return Answer(body=data, status=201)

    return await carry_out(request, OWNERS["confirm_rate"], body)


@get("/rates")
async def rates(request: Request[Any, Any, Any], after: After = "", limit: Limit = 100) -> Page:
    """The scale by id, each amount with its text, whether it is verified, and who confirmed it."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.rates(connection, after=after, limit=limit)
    return page(items, limit, lambda last: str(last["rate_id"]))


ROUTES = (publish_rate, confirm_rate, rates)
