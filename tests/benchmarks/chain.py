"""P3 and P4: from an acceptance to the estimate that it caused, beside the bare two-hop chain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.demo.latency import ESTIMATES, INDICATOR
from deploy.local.stack import Stack
from services.messaging.log import LogTopic
from services.messaging.migrations import migrate
from services.payments.app import SERVICE as PAYMENTS
from services.referrals.domain.referral import referral_id
from tests.benchmarks import demands, http_load, log
from tests.benchmarks.backlog import publish_all_rates, set_lines
from tests.benchmarks.cast import Cpts, cast, told_by_membership
from tests.benchmarks.ground import Ground, Served, ask, open_desk, opened, until
from tests.benchmarks.measuring import PARTITIONS, Figure, Sample, Sizes, Wanted, percentile
from tests.benchmarks.tales import SOURCE

CHAIN = ("referrals", "indicators", "payments")
HEARS = (
    ("referrals", ("membership",)),
    ("indicators", ("membership", "referrals")),
    ("payments", ("membership", "indicators")),
)
RATES = {"P3": 100, "P4": 1_000}
SUSTAINED = 0.95
UNSENT = "select count(*) from outbox where sent_at is null"
HEARD = "select coalesce(sum(next_offset), 0)::bigint from stored_offset where topic = $1"
# Of the bare chain: when each was due at its first process, and when it was committed in one.
DUE = "select id, due_at from hop"
DONE = "select id, pg_xact_commit_timestamp(xmin) as committed_at from hop"


def figures(name: str) -> tuple[Figure, Figure]:
    """The two figures of a rate."""
    return (
        Figure(id=f"{name}-p50", unit="ms", wanted=Wanted(at_most=1.5)),
        Figure(id=f"{name}-p99", unit="ms", wanted=Wanted(at_most=2)),
    )


async def at(name: str, stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P3 or P4, run by run."""
    rate, warm = RATES[name], sizes.warm_up_seconds
    count = int(rate * (sizes.seconds + warm))
    for run in range(runs):
        async with opened(stack, folder) as ground:
            took, done = await ours(ground, rate, count, warm, run, ground.start_service)
        async with opened(stack, folder) as ground:
            bare, bare_done = await _bare(ground, rate, count, warm, run)
        note = "".join(
            f"{who}: {one:.0f}/s of {rate}/s done; "
            for who, one in (("ours", done), ("bare", bare_done))
            if one < rate * SUSTAINED
        )
        p50, p99 = figures(name)
        yield {
            one.id: Sample(
                ours=percentile(took, percent), baseline=percentile(bare, percent), note=note
            )
            for one, percent in ((p50, 50), (p99, 99))
        }


async def ours(
    ground: Ground,
    rate: int,
    count: int,
    warm: float,
    seed: int,
    start: Callable[[str], Served],
) -> tuple[list[float], float]:
    """Milliseconds of each acceptance after the warm-up, and the acceptances a second."""
    everybody = cast(datetime.now(UTC).date())
    who = [everybody[n % len(everybody)] for n in range(count)]
    served, _ = await start_chain(ground, everybody, who, start)
    requests = demands.acceptances(everybody, count)
    answered = await http_load.at_rate(served["referrals"].port, requests, rate, seed)
    found = await estimated(ground, count)
    due = {referral_id(SOURCE, str(n)): one.due_at for n, one in enumerate(answered)}
    return _latencies(due, found, warm), _rate(due, [one.answered_at for one in answered])


async def start_chain(
    ground: Ground,
    everybody: Sequence[Cpts],
    who: Sequence[Cpts],
    start: Callable[[str], Served],
) -> tuple[dict[str, Served], Mapping[str, LogTopic]]:
    """The services of the chain, ready and with nothing left to do: the CPTS are known, and each of
    `who` has been offered a demand.
    """
    ground.create_databases()
    topics = await ground.make_topics()
    known = told_by_membership(everybody)
    await log.fill(ground.settings("membership"), topics["membership"], known)
    await demands.prepare(ground, who, len(who), are_sent=False)
    await _prepare_payments(ground, everybody)
    served = {name: start(name) for name in CHAIN}
    await asyncio.gather(*(one.ready() for one in served.values()))
    await until("the services have heard everything", lambda: is_settled(ground, topics))
    return served, topics


