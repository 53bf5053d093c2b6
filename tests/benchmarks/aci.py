"""The ACI at its size: every contract year settled in one run, one amount explained, as known now
and as known at an instant, one CPTS projected, each against a limit.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from deploy.local.aci.asking import Services
from deploy.local.aci.settling import settle_all
from deploy.local.stack import Stack
from services.messaging.migrations import migrate
from services.messaging.unit import Desk, Mode, Unit, open_unit
from services.payments import handlers
from services.payments.app import SERVICE as PAYMENTS
from services.payments.domain.accounts import Touch
from services.payments.domain.calendar import DAY
from services.payments.handlers.pricing import reprice
from tests.benchmarks import aci_cast, http_load
from tests.benchmarks.aci_cast import NOW, YEARS, Cpts
from tests.benchmarks.backlog import publish_all_rates
from tests.benchmarks.ground import BenchFailed, ask, open_desk, opened
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted, percentile

CPTS_AT_ONCE = 10
WARM_UP = 20
SEEN_AFTER_DAYS = 200
CLOCK = {"CPTS_CLOCK_START": NOW.isoformat()}


def _limit(id_: str, unit: str, at_most: float) -> Figure:
    return Figure(id=id_, unit=unit, wanted=Wanted(of="value", at_most=at_most))


FIGURES = (
    _limit("aci-settlement", "s", 60),
    _limit("aci-explanation-p50", "ms", 50),
    _limit("aci-explanation-p99", "ms", 50),
    _limit("aci-past-explanation-p50", "ms", 50),
    _limit("aci-past-explanation-p99", "ms", 50),
    _limit("aci-projection-p50", "ms", 50),
    _limit("aci-projection-p99", "ms", 50),
)
OUTCOME = """
    select (select count(*) from settlement) as settled,
           (select count(*) from due where due_id = 'variable') as due,
           (select count(*) from figure_fact) as facts,
           (select count(*) from contract_line) as lines
"""


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of the ACI, run by run: the questions first, then the run that settles."""
    everybody = aci_cast.cast(sizes.cpts)
    async with opened(stack, folder) as ground:
        ground.create_databases()
        await ground.make_topics()
        settings = ground.settings("payments")
        await migrate(settings, PAYMENTS.schema)
        async with open_desk(PAYMENTS, settings, Mode.REBUILD) as desk:
            await fill(desk, everybody, sizes.facts_a_year)
        for run in range(runs):
            await ground.make_new_topics()  # what a former run said would be restored from the log
            url = ground.copy_database("payments")
            started = ground.start_service("payments", url=url, environment=CLOCK)
            served = await started.ready()
            asked = _drawn(everybody, sizes.questions, run)
            explanations = await _asked(served.port, [explanation_of(*one) for one in asked])
            past = await _asked(served.port, [past_explanation_of(*one) for one in asked])
            projections = await _asked(served.port, [projection_of(*one) for one in asked])
            seconds = await asyncio.to_thread(_settle, served.port)
            served.process.stop()
            await _check(url, sizes)
            ground.drop_database(url)
            yield {
                "aci-settlement": Sample(ours=seconds),
                "aci-explanation-p50": Sample(ours=percentile(explanations, 50)),
                "aci-explanation-p99": Sample(ours=percentile(explanations, 99)),
                "aci-past-explanation-p50": Sample(ours=percentile(past, 50)),
                "aci-past-explanation-p99": Sample(ours=percentile(past, 99)),
                "aci-projection-p50": Sample(ours=percentile(projections, 50)),
                "aci-projection-p99": Sample(ours=percentile(projections, 99)),
            }


