"""The contract years of all CPTS, and what keeps each from being settled."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery

from services.messaging.pages import After, Limit, next_of
from services.payments.domain.accounts import Account, price
from services.payments.domain.refusals import Refusal
from services.payments.domain.scale import Rate
from services.payments.domain.settlement import obstacle
from services.payments.http.asking import Obstacle, obstacle_of
from services.payments.http.ordering import paris_day
from services.payments.store import inputs, settlement
from services.payments.store.settlement import ListedYear


class ShownYear(msgspec.Struct, frozen=True, kw_only=True):
    """A contract year with its variable part now, and why it cannot be settled; None: it can."""

    cpts_id: str
    starts_on: date
    ends_on: date
    opened_on: date | None
    settled_on: date | None
    variable_cents: int
    obstacle: Obstacle | None


class ShownYears(msgspec.Struct, frozen=True, kw_only=True):
    """A page of contract years; `next` is where the following one begins, None after the last."""

    items: Sequence[ShownYear]
    next: str | None


@get("/contract-years")
async def contract_years(
    request: Request[Any, Any, Any],
    cpts_id: FromQuery[str | None] = None,
    year: FromQuery[int | None] = None,
    is_settled: FromQuery[bool | None] = None,
    after: After = "",
    limit: Limit = 100,
) -> ShownYears:
    """Contract years by CPTS and day: of one CPTS, begun in one civil year, settled or not.

    Each with what it is worth now and what keeps it from being settled at that sum.
    """
    today = paris_day(request.app.state.clock.now())
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        years = await settlement.years_after(
            connection, after, limit, cpts_id=cpts_id, civil_year=year, is_settled=is_settled
        )
        accounts = await inputs.load_accounts(
            connection, {(one.cpts_id, one.starts_on): "" for one in years}
        )
        rates = await inputs.load_variable_rates(connection)
    by_key = {(account.cpts_id, account.starts_on): account for account in accounts}
    return ShownYears(
        items=[_shown(one, by_key[one.cpts_id, one.starts_on], rates, today) for one in years],
        next=next_of(years, limit, lambda last: by_key[last.cpts_id, last.starts_on].subject),
    )


def _shown(year: ListedYear, account: Account, rates: Sequence[Rate], today: date) -> ShownYear:
    is_over = year.ends_on < today
    refusal = obstacle(account, year.opened_on, rates) if is_over else Refusal.YEAR_NOT_OVER
    return ShownYear(
        cpts_id=year.cpts_id,
        starts_on=year.starts_on,
        ends_on=year.ends_on,
        opened_on=year.opened_on,
        settled_on=account.settled.settled_on if account.settled else None,
        variable_cents=price(account, rates).variable_cents,
        obstacle=obstacle_of(refusal),
    )


ROUTES = (contract_years,)
