"""Orders on the feed of an agenda: from which address it is read, and that it is no longer."""

from typing import Any

from litestar import Request, Response, delete, get, put
from litestar.params import JSONBody

from services.gateway.domain.agendas import Origin, replaced
from services.gateway.domain.owners import OWNERS
from services.gateway.http.agenda_bodies import FeedBody, PathId
from services.gateway.http.agendas import AGENDA, Done, announced, locked, refuse_offers
from services.gateway.http.feed_shown import ShownFeed, shown_feed
from services.gateway.store import feeds, slots
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.problems import not_found

AnyRequest = Request[Any, Any, Any]
WEBCAL, HTTPS = "webcal://", "https://"


@put(f"{AGENDA}/feed", status_code=200)
async def set_feed(
    request: AnyRequest, agenda_id: PathId, data: JSONBody[FeedBody]
) -> Response[ShownFeed]:
    """Read an iCalendar at an address, at once and then regularly; its events are openings.

    Slots of another origin stay. What goes wrong there is shown on the agenda.
    """
    offer, url = data.offer.offer(), data.url
    if url.startswith(WEBCAL):
        url = HTTPS + url.removeprefix(WEBCAL)

    async def work(order: Order) -> Answer:
        agenda = await locked(order, agenda_id)
        await refuse_offers(order, agenda, [offer])
        connection = order.unit.connection
        await feeds.set_feed(connection, agenda_id, url, offer, data.minutes)
        known = await feeds.known(connection, [agenda_id])
        return Answer(body=shown_feed(known[agenda_id]))

    return await carry_out(request, OWNERS["set_feed"], work)


@delete(f"{AGENDA}/feed", status_code=200)
async def stop_feed(request: AnyRequest, agenda_id: PathId) -> Response[Done]:
    """Read the agenda from no address any more, and close what was opened so."""

    async def work(order: Order) -> Answer:
        agenda = await locked(order, agenda_id)
        await feeds.stop(order.unit.connection, agenda_id)
        known = await slots.open_from(order.unit.connection, agenda_id, order.instant)
        return await announced(order, agenda, replaced(agenda_id, Origin.FEED, [], known))

    return await carry_out(request, OWNERS["stop_feed"], work)


@get(f"{AGENDA}/feed")
async def show_feed(request: AnyRequest, agenda_id: PathId) -> ShownFeed:
    """From which host an agenda is read, when it last went well, and what is wrong since."""
    async with request.app.state.pool.acquire() as connection:
        known = await feeds.known(connection, [agenda_id])
    if agenda_id not in known:
        raise not_found("Le flux de l'agenda", agenda_id)
    return shown_feed(known[agenda_id])
