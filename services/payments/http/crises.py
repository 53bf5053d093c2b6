"""The order by which the ARS says that it recognised a sanitary crisis."""

from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, put
from litestar.params import JSONBody

from contracts.events.payments import CrisisRecorded
from services.messaging.orders import Answer, Order, Role, carry_out
from services.payments import handlers
from services.payments.domain.refusals import Refusal
from services.payments.http.asking import CptsId, PathId, refused
from services.payments.store import inputs


class CrisisOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The day on which the crisis was recognised; `is_withdrawn`: recorded by mistake."""

    recognised_on: date
    is_withdrawn: bool = False


@put("/cpts/{cpts_id:str}/crises/{crisis_id:str}", status_code=200)
async def put_crisis(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    crisis_id: PathId,
    data: JSONBody[CrisisOrder],
) -> Response[CrisisRecorded]:
    """Records that a crisis was recognised: its amount is due on that day."""

    async def body(order: Order) -> Answer:
        if await inputs.departement_of_cpts(order.unit.connection, cpts_id) is None:
            raise refused(Refusal.UNKNOWN_CPTS)
        found = await handlers.put_crisis(
            order.unit,
            cpts_id,
            crisis_id,
            data.recognised_on,
            order.cause,
            is_withdrawn=data.is_withdrawn,
        )
        if isinstance(found, Refusal):
            raise refused(found)
        return Answer(body=found)

    return await carry_out(request, {Role.ARS}, body)


ROUTES = (put_crisis,)
