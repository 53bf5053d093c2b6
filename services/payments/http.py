"""What people may ask of payments or order: lines, rates, funding, explanations, the ledger."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from contracts.events.payments import (
    LineAmount,
    LineMode,
    MissionAmount,
    RatePublished,
    Step,
)
from services.messaging.database import Connection
from services.messaging.documents import also
from services.messaging.orders import Answer, Order, Role, carry_out
from services.messaging.problems import Refused, not_found
from services.payments import handlers
from services.payments.domain import lines
from services.payments.domain.accounts import (
    Account,
    price,
    unknown_input,
    variable_rate,
)
from services.payments.domain.lines import INDICATORS, Line
from services.payments.domain.refusals import REFUSAL_TEXTS, Refusal
from services.payments.domain.scale import MISSIONS, Rate, check_rate, says_the_same
from services.payments.store import answers, inputs

CptsId = FromPath[str]
Day = FromPath[date]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/-]{1,64}\Z")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,60}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
# Ten thousand million euros, a thousand million demands: no sum of them leaves 64 bits.
Cents = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
Count = Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]
# Where the figure's own rule is shown, with its texts and whether they are verified.
ACCOUNTS_AT_ONCE = 500
COUNTING_RULE = "indicators: GET /parameters"
Status = Literal["confirmed", "two_contracts", "single_source", "derived", "hypothesis"]


class StepOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a line: from `threshold` on, it pays `amount_cents`."""

    threshold: Count
    amount_cents: Cents


class LineOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that sets a contract line; amounts in cents."""

    mission: Code
    mode: LineMode
    max_cents: Cents
    target: Count | None = None
    steps: Annotated[tuple[StepOrder, ...], msgspec.Meta(max_length=100)] = ()
    is_withdrawn: bool = False


class RateOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an order that publishes a rate; the amount in cents."""

    rate_id: Id
    from_on: date
    taille: Count
    mission: Code
    part: Code
    amount_cents: Cents
    text: Text
    is_verified: bool
    status: Status = "single_source"
    to_on: date | None = None
    unit: Text = ""


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A contract line as it is set."""

    cpts_id: str
    starts_on: date
    line: LineOrder


def _refused(refusal: Refusal) -> Refused:
    status = 404 if refusal is Refusal.UNKNOWN_CPTS else 409
    return Refused(refusal.value, REFUSAL_TEXTS[refusal], status=status)


@put("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/lines/{indicator:str}", status_code=200)
async def set_line(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    indicator: FromPath[str],
    data: JSONBody[LineOrder],
) -> Response[LineAnswer]:
    """Sets what one indicator can bring in one contract year, and prices the account again."""
    line = Line(
        mission=data.mission,
        indicator=indicator,
        mode=data.mode,
        max_cents=data.max_cents,
        target=data.target,
        steps=tuple(Step(**msgspec.structs.asdict(step)) for step in data.steps),
    )

    async def body(order: Order) -> Answer:
        unit = order.unit
        departement = await inputs.departement_of_cpts(unit.connection, cpts_id)
        if departement is None:
            raise _refused(Refusal.UNKNOWN_CPTS)
        event = lines.set_line(
            line, cpts_id=cpts_id, starts_on=starts_on, is_withdrawn=data.is_withdrawn
        )
        if isinstance(event, Refusal):
            raise _refused(event)
        await handlers.set_line(unit, event, departement, order.cause)
        return Answer(body=LineAnswer(cpts_id=cpts_id, starts_on=starts_on, line=data))

    return await carry_out(request, {Role.CAISSE, Role.ARS, Role.SYSTEM}, body)


@post(
    "/rates",
    status_code=201,
    responses=also(200, RateOrder, "Ce montant est déjà publié, à l'identique"),
)
async def publish_rate(
    request: Request[Any, Any, Any], data: JSONBody[RateOrder]
) -> Response[RateOrder]:
    """Publishes an amount of the scale and prices the accounts that it concerns again."""

    async def body(order: Order) -> Answer:
        event = RatePublished(**msgspec.structs.asdict(data))
        refusal = check_rate(event)
        if refusal is not None:
            raise _refused(refusal)
        await handlers.lock_rates(order.unit)
        known = await inputs.find_rate(order.unit.connection, event.rate_id)
        if known is not None:
            if not says_the_same(known, event):
                raise _refused(Refusal.ALREADY_EXISTS)
            return Answer(body=data, status=200)
        await handlers.publish_rates(order.unit, [event], order.cause)
        return Answer(body=data, status=201)

    return await carry_out(request, {Role.CAISSE, Role.SYSTEM}, body)


@get("/cpts/{cpts_id:str}/funding")
async def funding(request: Request[Any, Any, Any], cpts_id: CptsId) -> dict[str, Any]:
    """The variable part of each contract year of a CPTS, with its missions and lines.

    All amounts of a year come from one computation on what is known at one moment.
    """
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        years = await answers.contract_years(connection, cpts_id)
        if not years:
            raise not_found("La CPTS", cpts_id)
        accounts = await inputs.load_accounts(
            connection, {(cpts_id, year["starts_on"]): "" for year in years}
        )
        rates = await inputs.load_variable_rates(connection)
    by_day = {account.starts_on: account for account in accounts}
    return {
        "cpts_id": cpts_id,
        "contract_years": [_funded(year, by_day[year["starts_on"]], rates) for year in years],
    }


def _funded(year: dict[str, Any], account: Account, rates: list[Rate]) -> dict[str, Any]:
    estimate = price(account, rates)
    return year | {
        "variable_cents": estimate.variable_cents,
        "missions": [_mission(account, rates, mission) for mission in estimate.missions],
        "lines": estimate.lines,
    }


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/explanation")
async def explanation(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    indicator: FromQuery[str | None] = None,
    after: FromQuery[str] = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Every amount of an account, down to the facts: missions, rate and text, lines, figures.

    `indicator` keeps one line, and `after` then pages its facts. All of one answer is read at one
    moment.
    """
    if after and indicator is None:
        raise Refused(
            "indicator_needed", "La page suivante se demande pour un indicateur.", status=400
        )
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        years = await answers.contract_years(connection, cpts_id)
        year = next((one for one in years if one["starts_on"] == starts_on), None)
        if year is None:
            raise not_found("L'année de contrat", f"{cpts_id}/{starts_on.isoformat()}")
        account = (await inputs.load_accounts(connection, {(cpts_id, starts_on): ""}))[0]
        rates = await inputs.load_variable_rates(connection)
        estimate = price(account, rates)
        facts = {
            amount.indicator: await answers.counted_facts(
                connection, cpts_id, starts_on, amount.indicator, after=after, limit=limit
            )
            for amount in estimate.lines
            if indicator in (None, amount.indicator)
        }
    return year | {
        "cpts_id": cpts_id,
        "variable_cents": estimate.variable_cents,
        "missions": [
            _mission(account, rates, mission)
            | {"rate": variable_rate(account, rates, mission.mission)}
            for mission in estimate.missions
        ],
        "lines": [
            _line(account, rates, amount) | {"facts": _facts_page(facts[amount.indicator], limit)}
            for amount in estimate.lines
            if amount.indicator in facts
        ],
    }


