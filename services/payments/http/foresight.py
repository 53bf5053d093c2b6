"""What a contract year may be worth at its end."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get
from litestar.params import FromQuery

from contracts.departements import PARIS_TIME
from contracts.events.payments import LineAmount, MissionAmount
from services.payments.domain.accounts import Estimate, envelopes_of
from services.payments.domain.projection import Projection, look_ahead
from services.payments.http.asking import CptsId, Day, year_of
from services.payments.store import inputs

PARIS = ZoneInfo(PARIS_TIME)


class ShownEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """An amount with the missions and lines that lead to it."""

    variable_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]


class ShownOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a contract year, seen on a day; the interval holds nine times in ten."""

    seen_on: date
    ends_on: date
    figures: dict[str, Projection]
    low: ShownEstimate
    likely: ShownEstimate
    high: ShownEstimate


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/projection")
async def projection(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    on: FromQuery[date | None] = None,
) -> ShownOutlook:
    """What the year may be worth at its end if the flow so far goes on, seen on a day (today)."""
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        year = await year_of(connection, cpts_id, starts_on)
        (account,) = await inputs.load_accounts(connection, {(cpts_id, starts_on): ""})
        rates = await inputs.load_variable_rates(connection)
    seen_on = on or request.app.state.clock.now().astimezone(PARIS).date()
    ends_on = year["ends_on"] or starts_on
    outlook = look_ahead(account, envelopes_of(account, rates), ends_on=ends_on, today=seen_on)
    return ShownOutlook(
        seen_on=seen_on,
        ends_on=ends_on,
        figures=dict(outlook.figures),
        low=_shown(outlook.low),
        likely=_shown(outlook.likely),
        high=_shown(outlook.high),
    )


def _shown(estimate: Estimate) -> ShownEstimate:
    return ShownEstimate(
        variable_cents=estimate.variable_cents, missions=estimate.missions, lines=estimate.lines
    )


ROUTES = (projection,)
