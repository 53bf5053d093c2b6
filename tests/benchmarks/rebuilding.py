"""P5: how long the rebuild of a national year takes, from the log, on this machine's cores."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack
from tests.benchmarks import national_year
from tests.benchmarks.cast import DEMANDS
from tests.benchmarks.ground import BenchFailed, Ground, ask, opened
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted
from tests.benchmarks.national_year import CENTS_A_DEMAND, NATIONAL_DEMANDS, Year

MINUTE_SECONDS = 60
LIMIT_SECONDS = 3600.0
LOOK_EVERY_SECONDS = 0.05
FIGURES = tuple(
    Figure(id=f"P5-{name}", unit="min", wanted=Wanted(of="value", at_most=10))
    for name in ("indicators", "payments")
)
FOUND = {
    "indicators": f"""
        select cpts_id, value from rebuilt.figure
        where indicator = '{DEMANDS}' and value > 0
    """,
    "payments": "select cpts_id, variable_cents from rebuilt.account where variable_cents > 0",
}
SAID = "select count(*) from rebuilt.history"


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P5, run by run, on one log."""
    async with opened(stack, folder) as ground:
        ground.create_databases()
        topics = await ground.make_topics()
        year = await national_year.write(ground, topics, sizes.demands)
        for _ in range(runs):
            yield {figure.id: await _rebuilt(ground, year, figure.id[3:]) for figure in FIGURES}


async def _rebuilt(ground: Ground, year: Year, service: str) -> Sample:
    begun = time.monotonic()
    process = ground.start_service(service, "rebuild", "--schema", "rebuilt").process
    while not process.has_ended:
        if time.monotonic() - begun > LIMIT_SECONDS:
            raise BenchFailed(f"{service} was not rebuilt within {LIMIT_SECONDS} s")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    seconds = time.monotonic() - begun
    url = ground.urls[service]
    await _check(url, year, service)
    await ask(url, "drop schema rebuilt cascade")
    share = year.demands / NATIONAL_DEMANDS
    return Sample(
        ours=seconds / share / MINUTE_SECONDS,
        note=f"{service}: {seconds:.1f} s for {year.demands} demands, {year.events} events, "
        f"of {len(year.everybody)} CPTS; {NATIONAL_DEMANDS} by proportion",
    )


async def _check(url: str, year: Year, service: str) -> None:
    """Raises `BenchFailed` unless each CPTS has come to what was written, and nothing is new."""
    found = {row[0]: row[1] for row in await ask(url, FOUND[service])}
    wanted = {
        one.cpts_id: _worth(year, one.cpts_id)
        if service == "payments"
        else year.counted[one.cpts_id]
        for one in year.everybody
    }
    if found != wanted:
        wrong = {
            one: (found.get(one), wanted[one]) for one in wanted if found.get(one) != wanted[one]
        }
        raise BenchFailed(f"{service}, rebuilt and written: {dict(list(wrong.items())[:5])}")
    ((said,),) = await ask(url, SAID)
    if said != year.events[service]:
        raise BenchFailed(f"{service} said {year.events[service]} events, rebuilt {said}")


def _worth(year: Year, cpts_id: str) -> int:
    """The cents of an account: its doctors by step, its demands each."""
    doctors = next(len(one.rpps) for one in year.everybody if one.cpts_id == cpts_id)
    return 20_000 * doctors + CENTS_A_DEMAND * year.counted[cpts_id]
