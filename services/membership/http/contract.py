"""The order that signs an ACI."""

from typing import Any

from litestar import Request, Response, post
from litestar.params import JSONBody

from contracts.events.membership import AciSigned
from services.membership.domain.contract import AciAsked, sign_aci
from services.membership.http.bodies import AciOrder, PathId
from services.membership.http.ordering import (
    SIGNING_ROLES,
    announce_of,
    created,
    locked_cpts,
    shown,
    unless_refused,
)
from services.membership.store import loading
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, carry_out


@post("/cpts/{cpts_id:str}/aci")
async def sign(
    request: Request[Any, Any, Any], cpts_id: PathId, data: JSONBody[AciOrder]
) -> Response[Any]:
    """Signs the ACI and determines the taille of each contract year."""

    async def body(order: Order) -> Answer:
        connection = order.unit.connection
        cpts = await locked_cpts(order, cpts_id)
        events = unless_refused(
            sign_aci(
                cpts,
                AciAsked(
                    aci_id=data.aci_id,
                    signed_on=data.signed_on,
                    starts_on=data.starts_on,
                    years=data.years,
                ),
                signed=await loading.signed_by(connection, cpts_id),
                territory=await loading.territory_of(connection, cpts_id),
                parameters=load_parameters(),
            )
        )
        await announce_of(order, cpts, events)
        signed = await loading.signed_by(connection, cpts_id)
        (aci,) = (one for one in signed if one.aci_id == data.aci_id)
        return created(await _with_tailles(connection, aci), is_new=bool(events))

    return await carry_out(request, SIGNING_ROLES, body)


async def _with_tailles(connection: Connection, aci: AciSigned) -> dict[str, Any]:
    tailles = await loading.tailles_of(connection, aci.cpts_id)
    return shown(aci) | {
        "contract_years": [
            {
                "starts_on": year.starts_on,
                "ends_on": year.ends_on,
                "taille": tailles[year.starts_on].taille,
                "population": tailles[year.starts_on].population,
            }
            for year in aci.contract_years
        ]
    }


ROUTES = (sign,)
