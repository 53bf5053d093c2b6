"""Orders by which two CPTS become one, and one becomes two. Both are locked, then both speak."""

from typing import Any

from litestar import Request, Response, post
from litestar.params import JSONBody

from contracts.communes import resolve
from contracts.events.membership import (
    CptsRegistered,
    MembershipEvent,
    MissionRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    TerritoryPlaceRecorded,
)
from services.membership.domain import Cpts, registration, transfer
from services.membership.domain.calendar import local_day
from services.membership.domain.contract import determine_again
from services.membership.domain.owners import OWNERS
from services.membership.domain.territory import place_key
from services.membership.domain.transfer import Holding
from services.membership.http.bodies import MergerOrder, PathId, SplitOrder
from services.membership.http.missions import deadlines_again
from services.membership.http.ordering import (
    announce,
    announce_of,
    locked_cpts,
    unless_refused,
)
from services.membership.http.shown import ShownTransfer
from services.membership.store import answers, entries, loading
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out

PLACE_JOINS = "place"


@post("/cpts/{cpts_id:str}/merger", status_code=200)
async def merge(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[MergerOrder]
) -> Response[ShownTransfer]:
    """Makes the CPTS a part of another from a day on: its places, people and structures go there.

    Its ACI and its missions end on the eve. What was true before that day stays so.
    """

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        await _lock_places(order, cpts_id)
        both = {id_: await locked_cpts(order, id_) for id_ in sorted({cpts_id, data.into_cpts_id})}
        cpts, into = both[cpts_id], both[data.into_cpts_id]
        moved = unless_refused(
            transfer.merge(
                cpts,
                into,
                on=data.merged_on,
                held=await _holding(connection, cpts_id),
                there=await _holding(connection, into.cpts_id),
                signed=await loading.signed_by(connection, cpts_id),
                missions=await entries.present(connection, MissionRecorded, cpts_id),
            )
        )
        await _say(order, cpts, moved.given)
        await _say(order, into, moved.taken)
        return await _both(connection, cpts_id, into.cpts_id)

    return await carry_out(request, OWNERS["merge"], body)


@post("/cpts/{cpts_id:str}/split", status_code=200)
async def split(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[SplitOrder]
) -> Response[ShownTransfer]:
    """Makes a part of the CPTS another one from a day on: the entries named go, all else stays."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        await order.unit.lock_joins("cpts", [data.new_cpts_id])
        await _lock_places(order, cpts_id)
        cpts = await locked_cpts(order, cpts_id)
        moved = unless_refused(
            transfer.split(
                cpts,
                data.new_cpts_id,
                on=data.split_on,
                held=await _holding(connection, cpts_id),
                entry_ids=data.entry_ids,
                member_ids=data.member_ids,
                structure_ids=data.structure_ids,
            )
        )
        seat = resolve(data.seat_commune)
        registered = unless_refused(
            registration.register_new(
                CptsRegistered(
                    cpts_id=data.new_cpts_id,
                    cpts_name=data.new_cpts_name,
                    seat_commune=data.seat_commune,
                    emerged_on=data.split_on,
                ),
                seat=seat,
                first_event=await loading.registration(connection, data.new_cpts_id),
            )
        )
        assert seat is not None, "an unknown seat is refused"
        await _say(order, cpts, moved.given)
        await announce(
            order,
            [registered, *moved.taken],
            cpts_id=data.new_cpts_id,
            departement=seat.departement,
            after=0,
        )
        return await _both(connection, cpts_id, data.new_cpts_id)

    return await carry_out(request, OWNERS["split"], body)


async def _lock_places(order: Order, cpts_id: str) -> None:
    """Lock the join rows of the places that a CPTS has: whose a place is, is decided under them."""
    territory = await loading.territory_of(order.unit.connection, cpts_id)
    places = (resolve(entry.commune) for entry in territory)
    keys = {place_key(place) for place in places if place is not None}
    await order.unit.lock_joins(PLACE_JOINS, keys)


async def _holding(connection: Connection, cpts_id: str) -> Holding:
    members = await loading.members_of(connection, cpts_id)
    return Holding(
        territory=await loading.territory_of(connection, cpts_id),
        members=[one for one in members if one.structure_id is None],
        structures=await entries.present(connection, StructureRecorded, cpts_id),
        professionals=await entries.present(connection, StructureProfessionalRecorded, cpts_id),
    )


async def _say(order: Order, cpts: Cpts, events: list[MembershipEvent]) -> None:
    """Say what happens to a CPTS, then the tailles and the deadlines that it changes."""
    connection, cpts_id = order.unit.connection, cpts.cpts_id
    await announce_of(order, cpts, events)
    signed = await loading.signed_by(connection, cpts_id)
    following: list[MembershipEvent] = []
    if any(isinstance(event, TerritoryPlaceRecorded) for event in events):
        following += determine_again(
            cpts_id,
            signed=signed,
            determined=await loading.tailles_of(connection, cpts_id),
            territory=await loading.territory_of(connection, cpts_id),
            today=local_day(order.instant),
            parameters=load_parameters(),
        )
    following += await deadlines_again(connection, cpts_id, signed)
    await announce_of(order, await locked_cpts(order, cpts_id), following)


async def _both(connection: Connection, gave: str, took: str) -> Answer:
    return Answer(
        body={
            "gave": await answers.cpts_summary(connection, gave),
            "took": await answers.cpts_summary(connection, took),
        }
    )


ROUTES = (merge, split)
