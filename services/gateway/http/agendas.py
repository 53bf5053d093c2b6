"""Orders of a CPTS on its agendas: who, where, when; and questions about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from contracts.departements import departements_by_code
from contracts.events.gateway import (
    AgendaHoursSet,
    AgendaRecorded,
    Closure,
    GatewayEvent,
    SlotsClosed,
    SlotsOpened,
    Span,
    WeeklyHours,
)
from contracts.recorded import record
from services.gateway.domain.agendas import (
    Agenda,
    Origin,
    Wanted,
    closed,
    local_day,
    opened,
    refuse_offer,
    refuse_spans,
)
from services.gateway.domain.hours import is_possible
from services.gateway.domain.owners import OWNERS
from services.gateway.domain.refusals import Refusal
from services.gateway.handlers import hours_opened
from services.gateway.http.agenda_bodies import (
    AgendaBody,
    AllHoursBody,
    ClosingBody,
    PathId,
    PhoneBody,
    SlotsBody,
)
from services.gateway.http.feed_shown import ShownFeed, shown_feed
from services.gateway.store import agendas, feeds, slots
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import After, Limit, Page, page
from services.messaging.problems import Refused, not_found

AnyRequest = Request[Any, Any, Any]
AGENDA = "/agendas/{agenda_id:str}"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an order made: slots opened and closed."""

    agenda_id: str
    sequence: int
    opened: int = 0
    closed: int = 0


class ListedAgenda(Agenda, frozen=True, kw_only=True):
    """An agenda with how its feed is, None when it has none."""

    feed: ShownFeed | None = None


def refused(refusal: Refusal, **extension: Any) -> Refused:
    """The exception of a refusal."""
    return Refused(refusal.value, refusal.label, **extension)


@put(AGENDA, status_code=200)
async def put_agenda(
    request: AnyRequest, agenda_id: PathId, data: JSONBody[AgendaBody]
) -> Response[Done]:
    """Open an agenda of a professional at one place, change what it shows, or close it."""

    async def work(order: Order) -> Answer:
        order.refuse_another_cpts(data.cpts_id)
        await order.unit.lock_joins("agenda", [agenda_id])
        connection = order.unit.connection
        known = await agendas.lock(connection, agenda_id)
        if known is not None and (known.cpts_id, known.practitioner_rpps) != (
            data.cpts_id,
            data.practitioner_rpps,
        ):
            raise refused(Refusal.AGENDA_OF_ANOTHER)
        departement = await agendas.departement_of_cpts(connection, data.cpts_id)
        if departement is None:
            raise refused(Refusal.CPTS_UNKNOWN)
        zone = known.time_zone if known else departements_by_code()[departement].time_zone
        day = local_day(order.instant, zone)
        if data.cpts_id not in await agendas.cpts_ids_of(connection, data.practitioner_rpps, day):
            raise refused(Refusal.PRACTITIONER_NOT_A_MEMBER)
        event = AgendaRecorded(
            agenda_id=agenda_id,
            cpts_id=data.cpts_id,
            practitioner_rpps=data.practitioner_rpps,
            structure_number=data.structure_number,
            specialties=data.specialties,
            is_closed=data.is_closed,
        )
        await order.unit.announce(
            record(
                [event],
                subject=agenda_id,
                after_sequence=known.sequence if known else 0,
                departement=known.departement if known else departement,
                occurred_at=order.instant,
                cause=order.cause,
            )
        )
        await agendas.keep_person(
            connection, data.practitioner_rpps, data.family_name, data.given_name
        )
        shown = (data.address_line, data.city, data.postal_code, data.phone, data.booking_url)
        await agendas.keep_place(connection, agenda_id, *shown)
        done = Done(agenda_id=agenda_id, sequence=(known.sequence if known else 0) + 1)
        return Answer(body=done)

    return await carry_out(request, OWNERS["put_agenda"], work)


@put(f"{AGENDA}/hours", status_code=200)
async def set_hours(
    request: AnyRequest, agenda_id: PathId, data: JSONBody[AllHoursBody]
) -> Response[Done]:
    """Set all the recurring hours of an agenda, with its closures, and open what they give."""
    told = AgendaHoursSet(
        agenda_id=agenda_id,
        hours=tuple(
            WeeklyHours(
                weekday=one.weekday,
                begins=one.begins,
                ends=one.ends,
                minutes=one.minutes,
                offer=one.offer.offer(),
                from_on=one.from_on,
                to_on=one.to_on,
            )
            for one in data.hours
        ),
        closures=tuple(Closure(from_on=one.from_on, to_on=one.to_on) for one in data.closures),
        is_open_on_holidays=data.is_open_on_holidays,
    )

    async def work(order: Order) -> Answer:
        agenda = await locked(order, agenda_id)
        if not all(is_possible(one) for one in told.hours):
            raise refused(Refusal.HOURS_IMPOSSIBLE)
        await refuse_offers(order, agenda, [one.offer for one in told.hours])
        with_hours = msgspec.structs.replace(agenda, hours=told)
        changes = await hours_opened(order.unit.connection, with_hours, order.instant)
        return await announced(order, agenda, (told, *changes))

    return await carry_out(request, OWNERS["set_hours"], work)


