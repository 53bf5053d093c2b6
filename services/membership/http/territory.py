"""Orders on a territory: whose a place is, is decided under the place's join row."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, post, put
from litestar.params import JSONBody

from contracts.communes import resolve
from contracts.events.membership import TerritoryPlaceRecorded
from services.membership.domain import Correction, Cpts
from services.membership.domain.calendar import local_day
from services.membership.domain.contract import determine_again
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Reason, absent
from services.membership.domain.territory import (
    PlaceAsked,
    correct_place,
    place_key,
    record_places,
)
from services.membership.http.bodies import (
    CorrectionOrder,
    MovedPathId,
    PathId,
    PlaceOrder,
    PlacesOrder,
)
from services.membership.http.ordering import (
    announce_of,
    created,
    earliest_said,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownPlace, ShownPlaces, already, shown
from services.membership.store import loading
from services.membership.store.parameters import load_parameters
from services.messaging.orders import Answer, Order, carry_out

PLACE_JOINS = "place"


@post("/cpts/{cpts_id:str}/territory", responses=already(ShownPlace))
async def add_place(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[PlaceOrder]
) -> Response[ShownPlace]:
    """Attaches a place to a territory."""

    async def body(order: Order) -> Answer:
        entries, is_new = await _add_places(order, cpts_id, [data])
        return created(entries[0], is_new=is_new)

    return await carry_out(request, OWNERS["add_place"], body)


@post("/cpts/{cpts_id:str}/territory/batch", responses=already(ShownPlaces))
async def add_places(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[PlacesOrder]
) -> Response[ShownPlaces]:
    """Attaches several places, all or none; the first refusal names its `entry_id`."""

    async def body(order: Order) -> Answer:
        entries, is_new = await _add_places(order, cpts_id, data.entries)
        return created(ShownPlaces(entries=entries), is_new=is_new)

    return await carry_out(request, OWNERS["add_places"], body)


@put("/cpts/{cpts_id:str}/territory/{entry_id:str}")
async def correct_entry(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    entry_id: MovedPathId,
    data: JSONBody[CorrectionOrder],
) -> Response[ShownPlace]:
    """Gives an entry other dates, or withdraws it; its place never changes."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        # An entry's place never changes, so it may be read before the locks that it names.
        entry = (await loading.territory_entries(connection, cpts_id, [entry_id])).get(entry_id)
        place = None if entry is None else resolve(entry.commune)
        keys = [] if place is None else [place_key(place)]
        await order.unit.lock_joins(PLACE_JOINS, keys)
        cpts = await locked_cpts(order, cpts_id)
        entry = unless_refused(
            (await loading.territory_entries(connection, cpts_id, [entry_id])).get(entry_id)
            or absent(Reason.UNKNOWN_ENTRY, "L'entrée de territoire", entry_id)
        )
        event = unless_refused(
            correct_place(
                cpts,
                entry,
                Correction(from_on=data.from_on, to_on=data.to_on, is_withdrawn=data.is_withdrawn),
                place=place,
                held=await loading.territory_at(connection, keys),
                earliest=earliest_said(order, cpts),
            )
        )
        if event is not None:
            await _announce_places(order, cpts, [event])
        return Answer(body=shown(event or entry, ShownPlace))

    return await carry_out(request, OWNERS["correct_entry"], body)


async def _add_places(
    order: Order, cpts_id: str, bodies: Sequence[PlaceOrder]
) -> tuple[list[ShownPlace], bool]:
    """The present state of the entries asked for, and whether any is new."""
    connection = order.unit.connection
    asked = [
        PlaceAsked(
            entry_id=one.entry_id,
            code=one.commune,
            place=resolve(one.commune),
            part=one.part,
            population=one.population,
            from_on=one.from_on,
            to_on=one.to_on,
        )
        for one in bodies
    ]
    keys = {place_key(one.place) for one in asked if one.place is not None}
    await order.unit.lock_joins(PLACE_JOINS, keys)
    cpts = await locked_cpts(order, cpts_id)
    entry_ids = [one.entry_id for one in asked]
    events = unless_refused(
        record_places(
            cpts,
            asked,
            known=await loading.first_places(connection, cpts_id, entry_ids),
            held=await loading.territory_at(connection, keys),
            earliest=earliest_said(order, cpts),
        )
    )
    if events:
        await _announce_places(order, cpts, events)
    present = await loading.territory_entries(connection, cpts_id, entry_ids)
    return [shown(present[entry_id], ShownPlace) for entry_id in entry_ids], bool(events)


async def _announce_places(
    order: Order, cpts: Cpts, events: Sequence[TerritoryPlaceRecorded]
) -> None:
    """Say the places, then the tailles that they change in contract years to come."""
    connection = order.unit.connection
    signed = await loading.signed_by(connection, cpts.cpts_id)
    if not signed:
        await announce_of(order, cpts, events)
        return
    territory = await loading.territory_of(connection, cpts.cpts_id)
    entries = {entry.entry_id: entry for entry in territory}
    entries |= {event.entry_id: event for event in events}
    tailles = determine_again(
        cpts.cpts_id,
        signed=signed,
        determined=await loading.tailles_of(connection, cpts.cpts_id),
        territory=list(entries.values()),
        today=local_day(order.instant),
        parameters=load_parameters(),
    )
    await announce_of(order, cpts, [*events, *tailles])


ROUTES = (add_place, add_places, correct_entry)
