"""P1: how fast a service takes a backlog, beside the bare loop that executes the same SQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from contracts.departements import departements_by_code
from contracts.events.payments import ContractLineSet
from contracts.recorded import Cause, Recorded
from contracts.topics import topic_of
from deploy.local.stack import Stack
from services.indicators.app import SERVICE as INDICATORS
from services.messaging.declared import Service
from services.messaging.hearing import Hears
from services.messaging.log import LogTopic
from services.messaging.migrations import migrate
from services.messaging.offsets import add_missing_offsets
from services.messaging.timers import Due
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.app import SERVICE as PAYMENTS
from services.payments.app import publish_new_rates
from services.payments.domain.accounts import Account
from tests.benchmarks import log, recording
from tests.benchmarks.cast import MAX_CENTS, Cpts, cast, lines_of, told_by_membership
from tests.benchmarks.ground import (
    HOLD_RELAY,
    NOBODY,
    BenchFailed,
    Ground,
    Process,
    ask,
    open_desk,
    opened,
)
from tests.benchmarks.measuring import Figure, Sample, Sizes, Wanted
from tests.benchmarks.tales import growing_figures, lives

ALL = ",".join(departements_by_code())
DONE = "select coalesce(sum(next_offset), 0)::bigint from stored_offset where topic = $1"
# What must be equal on both sides at the end, whatever the batches were.
OUTCOMES = {
    "indicators": """
        select count(*), sum(value), (select count(*) from referral) from figure
    """,
    "payments": """
        select sum(variable_cents), (select count(*) from estimate),
               (select count(*) from ledger_entry), (select count(*) from figure_fact) from account
    """,
}

Prepare = Callable[[Desk, Sequence[Cpts]], Awaitable[None]]


class Backlog:
    """A service with its database before the backlog, and the events of the backlog."""

    def __init__(self, service: Service, producer: str, events: list[Recorded[Any]]) -> None:
        self.service, self.events = service, events
        self.topic = topic_of(producer)
        self.hears = self.heard(producer)

    def heard(self, producer: str) -> Hears:
        """What the service does with a topic."""
        return next(one for one in self.service.hears if one.topic.producer == producer)


async def indicators(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P1-indicators, run by run."""
    everybody = cast(datetime.now(UTC).date())
    backlog = Backlog(INDICATORS, "referrals", lives(everybody, sizes.events))
    async for sample in _measured(stack, folder, backlog, everybody, runs):
        yield {INDICATORS_FIGURE.id: sample}


async def payments(stack: Stack, folder: Path, sizes: Sizes, runs: int) -> AsyncIterator[Any]:
    """The samples of P1-payments, run by run."""
    everybody = cast(datetime.now(UTC).date())
    backlog = Backlog(PAYMENTS, "indicators", growing_figures(everybody, sizes.figures))
    async for sample in _measured(stack, folder, backlog, everybody, runs):
        yield {PAYMENTS_FIGURE.id: sample}


INDICATORS_FIGURE = Figure(id="P1-indicators", unit="events/s", wanted=Wanted(at_least=0.85))
PAYMENTS_FIGURE = Figure(id="P1-payments", unit="events/s", wanted=Wanted(at_least=0.85))


async def _measured(
    stack: Stack, folder: Path, backlog: Backlog, everybody: Sequence[Cpts], runs: int
) -> AsyncIterator[Sample]:
    name = backlog.service.name
    async with opened(stack, folder) as ground:
        ground.create_databases()
        topics = await ground.make_topics()
        topic = topics[backlog.topic.name]
        await log.fill(ground.settings(backlog.topic.producer), topic, backlog.events)
        await prepare(ground, backlog, topic, everybody)
        url = ground.copy_database(name)
        transactions = await recording.record_batches(
            backlog.service, ground.settings(name, url), backlog.hears, topic, len(backlog.events)
        )
        ground.drop_database(url)
        path = recording.write(ground.folder / "transactions", transactions)
        bare = (stack.kafka, topic.kafka_name, topic.partitions, topic.name)
        for _ in range(runs):
            url = ground.copy_database(name)
            served = ground.start_service(name, "--departements", ALL, url=url)
            ours, outcome = await watched(backlog, url, served.process)
            served.process.stop()
            ground.drop_database(url)
            url = ground.copy_database(name)
            process = ground.start("tests.benchmarks.bare_loop", *bare, url, path)
            baseline, same = await watched(backlog, url, process)
            ground.drop_database(url)
            if outcome != same:
                raise BenchFailed(f"{name} came to {outcome}, the bare loop to {same}")
            yield Sample(ours=ours, baseline=baseline)


async def watched(backlog: Backlog, url: str, process: Process) -> tuple[float, tuple[Any, ...]]:
    """Events a second by the stored offsets, and what came of them."""
    connection = await asyncpg.connect(url)
    try:

        async def done() -> int:
            return int(await connection.fetchval(DONE, backlog.topic.name))

        rate = await log.rate_to(len(backlog.events), done, process, process.name)
    finally:
        await connection.close()
    (outcome,) = await ask(url, OUTCOMES[backlog.service.name])
    return rate, tuple(outcome)


async def prepare(
    ground: Ground, backlog: Backlog, topic: LogTopic, everybody: Sequence[Cpts]
) -> None:
    """The service's database as it is before the backlog: its relay held off by another's lease."""
    service = backlog.service
    settings = ground.settings(service.name)
    await migrate(settings, service.schema)
    async with open_desk(service, settings) as desk:
        async with open_unit(desk) as unit:
            await backlog.heard("membership").handler(unit, told_by_membership(everybody))
        if service is PAYMENTS:
            await publish_all_rates(desk)
            await set_lines(desk, everybody)
        async with desk.pool.acquire() as connection:
            await add_missing_offsets(connection, topic, range(topic.partitions))
            await connection.execute("update outbox set sent_at = clock_timestamp()")
            await connection.execute(HOLD_RELAY, NOBODY)
            await connection.execute("vacuum analyze")


async def publish_all_rates(desk: Desk) -> None:
    """Publish the scale, as the timer of payments does."""
    due = Due(now=datetime.now(UTC), limit=1000)
    async with open_unit(desk) as unit:
        await publish_new_rates(unit, due)


def _always(line: ContractLineSet) -> Callable[[Account], list[ContractLineSet]]:
    return lambda _account: [line]


async def set_lines(desk: Desk, everybody: Sequence[Cpts], max_cents: int = MAX_CENTS) -> None:
    """Set the contract lines of every account."""
    for one in everybody:
        for number, line in enumerate(lines_of(one, max_cents)):
            cause = Cause(id=f"order:line:{one.cpts_id}:{number}", recorded_at=datetime.now(UTC))
            async with open_unit(desk) as unit:
                key = (line.cpts_id, line.contract_year_starts_on)
                await handlers.set_lines(unit, key, one.departement, _always(line), cause)