@post(f"{AGENDA}/slots", status_code=200)
async def open_slots(
    request: AnyRequest, agenda_id: PathId, data: JSONBody[SlotsBody]
) -> Response[Done]:
    """Open slots that are typed in; one that is open already takes the new offer."""
    offer = data.offer.offer()

    async def work(order: Order) -> Answer:
        wanted = [
            (offer, Span(starts_at=one.starts_at.astimezone(UTC), ends_at=one.ends_at))
            for one in data.slots
        ]
        agenda = await locked(order, agenda_id)
        await refuse_wanted(order, agenda, wanted)
        return await announced(order, agenda, opened(agenda_id, Origin.TYPED, wanted))

    return await carry_out(request, OWNERS["open_slots"], work)


@post(f"{AGENDA}/slots/close", status_code=200)
async def close_slots(
    request: AnyRequest, agenda_id: PathId, data: JSONBody[ClosingBody]
) -> Response[Done]:
    """Close slots by when they begin; what was booked in them stands."""

    async def work(order: Order) -> Answer:
        agenda = await locked(order, agenda_id)
        known = await slots.open_from(order.unit.connection, agenda_id, order.instant)
        starts = {one.astimezone(UTC) for one in data.starts_at} & known.keys()
        return await announced(order, agenda, closed(agenda_id, starts))

    return await carry_out(request, OWNERS["close_slots"], work)


@put("/cpts/{cpts_id:str}/phone", status_code=200)
async def put_phone(
    request: AnyRequest, cpts_id: FromPath[str], data: JSONBody[PhoneBody]
) -> Response[PhoneBody]:
    """Tell how a CPTS is reached, which the platforms show."""

    async def work(order: Order) -> Answer:
        order.refuse_another_cpts(cpts_id)
        if await agendas.departement_of_cpts(order.unit.connection, cpts_id) is None:
            raise not_found("La CPTS", cpts_id)
        await agendas.keep_phone(order.unit.connection, cpts_id, data.phone)
        return Answer(body=data)

    return await carry_out(request, OWNERS["put_phone"], work)


@get("/agendas")
async def list_agendas(
    request: AnyRequest,
    cpts_id: FromQuery[str | None] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The agendas, of all CPTS or of one, in the order of their ids, with how their feeds are."""
    async with request.app.state.pool.acquire() as connection:
        found = await agendas.listed(connection, cpts_id, after, limit)
        known = await feeds.known(connection, [one.agenda_id for one in found])
    items = [
        ListedAgenda(
            **msgspec.structs.asdict(one),
            feed=shown_feed(known[one.agenda_id]) if one.agenda_id in known else None,
        )
        for one in found
    ]
    return page(items, limit, lambda last: last.agenda_id)


@get(f"{AGENDA}/slots")
async def list_slots(
    request: AnyRequest,
    agenda_id: PathId,
    from_at: FromQuery[datetime],
    days: Annotated[int, QueryParameter(ge=1, le=92)] = 7,
) -> list[dict[str, Any]]:
    """An agenda's slots with how many places of each are taken, closed ones included."""
    start = from_at if from_at.tzinfo else from_at.replace(tzinfo=UTC)
    return await slots.listed(
        request.app.state.pool, agenda_id, start, start + timedelta(days=days), 5000
    )


async def locked(order: Order, agenda_id: str) -> Agenda:
    """The agenda, locked. Raises a 404, then `Refused` when it is another CPTS's, or closed."""
    agenda = await agendas.lock(order.unit.connection, agenda_id)
    if agenda is None:
        raise not_found("L'agenda", agenda_id)
    order.refuse_another_cpts(agenda.cpts_id)
    if agenda.is_closed:
        raise refused(Refusal.AGENDA_CLOSED)
    return agenda


async def refuse_wanted(order: Order, agenda: Agenda, wanted: Wanted) -> None:
    """Raises `Refused` when these slots cannot be opened."""
    refusal = refuse_spans(wanted, order.instant)
    if refusal is not None:
        raise refused(refusal)
    await refuse_offers(order, agenda, list({offer for offer, _ in wanted}))


async def refuse_offers(order: Order, agenda: Agenda, offers: Sequence[Any]) -> None:
    """Raises `Refused` when slots cannot be offered so."""
    of_cpts = await agendas.cpts_ids_of(
        order.unit.connection,
        agenda.practitioner_rpps,
        local_day(order.instant, agenda.time_zone),
    )
    for offer in offers:
        refusal = refuse_offer(offer, of_cpts)
        if refusal is not None:
            raise refused(refusal)


async def announced(order: Order, agenda: Agenda, events: Sequence[GatewayEvent]) -> Answer:
    """Announce what was decided; the answer counts the slots."""
    recorded = record(
        events,
        subject=agenda.agenda_id,
        after_sequence=agenda.sequence,
        departement=agenda.departement,
        occurred_at=order.instant,
        cause=order.cause,
    )
    await order.unit.announce(recorded)
    done = Done(
        agenda_id=agenda.agenda_id,
        sequence=agenda.sequence + len(recorded),
        opened=sum(len(one.spans) for one in events if isinstance(one, SlotsOpened)),
        closed=sum(len(one.starts_at) for one in events if isinstance(one, SlotsClosed)),
    )
    return Answer(body=done)
