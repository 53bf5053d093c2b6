"""The chain with two processes of each service: beside one of each, and while a département moves.

Indicators and payments share the départements by name, referrals in a balanced group. Meanwhile a
département moves from one process to the other (each is started again, one after the other) and a
process of referrals goes and comes back. Every acceptance must be in an estimate.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack
from services.referrals.domain.referral import referral_id
from tests.benchmarks import chain, demands, http_load
from tests.benchmarks.cast import DEMANDS, cast
from tests.benchmarks.ground import BenchFailed, Ground, Served, ask, opened
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.tales import SOURCE

RATE = 100
PART = 5 * RATE  # acceptances that are asked for at a time while a département moves
AT_MOST = 8  # times the acceptances in peace, until the move has ended
FIRST, SECOND, MOVED = "00-11", "13-989", "12"
COUNTED = "select sum(value)::bigint from figure where indicator = $1"
P50 = Figure(id="share-p50", unit="ms", wanted=Wanted(at_most=1.5))
P99 = Figure(id="share-p99", unit="ms", wanted=Wanted(at_most=2))
# The objective of the platform: an acceptance is in the funding within five seconds.
MOVE = Figure(id="share-move-max", unit="ms", wanted=Wanted(of="value", at_most=5000))
FIGURES = (P50, P99, MOVE)


class Pair:
    """The two processes of each service, the first of which is asked."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._processes: dict[str, Served] = {}

    def start(self, service: str) -> Served:
        """Both processes of a service, not awaited; the first."""
        is_named = service != "referrals"
        first = self._start(service, 1, f"{FIRST},{MOVED}" if is_named else "")
        self._start(service, 2, SECOND if is_named else "")
        return first

    def _start(self, service: str, number: int, departements: str) -> Served:
        name = f"{service}-{number}"
        told = {"CPTS_MEMBER": name, "CPTS_DEPARTEMENTS": departements}
        self._processes[name] = self._ground.start_service(service, environment=told)
        return self._processes[name]

    async def again(self, service: str, number: int, departements: str = "") -> None:
        """Stop a process in its own way, and start it for these départements."""
        gone = self._processes[f"{service}-{number}"].process
        await asyncio.to_thread(gone.stop, signal.SIGTERM)
        await self._start(service, number, departements).ready()

    async def move(self) -> None:
        """Move a département from the first process to the second, in each service that reads."""
        for service in ("indicators", "payments"):
            await self.again(service, 2, f"{MOVED},{SECOND}")
            await self.again(service, 1, FIRST)
        await self.again("referrals", 2)


async def measure(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples, run by run."""
    warm = sizes.warm_up_seconds
    count = int(RATE * (sizes.seconds + warm))
    for run in range(runs):
        async with opened(stack, folder) as ground:
            alone, _ = await chain.ours(ground, RATE, count, warm, run, ground.start_service)
        async with opened(stack, folder) as ground:
            steady, moving, took = await _shared(ground, count, warm, run)
        pairs = ((P50, 50), (P99, 99))
        note = f"moved within {took:.1f} s; p99 meanwhile {percentile(moving, 99):.0f} ms"
        yield {
            one.id: Sample(ours=percentile(steady, percent), baseline=percentile(alone, percent))
            for one, percent in pairs
        } | {MOVE.id: Sample(ours=max(moving), note=note)}


async def _shared(
    ground: Ground, count: int, warm: float, seed: int
) -> tuple[Sequence[float], Sequence[float], float]:
    """Milliseconds of each acceptance, in peace and during the move, and how long that took."""
    everybody = cast(datetime.now(UTC).date())
    pair = Pair(ground)
    who = [everybody[n % len(everybody)] for n in range(count * AT_MOST)]
    served, _ = await chain.start_chain(ground, everybody, who, pair.start)
    requests = demands.acceptances(who, len(who))
    port = served["referrals"].port
    answered = await http_load.at_rate(port, requests[:count], RATE, seed)
    begun = time.time()
    moved = asyncio.create_task(pair.move())
    while not moved.done():
        part = requests[len(answered) : len(answered) + PART]
        if not part:
            raise BenchFailed("the acceptances ended before the move")
        answered += await http_load.at_rate(port, part, RATE, seed + len(answered))
    await moved
    ended = time.time()
    estimated = await chain.estimated(ground, len(answered))
    for service in ("indicators", "payments"):
        counted = (await ask(ground.urls[service], COUNTED, DEMANDS))[0][0]
        if counted != len(answered):
            raise BenchFailed(f"{service} counts {counted} acceptances of {len(answered)}")
    took = [
        (one.due_at, 1000 * (estimated[referral_id(SOURCE, str(n))] - one.due_at))
        for n, one in enumerate(answered)
    ]
    peace = [ms for due_at, ms in took[:count] if due_at >= took[0][0] + warm]
    return peace, [ms for due_at, ms in took if begun <= due_at <= ended], ended - begun
