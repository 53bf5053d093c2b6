"""What people may ask of membership."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.communes import arrondissements_of, resolve
from services.membership.domain.calendar import local_day
from services.membership.domain.parameters import Parameters
from services.membership.domain.refusals import Reason, absent
from services.membership.domain.stages import stage_on
from services.membership.http.bodies import PathId
from services.membership.http.ordering import unless_refused
from services.membership.store import answers, counts, lists
from services.membership.store.invariants import invariants
from services.membership.store.parameters import load_parameters
from services.messaging.database import Connection
from services.messaging.history import history_of
from services.messaging.pages import AfterNumber, Limit, Page, next_of, page
from services.messaging.problems import Refused

# The longest is made of a CPTS, a kind and an entry that has come from another.
Cursor = Annotated[str, QueryParameter(pattern=r"^[A-Za-z0-9._:~ -]{0,400}$")]
DepartementCode = Annotated[str | None, QueryParameter(pattern=r"^[0-9AB]{2,3}$")]
CURSOR_SEPARATOR = " "  # no id holds a space


class DeadlineState(StrEnum):
    """How a deadline stands, with the label that a user reads."""

    NEAR = "near"  # échéance proche
    MISSED = "missed"  # échéance manquée


# Litestar keeps the name `state` for itself.
AskedState = Annotated[DeadlineState, QueryParameter(name="state")]


@get("/cpts")
async def list_cpts(
    request: Request[Any, Any, Any],
    departement: DepartementCode = None,
    after: Cursor = "",
    limit: Limit = 100,
) -> Page:
    """CPTS by id, of one département or of all."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.cpts_page(
            connection, departement=departement, after=after, limit=limit
        )
    return page(items, limit, lambda last: str(last["cpts_id"]))


@get("/cpts/{cpts_id:str}")
async def show_cpts(
    request: Request[Any, Any, Any], cpts_id: PathId, on: FromQuery[date | None] = None
) -> dict[str, Any]:
    """One CPTS; its stage and population are those of `on` (today in Paris).

    What it has is listed apart: its territory, its members, its ACI, and so on.
    """
    day = on or _today(request)
    async with request.app.state.pool.acquire() as connection:
        summary = await _summary(connection, cpts_id)
        places = await lists.places_on(connection, cpts_id, day)
        steps = await counts.steps(connection, cpts_id)
    unknown = sorted({commune for commune, population in places if population is None})
    population = {
        "on": day,
        "places": len(places),
        "total": None if unknown else sum(population or 0 for _, population in places),
        "unknown": unknown,
    }
    return summary | {"stage": stage_on(steps[0], day), "population": population}


def _list_of(name: str) -> HTTPRouteHandler:
    """The route of one list of a CPTS."""

    @get(f"/cpts/{{cpts_id:str}}/{name.replace('_', '-')}", name=f"list_{name}")
    async def show(
        request: Request[Any, Any, Any], cpts_id: PathId, after: Cursor = "", limit: Limit = 100
    ) -> Page:
        """What a CPTS has of one kind, withdrawn entries included.

        In the order of their ids; contract years, projets de santé and deadlines by their days.
        """
        async with request.app.state.pool.acquire() as connection:
            await _summary(connection, cpts_id)
            found = await lists.listed(connection, name, cpts_id, after, limit)
        items = [item for _, item in found]
        return Page(items=items, next=next_of(found, limit, lambda last: last[0]))

    return show


@get("/cpts/{cpts_id:str}/history")
async def show_history(
    request: Request[Any, Any, Any], cpts_id: PathId, after: AfterNumber = 0, limit: Limit = 100
) -> Page:
    """Every event of one CPTS, in order: what was recorded, when, and what corrected it."""
    async with request.app.state.pool.acquire() as connection:
        await _summary(connection, cpts_id)
        items = await history_of(connection, cpts_id, after=after, limit=limit)
    return page(items, limit, lambda last: str(last["sequence"]))


