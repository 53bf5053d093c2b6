"""A regulator books a place in a slot; what became of it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from contracts.recorded import record
from services.gateway.domain.bookings import Demand, book, booking_id
from services.gateway.domain.owners import OWNERS
from services.gateway.domain.refusals import Refusal
from services.gateway.http.agenda_bodies import BookingBody
from services.gateway.http.agendas import refused
from services.gateway.store import bookings, regulators, slots
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.problems import not_found

AnyRequest = Request[Any, Any, Any]
FORBIDDEN = frozenset({Refusal.REGULATOR_UNKNOWN, Refusal.REGULATOR_DISABLED})


@post("/slots/{slot_id:str}/bookings", status_code=201)
async def book_slot(
    request: AnyRequest, slot_id: FromPath[str], data: JSONBody[BookingBody]
) -> Response[dict[str, Any]]:
    """Book a place for a demand: two regulators on the last one, one gets it.

    The place is held at once; referrals then records the demand as accepted, or refuses it and the
    place is given back (`GET /bookings/{booking_id}`).
    """
    demand = Demand(
        regulator_id=data.regulator_id,
        commune=data.commune,
        need=data.need,
        urgency=data.urgency,
        part=data.part,
        cpts_id=data.cpts_id,
        may_overbook=data.may_overbook,
    )

    async def work(order: Order) -> Answer:
        connection = order.unit.connection
        # The account first: it can do nothing from the moment that it is disabled.
        is_active = await regulators.is_active(connection, data.regulator_id)
        slot = await slots.lock(connection, slot_id)
        if slot is None:
            raise not_found("Le créneau", slot_id)
        known_as = booking_id(order.cause.id, slot_id)
        booked = book(slot, demand, is_active=is_active, as_booking=known_as, instant=order.instant)
        if isinstance(booked, Refusal):
            raise refused(booked, status=403 if booked in FORBIDDEN else 409)
        await order.unit.announce(
            record(
                [booked],
                subject=known_as,
                after_sequence=0,
                departement=slot.departement,
                occurred_at=order.instant,
                cause=order.cause,
            )
        )
        return Answer(body=await bookings.shown(connection, known_as), status=201)

    return await carry_out(request, OWNERS["book_slot"], work)


@get("/bookings/{booking_id:str}")
async def show_booking(request: AnyRequest, booking_id: FromPath[str]) -> dict[str, Any]:
    """A booking: `pending`, `accepted` with its referral, or `given_back` and why."""
    found = await bookings.shown(request.app.state.pool, booking_id)
    if found is None:
        raise not_found("La réservation", booking_id)
    return found
