"""What the bridge to the Hub Santé does, and what needs somebody's eye."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter

from services.gateway.hub.settings import CONNECTED
from services.gateway.store import hub
from services.gateway.store.hub import Outcome

AnyRequest = Request[Any, Any, Any]


@get("/hub")
async def show_hub(request: AnyRequest) -> dict[str, Any]:
    """Whether this process has a bridge and a session, and how many messages had which code."""
    counters = request.app.state.health.counters
    return {
        "is_configured": CONNECTED in counters,
        "is_connected": bool(counters[CONNECTED]),
        "troubles": counters["hub_troubles"],
        "stumbles": counters["hub_stumbles"],
        "counts": await hub.counts(request.app.state.pool),
    }


@get("/hub/messages")
async def list_hub_messages(
    request: AnyRequest,
    outcome: FromQuery[Outcome | None] = None,
    before: FromQuery[int | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """What was carried, the latest first, all or of one outcome; `before` is a position."""
    return await hub.listed(request.app.state.pool, before=before, outcome=outcome, limit=limit)