async def fill(desk: Desk, everybody: Sequence[Cpts], facts_a_year: int) -> None:
    """The database as a rebuild from the log makes it: what others said is heard, what payments
    said is applied, up to the dialogues in which every value is validated.
    """
    await publish_all_rates(desk)
    for first in range(0, len(everybody), CPTS_AT_ONCE):
        some = everybody[first : first + CPTS_AT_ONCE]
        async with open_unit(desk) as unit:
            await _hear(unit, some, facts_a_year // len(everybody))
            await _say(unit, some)
    async with desk.pool.acquire() as connection:
        await connection.execute("vacuum analyze")


async def _hear(unit: Unit, some: Sequence[Cpts], facts_of_year: int) -> None:
    told = [event for cpts in some for event in aci_cast.told_by_membership(cpts)]
    await handlers.on_membership(unit, told)
    for cpts in some:
        figures = list(aci_cast.told_by_indicators(cpts, facts_of_year))
        await handlers.on_indicators(unit, figures)


async def _say(unit: Unit, some: Sequence[Cpts]) -> None:
    """Lines, their price, dialogues, their price, and all that has fallen due by then."""
    for reason, of_year in (("line", aci_cast.lines_of), ("dialogue", aci_cast.dialogue_of)):
        last = await _sequences(unit, some)
        said = [
            event
            for cpts in some
            for year in cpts.years
            for event in aci_cast.said_of_year(
                of_year(cpts, year), cpts, year, last.get((cpts.cpts_id, year.starts_on), 0), reason
            )
        ]
        await unit.announce(said)
        await reprice(unit, [touch for cpts in some for touch in _touches(cpts, reason)])
    causes = {cpts.cpts_id: aci_cast.cause_of(cpts, "dues") for cpts in some}
    await handlers.lock_dues(unit, causes)
    await handlers.announce_dues(unit, causes)


def _touches(cpts: Cpts, reason: str) -> list[Touch]:
    return [
        Touch(
            cpts_id=cpts.cpts_id,
            starts_on=year.starts_on,
            departement=cpts.departement,
            reason=reason,
            cause=aci_cast.cause_of(cpts, reason),
        )
        for year in cpts.years
    ]


async def _sequences(unit: Unit, some: Sequence[Cpts]) -> dict[tuple[str, Any], int]:
    rows = await unit.connection.fetch(
        "select cpts_id, starts_on, sequence from account where cpts_id = any ($1)",
        [cpts.cpts_id for cpts in some],
    )
    return {(row["cpts_id"], row["starts_on"]): row["sequence"] for row in rows}


def _drawn(everybody: Sequence[Cpts], count: int, seed: int) -> list[tuple[Cpts, int]]:
    """CPTS, and the number of one of their years, drawn to be asked about."""
    chance = random.Random(seed)
    return [(chance.choice(everybody), chance.randrange(YEARS)) for _ in range(count + WARM_UP)]


def explanation_of(cpts: Cpts, number: int) -> str:
    """The question of why a year is worth what it is: every line, with its first hundred facts."""
    return f"/cpts/{cpts.cpts_id}/contract-years/{cpts.years[number].starts_on}/explanation"


def past_explanation_of(cpts: Cpts, number: int) -> str:
    """The same question, of what was known when all had been said."""
    return f"{explanation_of(cpts, number)}?known_at={NOW:%Y-%m-%dT%H:%M:%SZ}"


def projection_of(cpts: Cpts, number: int) -> str:
    """The question of what a year may be worth at its end, seen from within it."""
    first_on = cpts.years[number].starts_on
    seen_on = first_on + SEEN_AFTER_DAYS * DAY
    return f"/cpts/{cpts.cpts_id}/contract-years/{first_on}/projection?on={seen_on}"


async def _asked(port: int, paths: Sequence[str]) -> list[float]:
    """Milliseconds of each question after the first ones, one after the other."""
    (caller,) = await http_load.connected(port, 1)
    milliseconds = []
    for path in paths:
        begun = time.perf_counter()
        await caller.give(http_load.question(path))
        milliseconds.append(1000 * (time.perf_counter() - begun))
    caller.close()
    return milliseconds[WARM_UP:]


def _settle(port: int) -> float:
    """Seconds of the run of `just aci settle --yes`: what can be settled is listed and settled."""
    services = Services({"payments": f"http://127.0.0.1:{port}"})
    begun = time.perf_counter()
    found = services.items("payments", "/contract-years", is_settled=False)
    refused = settle_all(services, [year for year in found if year["obstacle"] is None])
    seconds = time.perf_counter() - begun
    if refused:
        raise BenchFailed(f"{len(refused)} years were refused: {refused[0][1]}")
    return seconds


async def _check(url: str, sizes: Sizes) -> None:
    """Raises `BenchFailed` unless everything there was is settled."""
    (row,) = await ask(url, OUTCOME)
    years = sizes.cpts * YEARS
    if (row["settled"], row["due"], row["lines"]) != (years, years, years * aci_cast.LINES):
        raise BenchFailed(f"of {years} contract years: {dict(row)}")
