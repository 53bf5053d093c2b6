"""Questions on figures down to their facts, steering, the rule, invariants."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from services.indicators.domain.figures import label_of
from services.indicators.domain.rule import CountingRule, DatedValue
from services.indicators.domain.steering import steer
from services.indicators.http.asking import HttpRequest
from services.indicators.store import answers
from services.indicators.store.invariants import invariants
from services.messaging.pages import After, Limit, Page, page
from services.messaging.problems import not_found


def _with_label(figure: dict[str, Any]) -> dict[str, Any]:
    return figure | {"libelle": label_of(figure["indicator"])}


@get("/cpts/{cpts_id:str}/figures")
async def show_figures(
    request: HttpRequest,
    cpts_id: FromPath[str],
    contract_year_starts_on: FromQuery[date | None] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The figures of a CPTS, of one contract year or of all."""
    async with request.app.state.pool.acquire() as connection:
        found = await answers.figures_of(
            connection, cpts_id, contract_year_starts_on, after=after, limit=limit
        )
    items = [_with_label(figure) for figure in found]
    return page(items, limit, lambda last: f"{last['contract_year_starts_on']}/{last['indicator']}")


@get("/cpts/{cpts_id:str}/figures/{indicator:str}/{starts_on:date}")
async def show_figure(
    request: HttpRequest,
    cpts_id: FromPath[str],
    indicator: FromPath[str],
    starts_on: FromPath[date],
) -> dict[str, Any]:
    """One figure: its value, and the number of facts recorded behind it."""
    async with request.app.state.pool.acquire() as connection:
        found = await answers.figure(connection, cpts_id, indicator, starts_on)
    if found is None:
        raise not_found("Le chiffre", f"{cpts_id}/{indicator}/{starts_on.isoformat()}")
    return _with_label(found)


@get("/cpts/{cpts_id:str}/figures/{indicator:str}/{starts_on:date}/facts")
async def show_facts(
    request: HttpRequest,
    cpts_id: FromPath[str],
    indicator: FromPath[str],
    starts_on: FromPath[date],
    after: After = "",
    limit: Limit = 100,
) -> Page:
    """The facts that a figure counts now, in order of their id."""
    async with request.app.state.pool.acquire() as connection:
        if await answers.figure(connection, cpts_id, indicator, starts_on) is None:
            raise not_found("Le chiffre", f"{cpts_id}/{indicator}/{starts_on.isoformat()}")
        facts = await answers.counted_facts(
            connection, cpts_id, indicator, starts_on, after=after, limit=limit
        )
    return page(facts, limit, lambda last: str(last["fact_id"]))


@get("/cpts/{cpts_id:str}/steering/{starts_on:date}")
async def show_steering(
    request: HttpRequest, cpts_id: FromPath[str], starts_on: FromPath[date]
) -> dict[str, Any]:
    """Acceptance, delays and no-shows of one contract year; they bring no euro."""
    async with request.app.state.pool.acquire() as connection:
        ends_on = await answers.contract_year_end(connection, cpts_id, starts_on)
        if ends_on is None:
            raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
        steering = steer(await answers.tally(connection, cpts_id, starts_on, ends_on))
    return {
        "cpts_id": cpts_id,
        "contract_year_starts_on": starts_on,
        "contract_year_ends_on": ends_on,
        "acceptance_basis_points": steering.acceptance_basis_points,
        "no_show_basis_points": steering.no_show_basis_points,
        **msgspec.structs.asdict(steering.tally),
    }


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes of the service, some of which show the counting rule."""

    @get("/parameters")
    async def show_parameters() -> Sequence[DatedValue]:
        """The counting rule: each value with its date, its text and whether it is verified."""
        return rule.values

    @get("/invariants")
    async def show_invariants(request: HttpRequest) -> dict[str, bool]:
        """What must always hold, computed now."""
        async with request.app.state.pool.acquire() as connection:
            return await invariants(connection, rule)

    return (
        show_figures,
        show_figure,
        show_facts,
        show_steering,
        show_parameters,
        show_invariants,
    )