def _line(account: Account, rates: list[Rate], amount: LineAmount) -> dict[str, Any]:
    rate = variable_rate(account, rates, amount.mission)
    return {
        "mission": amount.mission,
        "indicator": amount.indicator,
        "libelle": INDICATORS[amount.indicator],
        "amount_cents": amount.amount_cents,
        "rate_is_verified": _is_verified(rate),
        "line": account.line(amount.indicator),
        "figure": {
            "value": amount.value,
            "revision": amount.figure_revision,
            "counting_rule": COUNTING_RULE,
        },
    }


def _mission(account: Account, rates: list[Rate], mission: MissionAmount) -> dict[str, Any]:
    rate = variable_rate(account, rates, mission.mission)
    return {
        "mission": mission.mission,
        "libelle": MISSIONS[mission.mission],
        "amount_cents": mission.amount_cents,
        "lines_cents": mission.lines_cents,
        "envelope_cents": mission.envelope_cents,
        "is_capped": mission.amount_cents < mission.lines_cents,
        "rate_is_verified": _is_verified(rate),
        "unknown": unknown_input(account, rate),
    }


def _is_verified(rate: Rate | None) -> bool:
    """Whether a primary text was read for the rate that an amount rests on."""
    return rate is not None and rate.is_verified


def _facts_page(facts: list[str], limit: int) -> dict[str, Any]:
    return {"items": facts, "next": facts[-1] if len(facts) == limit else None}


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/estimates")
async def estimates(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    after: FromQuery[int] = 0,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The computations of an account, oldest first, each with its reason."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.estimates(connection, cpts_id, starts_on, after=after, limit=limit)
    for item in items:
        item["missions"] = msgspec.json.decode(item["missions"])
        item["lines"] = msgspec.json.decode(item["lines"])
    return {"items": items, "next": items[-1]["sequence"] if len(items) == limit else None}


@get("/ledger/balances")
async def ledger_balances(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Each account of the ledger with its balance; together they sum to zero."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.ledger_balances(connection)
    return {"items": items, "sum_cents": sum(item["balance_cents"] for item in items)}


@get("/ledger/entries")
async def ledger_entries(
    request: Request[Any, Any, Any],
    cpts_id: FromQuery[str],
    after: FromQuery[str] = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """The ledger lines of a CPTS, in order of their posting."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.ledger_entries(connection, cpts_id, after=after, limit=limit)
    last = f"{items[-1]['posting_id']}/{items[-1]['ordinal']}" if len(items) == limit else None
    return {"items": items, "next": last}


@get("/rates")
async def rates(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The whole scale, each amount with its text and whether it is verified."""
    async with request.app.state.pool.acquire() as connection:
        return {"items": await answers.rates(connection)}


@get("/invariants")
async def invariants(request: Request[Any, Any, Any]) -> dict[str, bool]:
    """What must always hold, computed now."""
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await answers.invariants(connection) | {
            "accounts_equal_price": await _accounts_equal_price(connection)
        }


async def _accounts_equal_price(connection: Connection) -> bool:
    """Whether every account is worth what its inputs give: no change of one was missed."""
    rates = await inputs.load_variable_rates(connection)
    after = ""
    while keys := await inputs.accounts_after(connection, after, ACCOUNTS_AT_ONCE):
        accounts = await inputs.load_accounts(connection, keys)
        if any(price(one, rates).variable_cents != one.variable_cents for one in accounts):
            return False
        after = max(one.subject for one in accounts)
    return True


ROUTES = (
    set_line,
    publish_rate,
    funding,
    explanation,
    estimates,
    ledger_balances,
    ledger_entries,
    rates,
    invariants,
)
