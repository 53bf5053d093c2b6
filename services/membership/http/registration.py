"""Orders on a CPTS itself: registration, and its FINESS."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, post, put
from litestar.params import JSONBody

from contracts.communes import resolve
from contracts.events.membership import CptsRegistered, FinessAssigned
from services.membership.domain import registration
from services.membership.domain.calendar import local_day
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Refusal
from services.membership.http.bodies import FinessOrder, PathId, RegisterOrder
from services.membership.http.ordering import (
    announce,
    announce_of,
    created,
    is_own_word,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownCpts, already
from services.membership.store import answers, loading
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.problems import Refused


@post("/cpts", responses=already(ShownCpts))
async def register_cpts(
    request: Request[Any, Any, Any], data: JSONBody[RegisterOrder]
) -> Response[ShownCpts]:
    """Registers a CPTS under the département of its seat.

    One that registers itself says neither its FINESS nor that it emerged before that day.
    """

    async def body(order: Order) -> Answer:
        order.refuse_another_cpts(data.cpts_id)
        connection = order.unit.connection
        await order.unit.lock_joins("cpts", [data.cpts_id])
        first_event = await loading.registration(connection, data.cpts_id)
        if first_event is None:
            _refuse_own_word(order, data)
        if data.finess is not None:
            await order.unit.lock_joins("finess", [data.finess])
        seat = resolve(data.seat_commune)
        event = unless_refused(
            registration.register(
                CptsRegistered(
                    cpts_id=data.cpts_id,
                    cpts_name=data.cpts_name,
                    seat_commune=data.seat_commune,
                    finess=data.finess,
                    emerged_on=data.emerged_on,
                ),
                seat=seat,
                first_event=first_event,
                finess_holder=await loading.cpts_with_finess(connection, data.finess),
            )
        )
        if event is not None and seat is not None:
            await announce(
                order, [event], cpts_id=data.cpts_id, departement=seat.departement, after=0
            )
        summary = await answers.cpts_summary(connection, data.cpts_id)
        return created(summary, is_new=event is not None)

    return await carry_out(request, OWNERS["register_cpts"], body)


@post("/cpts/{cpts_id:str}/finess", status_code=200)
async def assign_finess(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[FinessOrder]
) -> Response[ShownCpts]:
    """Gives a CPTS its FINESS, once: appointments that name it count for this CPTS."""
    return await carry_out(
        request,
        OWNERS["assign_finess"],
        lambda order: _give(order, cpts_id, data.finess, registration.assign_finess),
    )


@put("/cpts/{cpts_id:str}/finess", status_code=200)
async def correct_finess(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[FinessOrder]
) -> Response[ShownCpts]:
    """Corrects the FINESS of a CPTS: what counts by it is counted again, as if never otherwise."""
    return await carry_out(
        request,
        OWNERS["correct_finess"],
        lambda order: _give(order, cpts_id, data.finess, registration.correct_finess),
    )


def _refuse_own_word(order: Order, data: RegisterOrder) -> None:
    """Raises `Refused` (403): by these two a CPTS would take what another counts."""
    if not is_own_word(order):
        return
    if data.finess is not None:
        raise Refused("role_not_allowed", "La caisse ou l'ARS donnent son FINESS.", status=403)
    if data.emerged_on is not None and data.emerged_on < local_day(order.instant):
        raise Refused(
            "role_not_allowed",
            "La caisse ou l'ARS disent qu'une CPTS est née avant d'être enregistrée.",
            status=403,
        )


async def _give(
    order: Order,
    cpts_id: str,
    finess: str,
    decide: Callable[..., FinessAssigned | Refusal | None],
) -> Answer:
    """What was decided of a FINESS and its present holder, announced; the CPTS as it is then."""
    connection = order.unit.connection
    await order.unit.lock_joins("finess", [finess])
    cpts = await locked_cpts(order, cpts_id)
    holder = await loading.cpts_with_finess(connection, finess)
    event = unless_refused(decide(cpts, finess, finess_holder=holder))
    await announce_of(order, cpts, [event] if event else [])
    return Answer(body=await answers.cpts_summary(connection, cpts_id))


ROUTES = (register_cpts, assign_finess, correct_finess)
