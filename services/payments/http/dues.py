"""The sums that fall due to a CPTS, as people read them."""

from datetime import date
from typing import Any

from litestar import Request, get
from litestar.params import FromQuery

from services.messaging.pages import After, Limit, next_of
from services.messaging.problems import not_found
from services.payments.domain.dues_rules import DuesRules
from services.payments.http.asking import CptsId
from services.payments.store import answers, dues
from services.payments.store.dues_rules import load_dues_rules


@get("/cpts/{cpts_id:str}/dues")
async def dues_of_cpts(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """The sums whose day has come, of a CPTS or of one of its contract years, by day.

    Each with the rates it rests on and its arithmetic; a held one waits until a rate is confirmed.
    A sum of 0 is no longer due. What is owed and held in all is of all pages.
    """
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        if not await answers.contract_years(connection, cpts_id):
            raise not_found("La CPTS", cpts_id)
        items = await dues.page_of_cpts(connection, cpts_id, starts_on, after=after, limit=limit)
        totals = await dues.totals(connection, cpts_id, starts_on)
    return {"items": items, "next": next_of(items, limit, dues.cursor)} | totals


@get("/parameters", sync_to_thread=False)
def parameters() -> DuesRules:
    """The rules of the calendar, each with its text, its status and whether it is verified."""
    return load_dues_rules()


ROUTES = (dues_of_cpts, parameters)
