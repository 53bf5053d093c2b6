"""P7: acceptances over HTTP, beside bare asyncpg that executes the same SQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from deploy.local.stack import Stack
from services.referrals.app import SERVICE as REFERRALS
from tests.benchmarks import demands, http_load, recording
from tests.benchmarks.bare_acceptances import Measured
from tests.benchmarks.cast import cast
from tests.benchmarks.ground import BenchFailed, Ground, Process, ask, opened, until
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted, percentile

RATE = 200
CONCURRENCY = 32
FIGURES = (
    Figure(id="P7-saturation", unit="orders/s", wanted=Wanted(at_least=0.5)),
    Figure(id="P7-p99", unit="ms", wanted=Wanted(of="value", at_most=25)),
)
# What must be equal on both sides at the end.
OUTCOME = """
    select (select count(*) from history), (select count(*) from outbox),
        (select count(*) from referral where state = 'accepted')
"""


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P7, run by run."""
    everybody = cast(datetime.now(UTC).date())
    rated = int(RATE * (sizes.seconds + sizes.warm_up_seconds))
    count = rated + sizes.acceptances
    async with opened(stack, folder) as ground:
        ground.create_databases()
        await demands.prepare(ground, everybody, count, are_sent=True)
        requests = demands.acceptances(everybody, count)
        url = ground.copy_database("referrals")
        transactions = await recording.record_orders(
            REFERRALS, ground.settings("referrals", url), requests
        )
        ground.drop_database(url)
        path = recording.write(ground.folder / "transactions", transactions)
        for run in range(runs):
            ours, outcome = await _ours(ground, requests, rated, run)
            bare, same = await _bare(ground, path, rated, run)
            if outcome != same:
                raise BenchFailed(f"referrals came to {outcome}, bare asyncpg to {same}")
            warm = int(RATE * sizes.warm_up_seconds)
            yield {
                "P7-saturation": Sample(ours=ours.per_second, baseline=bare.per_second),
                "P7-p99": Sample(
                    ours=percentile(ours.milliseconds[warm:], 99),
                    baseline=percentile(bare.milliseconds[warm:], 99),
                ),
            }


async def _ours(
    ground: Ground, requests: Sequence[bytes], rated: int, seed: int
) -> tuple[Measured, tuple[Any, ...]]:
    """The service's process: first at the rate, then as fast as it answers."""
    await ground.make_new_topics()  # what a former run said would be restored from the log
    url = ground.copy_database("referrals")
    served = await ground.start_service("referrals", url=url).ready()
    answered = await http_load.at_rate(served.port, requests[:rated], RATE, seed)
    begun = time.monotonic()
    await http_load.saturating(served.port, requests[rated:], CONCURRENCY)
    seconds = time.monotonic() - begun
    served.process.stop()
    (outcome,) = await ask(url, OUTCOME)
    ground.drop_database(url)
    measured = Measured(
        milliseconds=[1000 * (one.answered_at - one.due_at) for one in answered],
        per_second=(len(requests) - rated) / seconds,
    )
    return measured, tuple(outcome)


async def _bare(
    ground: Ground, path: Path, rated: int, seed: int
) -> tuple[Measured, tuple[Any, ...]]:
    """The same of bare asyncpg."""
    url = ground.copy_database("referrals")
    answer = path.with_suffix(f".{seed}")
    process = ground.start(
        "tests.benchmarks.bare_acceptances", url, path, rated, RATE, seed, CONCURRENCY, answer
    )
    await until("bare asyncpg has done", lambda: _has_answered(process, answer))
    (outcome,) = await ask(url, OUTCOME)
    ground.drop_database(url)
    return msgspec.json.decode(answer.read_bytes(), type=Measured), tuple(outcome)


async def _has_answered(process: Process, answer: Path) -> bool:
    if await asyncio.to_thread(answer.exists):
        return True
    process.check()
    return False