async def _prepare_payments(ground: Ground, everybody: Sequence[Cpts]) -> None:
    """The scale and the contract lines, which payments will announce when it starts."""
    settings = ground.settings("payments")
    await migrate(settings, PAYMENTS.schema)
    async with open_desk(PAYMENTS, settings) as desk:
        await publish_all_rates(desk)
        await set_lines(desk, everybody)


async def is_settled(ground: Ground, topics: Mapping[str, LogTopic]) -> bool:
    """Whether nothing is under way, asked in the order in which events go."""
    for consumer, producers in HEARS:
        for producer in producers:
            if producer in CHAIN and (await ask(ground.urls[producer], UNSENT))[0][0]:
                return False
            async with log.Ends(ground.stack.kafka, topics[producer]) as ends:
                end = await ends.count()
            if (await ask(ground.urls[consumer], HEARD, producer))[0][0] < end:
                return False
    return not (await ask(ground.urls["payments"], UNSENT))[0][0]


async def estimated(ground: Ground, count: int) -> dict[str, float]:
    """When the estimate that counts each acceptance was committed, in epoch seconds."""
    found: dict[str, float] = {}

    async def are_estimated() -> bool:
        for row in await ask(ground.urls["payments"], ESTIMATES, INDICATOR):
            found[row["subject"]] = row["committed_at"].timestamp()
        return len(found) >= count

    await until("every acceptance is in an estimate", are_estimated, every_seconds=0.5)
    return found


def _latencies(due: Mapping[Any, float], done: Mapping[Any, float], warm: float) -> list[float]:
    """Milliseconds from when each was due, those of the first seconds left out."""
    begins_at = min(due.values()) + warm
    return [1000 * (done[key] - at) for key, at in due.items() if at >= begins_at]


def _rate(due: Mapping[Any, float], done: Iterable[float]) -> float:
    """How many a second were done."""
    return len(due) / (max(done) - min(due.values()))


async def _bare(
    ground: Ground, rate: int, count: int, warm: float, seed: int
) -> tuple[list[float], float]:
    """The same of the bare chain."""
    ground.create_databases()
    topics = await ground.make_topics()
    hops = [topics[name].kafka_name for name in ("referrals", "indicators")]
    common = (ground.stack.kafka, PARTITIONS)
    last, middle, first = (ground.urls[name] for name in ("payments", "indicators", "referrals"))
    for url, heard, said in ((last, hops[1], "-"), (middle, hops[0], hops[1])):
        ground.start("tests.benchmarks.bare_chain", "pass-on", *common, url, heard, said)
        await until("the bare chain is up", lambda url=url: _is_up(url))  # type: ignore[misc]
    begin = ("begin", *common, first, hops[0], rate, count, seed)
    process = ground.start("tests.benchmarks.bare_chain", *begin)

    async def have_arrived() -> bool:
        return bool((await ask(last, "select count(*) >= $1 from hop", count))[0][0])

    await until("the bare chain has passed everything on", have_arrived, every_seconds=0.5)
    process.stop()
    due = {row["id"]: row["due_at"].timestamp() for row in await ask(first, DUE)}
    arrived = {row["id"]: row["committed_at"].timestamp() for row in await ask(last, DONE)}
    begun = [row["committed_at"].timestamp() for row in await ask(first, DONE)]
    return _latencies(due, arrived, warm), _rate(due, begun)


async def _is_up(url: str) -> bool:
    return bool((await ask(url, "select to_regclass('hop') is not null"))[0][0])
