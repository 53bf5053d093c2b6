"""The agendas of which the national directory says something otherwise."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery

from services.gateway.store import checks
from services.gateway.store.checks import DirectoryWarning
from services.messaging.pages import After, Limit, Page, page


class AgendaDiffers(msgspec.Struct, frozen=True, kw_only=True):
    """An agenda, and what the directory said otherwise when it was last asked."""

    agenda_id: str
    cpts_id: str
    practitioner_rpps: str
    checked_at: datetime
    warnings: tuple[DirectoryWarning, ...]


@get("/agendas/differences")
async def list_agenda_differences(
    request: Request[Any, Any, Any],
    cpts_id: FromQuery[str | None] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The agendas whose professional, specialties or place the directory does not know, or knows
    otherwise, in the order of their ids.
    """
    async with request.app.state.pool.acquire() as connection:
        found = await checks.differing(connection, cpts_id, after, limit)
    items = msgspec.convert(found, list[AgendaDiffers])
    return page(items, limit, lambda last: last.agenda_id)
