"""Orders on the missions of an ACI, and the deadlines that follow from them."""

from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Request, Response, put
from litestar.params import JSONBody

from contracts.events.membership import (
    AciSigned,
    MembershipEvent,
    MissionDeadlinesSet,
    MissionRecorded,
)
from services.membership.domain import Cpts, missions
from services.membership.domain.owners import OWNERS
from services.membership.domain.refusals import Refusal
from services.membership.http.bodies import MissionOrder, PathId
from services.membership.http.entries import put_entry
from services.membership.http.shown import ShownMission, recorded
from services.membership.store import entries, life, loading
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out


@put("/cpts/{cpts_id:str}/missions/{mission_id:str}", responses=recorded(ShownMission))
async def put_mission(
    request: Request[Any, Any, Any],
    cpts_id: PathId,
    mission_id: PathId,
    data: JSONBody[MissionOrder],
) -> Response[ShownMission]:
    """Records that a mission started, later that it is fully deployed, or corrects it."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection

        async def decide(
            cpts: Cpts, asked: MissionRecorded, _present: MissionRecorded | None
        ) -> Sequence[MembershipEvent] | Refusal:
            known = await entries.present(connection, MissionRecorded, cpts_id)
            signed = await loading.signed_by(connection, cpts_id)
            refusal = missions.check_mission(
                cpts, asked, others=known, signed=signed, missions=load_parameters().missions
            )
            if refusal is not None:
                return refusal
            others = [one for one in known if one.mission_id != mission_id]
            return await deadlines_again(connection, cpts_id, signed, [*others, asked])

        asked = MissionRecorded(
            cpts_id=cpts_id,
            mission_id=mission_id,
            mission=data.mission,
            started_on=data.started_on,
            deployed_on=data.deployed_on,
            ended_on=data.ended_on,
            is_withdrawn=data.is_withdrawn,
        )
        return await put_entry(order, asked, cpts_id, mission_id, decide, ShownMission)

    return await carry_out(request, OWNERS["put_mission"], body)


async def deadlines_again(
    connection: Connection,
    cpts_id: str,
    signed: Iterable[AciSigned],
    recorded_missions: Iterable[MissionRecorded] | None = None,
) -> list[MissionDeadlinesSet]:
    """The deadlines that changed ACI or missions change; the missions kept, when none are given."""
    if recorded_missions is None:
        recorded_missions = await entries.present(connection, MissionRecorded, cpts_id)
    return missions.set_deadlines(
        signed,
        recorded=recorded_missions,
        present=await life.deadlines_of(connection, cpts_id),
        missions=load_parameters().missions,
    )


ROUTES = (put_mission,)
