"""What the SAS platforms were told of appointments, and what they refused."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from services.gateway.domain.owners import OWNERS
from services.gateway.domain.refusals import Refusal
from services.gateway.http.agendas import refused
from services.gateway.store import declarations
from services.messaging.orders import Answer, Order, carry_out
from services.messaging.pages import AfterNumber, Limit, Page, page
from services.messaging.problems import not_found

AnyRequest = Request[Any, Any, Any]
State = Literal["pending", "delivered", "refused"]


@get("/declarations")
async def list_declarations(
    request: AnyRequest,
    with_state: Annotated[State | None, QueryParameter(name="state")] = None,
    appointment_id: FromQuery[str | None] = None,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """Declarations in the order in which they were written.

    `state=refused` is a worklist: what was told anew since is not in it.
    """
    items = await declarations.listed(
        request.app.state.pool, with_state, appointment_id, after, limit
    )
    return page(items, limit, lambda last: str(last["declaration_id"]))


@post("/declarations/{declaration_id:int}/resend", status_code=200)
async def resend_declaration(
    request: AnyRequest, declaration_id: FromPath[int]
) -> Response[dict[str, Any]]:
    """Send what a platform refused again, at once; nothing newer of its appointment may exist."""

    async def work(order: Order) -> Answer:
        connection = order.unit.connection
        found = await declarations.lock_shown(connection, declaration_id)
        if found is None:
            raise not_found("La déclaration", declaration_id)
        if found["state"] != "refused":
            raise refused(Refusal.DECLARATION_NOT_REFUSED)
        if found["is_outdated"]:
            raise refused(Refusal.DECLARATION_OUTDATED)
        await declarations.resend(connection, declaration_id)
        return Answer(body=await declarations.shown(connection, declaration_id))

    return await carry_out(request, OWNERS["resend_declaration"], work)