@get("/deadlines")
async def list_deadlines(
    request: Request[Any, Any, Any],
    standing: AskedState,
    departement: DepartementCode = None,
    after: Cursor = "",
    limit: Limit = 100,
) -> Page:
    """The deadlines of missions by day: near and not met yet, or missed, met since or not."""
    day, cpts_id, aci_id, mission, step, *_ = [*after.split(CURSOR_SEPARATOR), *[""] * 4]
    async with request.app.state.pool.acquire() as connection:
        items = await answers.deadlines_page(
            connection,
            are_missed=standing is DeadlineState.MISSED,
            departement=departement,
            after=(_day(day), cpts_id, aci_id, mission, step),
            limit=limit,
        )
    of_cursor = ("due_on", "cpts_id", "aci_id", "mission", "step")
    return page(
        items, limit, lambda last: CURSOR_SEPARATOR.join(str(last[name]) for name in of_cursor)
    )


@get("/places/{code:str}")
async def show_place(
    request: Request[Any, Any, Any], code: FromPath[str], on: FromQuery[date | None] = None
) -> dict[str, Any]:
    """Who holds a place on a day (today in Paris): it, its parts, its city or arrondissements."""
    place = resolve(code)
    if place is None:
        raise Refused(
            Reason.UNKNOWN_COMMUNE.value,
            f"Aucune commune n'a ni n'a eu le code {code}.",
            status=404,
        )
    day = on or _today(request)
    related = [place.city] if place.city else list(arrondissements_of(place.code))
    async with request.app.state.pool.acquire() as connection:
        held_by = await answers.holders(connection, [place.code, *related], day)
    return {
        "commune": place.code,
        "name": place.name,
        "departement": place.departement,
        "population": place.population,
        "on": day,
        "held_by": held_by,
    }


@get("/rpps-warnings")
async def list_rpps_warnings(
    request: Request[Any, Any, Any], after: Cursor = "", limit: Limit = 100
) -> Page:
    """The entries, not withdrawn, whose RPPS has a wrong check digit."""
    cpts_id, _, rest = after.partition(CURSOR_SEPARATOR)
    kind, _, id_ = rest.partition(CURSOR_SEPARATOR)
    async with request.app.state.pool.acquire() as connection:
        items = await answers.warnings_page(connection, after=(cpts_id, kind, id_), limit=limit)
    return page(
        items,
        limit,
        lambda last: CURSOR_SEPARATOR.join((last["cpts_id"], last["kind"], last["id"])),
    )


@get("/population-warnings")
async def list_population_warnings(
    request: Request[Any, Any, Any], after: Cursor = "", limit: Limit = 100
) -> Page:
    """The contract years whose taille does not follow the territory: a population is unknown."""
    cpts_id, _, starts_on = after.partition(CURSOR_SEPARATOR)
    async with request.app.state.pool.acquire() as connection:
        items = await answers.population_warnings_page(
            connection, after=(cpts_id, _day(starts_on)), limit=limit
        )
    return page(
        items,
        limit,
        lambda last: f"{last['cpts_id']}{CURSOR_SEPARATOR}{last['contract_year_starts_on']}",
    )


@get("/invariants")
async def show_invariants(request: Request[Any, Any, Any]) -> dict[str, bool]:
    """What must always hold, computed now."""
    async with request.app.state.pool.acquire() as connection:
        return await invariants(connection)


@get("/parameters")
async def show_parameters() -> Parameters:
    """The dated values of the rules, with their source and whether they are verified."""
    return load_parameters()


async def _summary(connection: Connection, cpts_id: str) -> dict[str, Any]:
    """The CPTS without its entries; 404 when unknown."""
    summary = await answers.cpts_summary(connection, cpts_id)
    return unless_refused(summary or absent(Reason.UNKNOWN_CPTS, "La CPTS", cpts_id))


def _today(request: Request[Any, Any, Any]) -> date:
    return local_day(request.app.state.clock.now())


def _day(text: str) -> date:
    """The day of a cursor; before all others when it has none."""
    if not text:
        return date.min
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("unknown_cursor", "La page demandée n'existe pas.", status=400) from error


ROUTES = (
    list_cpts,
    show_cpts,
    *(_list_of(name) for name in (*lists.QUESTIONS, *lists.KINDS)),
    show_history,
    list_deadlines,
    show_place,
    list_rpps_warnings,
    list_population_warnings,
    show_invariants,
    show_parameters,
)
