"""P6: what it costs to watch: with traces and metrics, beside the same services without them.

With them, every trace is kept, spans leave over OTLP for a process that takes them, and `/metrics`
is asked for as often as `deploy/monitoring/prometheus.yml` says. Without them, no exporter is
named, nothing is counted and nobody asks.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from contracts.recorded import Recorded
from deploy.local.stack import Stack
from services.indicators.app import SERVICE as INDICATORS
from tests.benchmarks import chain, log
from tests.benchmarks.backlog import ALL, Backlog, prepare, watched
from tests.benchmarks.cast import cast
from tests.benchmarks.ground import BenchFailed, Ground, Served, opened, until
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.tales import lives

RATE = 100
SCRAPE_EVERY_SECONDS = 15.0
TRY_EVERY_SECONDS = 0.2
BACKLOG_FIGURE = Figure(id="P6-indicators", unit="events/s", wanted=Wanted(at_least=0.9))
CHAIN_FIGURE = Figure(id="P6-p50", unit="ms", wanted=Wanted(of="more", at_most=1))


class Watch:
    """Starts services with traces and metrics or without, and asks for the metrics meanwhile."""

    def __init__(self, ground: Ground, sink: str | None) -> None:
        self._ground, self._sink = ground, sink
        self._served: list[Served] = []
        self.scrapes = 0

    def start(self, service: str, *arguments: str, url: str | None = None) -> Served:
        """A service's process, not awaited."""
        launcher = None if self._sink else "tests.benchmarks.uncounted"
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": self._sink or ""}
        served = self._ground.start_service(
            service, *arguments, url=url, environment=environment, launcher=launcher
        )
        self._served.append(served)
        return served

    async def scrape(self) -> None:
        """Ask for the metrics of all again and again, if there are any."""
        async with httpx.AsyncClient() as web:
            while self._sink is not None:
                are_told = bool(self._served)
                for one in self._served:
                    try:
                        answer = await web.get(f"http://127.0.0.1:{one.port}/metrics")
                        self.scrapes += answer.is_success
                    except httpx.TransportError:
                        are_told = False  # it starts
                await asyncio.sleep(SCRAPE_EVERY_SECONDS if are_told else TRY_EVERY_SECONDS)


@asynccontextmanager
async def watching(ground: Ground, sink: str | None) -> AsyncIterator[Watch]:
    """Services started on this ground are watched over this address, or with None not at all."""
    watch = Watch(ground, sink)
    task = asyncio.create_task(watch.scrape())
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _start_sink(ground: Ground) -> str:
    """The address of a process that takes spans."""
    port = ground.free_port()
    process = ground.start("tests.benchmarks.sink", port)
    address = f"http://127.0.0.1:{port}"

    async def is_up() -> bool:
        process.check()
        with contextlib.suppress(httpx.TransportError):
            return bool(await _taken(address) == 0)
        return False

    await until("the sink of the spans is up", is_up)
    return address


async def _taken(sink: str) -> int:
    async with httpx.AsyncClient() as web:
        return int((await web.get(sink)).text)


def _both(run: int) -> Sequence[bool]:
    """With and without, each first in turn."""
    return (True, False) if run % 2 == 0 else (False, True)


async def _note(sink: str, scrapes: int) -> str:
    """What a reader must know of a run: that it was not watched after all."""
    return "" if scrapes and await _taken(sink) else "too short: no span or no scrape was taken"


def _traced(events: Sequence[Recorded[Any]]) -> list[Recorded[Any]]:
    """The events, each subject's in a trace of its own that is kept."""
    traces: dict[str, str] = {}
    return [
        msgspec.structs.replace(
            one,
            traceparent=traces.setdefault(one.subject, f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"),
        )
        for one in events
    ]


async def backlog(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P6-indicators, run by run."""
    everybody = cast(datetime.now(UTC).date())
    taken = Backlog(INDICATORS, "referrals", _traced(lives(everybody, sizes.events)))
    async with opened(stack, folder) as ground:
        ground.create_databases()
        topics = await ground.make_topics()
        topic = topics[taken.topic.name]
        await log.fill(ground.settings(taken.topic.producer), topic, taken.events)
        await prepare(ground, taken, topic, everybody)
        sink = await _start_sink(ground)
        for run in range(runs):
            rates: dict[bool, float] = {}
            scrapes, outcomes = 0, set()
            for is_on in _both(run):
                url = ground.copy_database(taken.service.name)
                async with watching(ground, sink if is_on else None) as watch:
                    served = watch.start(taken.service.name, "--departements", ALL, url=url)
                    rates[is_on], outcome = await watched(taken, url, served.process)
                served.process.stop()
                ground.drop_database(url)
                outcomes.add(outcome)
                scrapes += watch.scrapes
            if len(outcomes) > 1:
                raise BenchFailed(f"watched and not, it came to {outcomes}")
            note = await _note(sink, scrapes)
            yield {BACKLOG_FIGURE.id: Sample(ours=rates[True], baseline=rates[False], note=note)}


async def latency(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P6-p50, run by run."""
    warm = sizes.warm_up_seconds
    count = int(RATE * (sizes.seconds + warm))
    for run in range(runs):
        p50: dict[bool, float] = {}
        note = ""
        for is_on in _both(run):
            async with opened(stack, folder) as ground:
                sink = await _start_sink(ground) if is_on else None
                async with watching(ground, sink) as watch:
                    took, _ = await chain.ours(ground, RATE, count, warm, run, watch.start)
                if sink is not None:
                    note = await _note(sink, watch.scrapes)
            p50[is_on] = percentile(took, 50)
        yield {CHAIN_FIGURE.id: Sample(ours=p50[True], baseline=p50[False], note=note)}
