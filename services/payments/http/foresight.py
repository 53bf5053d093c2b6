"""What a contract year would be worth otherwise, and what it may be worth at its end."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody

from contracts.departements import PARIS_TIME
from contracts.events.payments import LineAmount, MissionAmount
from services.messaging.bodies import refuse_impossible_days
from services.messaging.orders import Answer, Order, carry_out
from services.payments.domain.accounts import Estimate, envelopes_of, price
from services.payments.domain.owners import OWNERS
from services.payments.domain.projection import Projection, look_ahead
from services.payments.domain.simulation import Supposed, simulate
from services.payments.http.asking import Cents, Count, CptsId, Day, year_of
from services.payments.store import inputs

PARIS = ZoneInfo(PARIS_TIME)
VALUES_MAX = 500  # as many as a contract year has lines
ENVELOPES_MAX = 50
Taille = Annotated[int, msgspec.Meta(ge=1, le=4)]


class SimulationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to suppose instead of what is; figures by indicator, envelopes in cents by mission."""

    taille: Taille | None = None
    starts_on: date | None = None
    values: Annotated[dict[str, Count], msgspec.Meta(max_length=VALUES_MAX)] = {}
    envelopes_cents: Annotated[dict[str, Cents], msgspec.Meta(max_length=ENVELOPES_MAX)] = {}

    def __post_init__(self) -> None:
        """Refuse impossible days."""
        refuse_impossible_days(self)


class ShownEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """An amount with the missions and lines that lead to it."""

    variable_cents: int
    missions: tuple[MissionAmount, ...]
    lines: tuple[LineAmount, ...]


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What the account is worth, what it would be, and the difference in cents."""

    present: ShownEstimate
    supposed: ShownEstimate
    difference_cents: int


class ShownOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a contract year, seen on a day; the interval holds nine times in ten."""

    seen_on: date
    ends_on: date
    figures: dict[str, Projection]
    low: ShownEstimate
    likely: ShownEstimate
    high: ShownEstimate


@post("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/simulation", status_code=200)
async def simulation(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    data: JSONBody[SimulationOrder],
) -> Response[Simulation]:
    """What the account would be worth with other inputs, by the same pricing; nothing is kept."""

    async def body(order: Order) -> Answer:
        order.refuse_another_cpts(cpts_id)
        await year_of(order.unit.connection, cpts_id, starts_on)
        (account,) = await inputs.load_accounts(order.unit.connection, {(cpts_id, starts_on): ""})
        rates = await inputs.load_variable_rates(order.unit.connection)
        present = price(account, rates)
        supposed = simulate(
            account,
            rates,
            Supposed(
                taille=data.taille,
                starts_on=data.starts_on,
                values=data.values,
                envelopes=data.envelopes_cents,
            ),
        )
        return Answer(
            body=Simulation(
                present=_shown(present),
                supposed=_shown(supposed),
                difference_cents=supposed.variable_cents - present.variable_cents,
            )
        )

    return await carry_out(request, OWNERS["simulation"], body)


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


ROUTES = (simulation, projection)
