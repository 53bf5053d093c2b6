"""What the bridge to the Hub Santé does, and what needs somebody's eye."""

from typing import Any

from litestar import Request, get
from litestar.params import FromQuery

from services.gateway.hub.settings import CONNECTED
from services.gateway.store import hub
from services.gateway.store.hub import Outcome
from services.messaging.pages import NUMBER_MAX, AfterNumber, Limit, Page, page

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
    after: AfterNumber = NUMBER_MAX,
    limit: Limit = 100,
) -> Page:
    """What was carried, the latest first, all or of one outcome."""
    items = await hub.listed(request.app.state.pool, after, outcome=outcome, limit=limit)
    return page(items, limit, lambda last: str(last["position"]))
