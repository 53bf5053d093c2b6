"""What a contract year is worth now, and why: funding, explanations, every computation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery

from contracts.events.payments import LineAmount, MissionAmount
from services.messaging.database import Connection
from services.messaging.pages import After, AfterNumber, Limit, Page, page
from services.messaging.problems import Refused, not_found
from services.payments.domain.accounts import (
    Account,
    AccountKey,
    price,
    unknown_input,
    variable_rate,
)
from services.payments.domain.dues_schedule import mission_words
from services.payments.domain.levels import LIVE
from services.payments.domain.lines import line_id_of
from services.payments.domain.scale import MISSIONS, Rate
from services.payments.domain.statement import line_words
from services.payments.http.asking import CptsId, Day, year_of
from services.payments.store import answers, dues, inputs, past
from services.payments.store.dues import Due

# Where the figure's own rule is shown, with its texts and whether they are verified.
COUNTING_RULE = "indicators: GET /parameters"


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
        "missions": [shown_mission(account, rates, mission) for mission in estimate.missions],
        "lines": estimate.lines,
    }


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/explanation")
async def explanation(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    indicator: FromQuery[str | None] = None,
    after: After = "",
    limit: Limit = 100,
    known_at: FromQuery[datetime | None] = None,
) -> dict[str, Any]:
    """Every amount of an account, down to the facts: missions, rate and text, lines, figures with
    the level of their value, dues.

    `indicator` keeps one line, and `after` then pages its facts; `known_at` is an instant of the
    past, whose knowledge is explained instead. All of one answer is read at one moment.
    """
    if after and indicator is None:
        raise Refused(
            "indicator_needed", "La page suivante se demande pour un indicateur.", status=400
        )
    async with (
        request.app.state.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        year = await year_of(connection, cpts_id, starts_on)
        account, rates, due = await _known(connection, (cpts_id, starts_on), known_at)
        estimate = price(account, rates)
        facts = {
            amount.indicator: await answers.counted_facts(
                connection,
                cpts_id,
                starts_on,
                amount.indicator,
                after=after,
                limit=limit,
                revision=amount.figure_revision,
            )
            for amount in estimate.lines
            if indicator in (None, amount.indicator)
        }
    return year | {
        "cpts_id": cpts_id,
        "variable_cents": estimate.variable_cents,
        "missions": [
            shown_mission(account, rates, mission)
            | {"rate": variable_rate(account, rates, mission.mission)}
            for mission in estimate.missions
        ],
        "lines": [
            shown_line(account, rates, amount)
            | {"facts": page(facts[amount.indicator], limit, str)}
            for amount in estimate.lines
            if amount.indicator in facts
        ],
        "settled_on": account.settled.settled_on if account.settled else None,
        "dues": due,
    }


async def _known(
    connection: Connection, key: AccountKey, known_at: datetime | None
) -> tuple[Account, list[Rate], list[Due]]:
    """The account, the rates and its dues as they are known now, or were at an instant."""
    if known_at is None:
        (account,) = await inputs.load_accounts(connection, {key: ""})
        due = await dues.of_cpts(connection, *key)
        return account, await inputs.load_variable_rates(connection), due
    if known_at.tzinfo is None:
        raise Refused("instant_invalid", "Un instant se dit avec son décalage.", status=400)
    account = await past.load_account(connection, key, known_at)
    rates = await past.load_variable_rates(connection, known_at)
    return account, rates, await past.load_dues(connection, account.subject, known_at)


def shown_line(account: Account, rates: Sequence[Rate], amount: LineAmount) -> dict[str, Any]:
    """What a line brings, by which value and rule; its facts are the explanation's."""
    rate = variable_rate(account, rates, amount.mission)
    line, live = account.line(line_id_of(amount)), account.figures.get(amount.indicator)
    return {
        "mission": amount.mission,
        "line_id": line_id_of(amount),
        "indicator": amount.indicator,
        "libelle": line.label if line else amount.indicator,
        "amount_cents": amount.amount_cents,
        "explanation": line_words(line, amount) if line else "",
        "rate_is_verified": _is_verified(rate),
        "line": line,
        "figure": {
            "value": amount.value,
            "level": amount.level,
            # what was known at an instant of the past is the value by which it was priced, alone
            "live_value": live.value if live and live.level == LIVE else None,
            "revision": amount.figure_revision,
            "counting_rule": COUNTING_RULE,
        },
    }


def shown_mission(
    account: Account, rates: Sequence[Rate], mission: MissionAmount
) -> dict[str, Any]:
    """What a mission brings of what its lines bring, and why its envelope is unknown if it is."""
    rate = variable_rate(account, rates, mission.mission)
    return {
        "mission": mission.mission,
        "libelle": MISSIONS[mission.mission],
        "amount_cents": mission.amount_cents,
        "lines_cents": mission.lines_cents,
        "envelope_cents": mission.envelope_cents,
        "year_part": mission.year_part,
        "year_whole": mission.year_whole,
        "explanation": mission_words(mission),
        "is_capped": mission.amount_cents < mission.lines_cents,
        "rate_is_verified": _is_verified(rate),
        "unknown": unknown_input(account, rate),
    }


def _is_verified(rate: Rate | None) -> bool:
    """Whether a primary text was read for the rate that an amount rests on."""
    return rate is not None and rate.is_verified


@get("/cpts/{cpts_id:str}/contract-years/{starts_on:date}/estimates")
async def estimates(
    request: Request[Any, Any, Any],
    cpts_id: CptsId,
    starts_on: Day,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> Page:
    """The computations of an account, oldest first, each with its reason."""
    async with request.app.state.pool.acquire() as connection:
        items = await answers.estimates(connection, cpts_id, starts_on, after=after, limit=limit)
    for item in items:
        item["missions"] = msgspec.json.decode(item["missions"])
        item["lines"] = msgspec.json.decode(item["lines"])
    return page(items, limit, lambda last: str(last["sequence"]))


ROUTES = (funding, explanation, estimates)
