"""A national year on the log: what referrals, indicators and payments said, demand by demand.

The log is what the services write under the load of a year, where each demand that counts changes
its figure and its account in a batch of its own: they are driven as far as the contracts, and the
rest is written as they would.
"""

import asyncio
import heapq
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, time, timedelta
from multiprocessing import get_context
from operator import attrgetter
from typing import Any

import msgspec

from contracts.departements import partition_of
from contracts.events.indicators import FactChange, FigureChanged
from contracts.events.referrals import (
    AppointmentCancelled,
    PlatformAppointmentReported,
    ReferralAccepted,
    ReferralReturned,
)
from contracts.recorded import Recorded, record
from contracts.topics import topic_of
from services.indicators.app import SERVICE as INDICATORS
from services.indicators.domain.days import local_day
from services.indicators.domain.figures import appointment_fact, referral_fact
from services.messaging.database import Connection
from services.messaging.declared import Service
from services.messaging.log import LogTopic
from services.messaging.migrations import migrate
from services.messaging.producer import open_producer
from services.messaging.settings import Settings
from services.messaging.unit import Desk, open_unit
from services.payments.app import SERVICE as PAYMENTS
from services.payments.domain import accounts as pricing
from services.payments.domain.accounts import Account
from services.payments.domain.scale import Rate
from services.payments.store import inputs
from tests.benchmarks import log
from tests.benchmarks.backlog import publish_all_rates, set_lines
from tests.benchmarks.cast import DEMANDS, DEPARTEMENTS, Cpts, cast, told_by_membership
from tests.benchmarks.ground import Ground, open_desk
from tests.benchmarks.tales import life

NATIONAL_DEMANDS = 20_000_000
DEMANDS_OF_A_CPTS = 25_000  # of the 800 or so in France: a part of the year has fewer, not smaller
DAYS = 340
# So little a demand that no envelope is reached: each one moves the cents.
CENTS_A_DEMAND, TARGET = 40, 1_000_000
WRITTEN = ("referrals", "indicators", "payments")
WRITERS = 2


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: how many demands and events, and what each CPTS must come to."""

    demands: int
    events: Mapping[str, int]
    counted: Mapping[str, int]
    everybody: Sequence[Cpts]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS with its demands, and where its figure and its account stand before them."""

    cpts: Cpts
    numbers: range
    figure: Recorded[FigureChanged]
    account: Account


async def write(ground: Ground, topics: Mapping[str, LogTopic], demands: int) -> Year:
    """Put a part of the national year on the log; the databases of the ground are used up."""
    of_each = max(1, round(demands / DEMANDS_OF_A_CPTS / DEPARTEMENTS))
    starts_on = datetime.now(UTC).date() - timedelta(days=DAYS + 10)
    everybody = [
        msgspec.structs.replace(one, starts_on=starts_on)
        for one in cast(starts_on, of_each=of_each)
    ]
    each = demands // len(everybody)
    parts, rates, opened = await _contracts(ground, topics, everybody, each)
    lots: list[list[Part]] = [[] for _ in range(WRITERS)]
    for part in parts:
        partition = partition_of(part.cpts.departement, topics["referrals"].partitions)
        lots[partition % WRITERS].append(part)
    settings = ground.settings("referrals")
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        told = await asyncio.gather(
            *(loop.run_in_executor(pool, _write_lot, settings, topics, lot, rates) for lot in lots)
        )
    return Year(
        demands=each * len(everybody),
        events={
            name: opened.get(name, 0) + sum(events[name] for events, _ in told) for name in WRITTEN
        },
        counted={cpts_id: n for _, counted in told for cpts_id, n in counted.items()},
        everybody=everybody,
    )


async def _contracts(
    ground: Ground, topics: Mapping[str, LogTopic], everybody: Sequence[Cpts], each: int
) -> tuple[list[Part], list[Rate], dict[str, int]]:
    """Let the services say all that comes before the first demand, and put it on the log."""
    membership = told_by_membership(everybody)
    await log.fill(ground.settings("membership"), topics["membership"], membership)
    for service in (INDICATORS, PAYMENTS):
        await migrate(ground.settings(service.name), service.schema)
    async with open_desk(INDICATORS, ground.settings("indicators")) as desk:
        await _hear(desk, INDICATORS, "membership", membership)
        figures = await _said(desk, "indicators")
    async with open_desk(PAYMENTS, ground.settings("payments")) as desk:
        await _hear(desk, PAYMENTS, "membership", membership)
        await publish_all_rates(desk)
        await set_lines(desk, everybody, CENTS_A_DEMAND * TARGET)
        await _hear(desk, PAYMENTS, "indicators", figures)
        prices = await _said(desk, "payments")
        async with desk.pool.acquire() as connection:
            accounts, rates = await _worth(connection, everybody)
    for name, said in (("indicators", figures), ("payments", prices)):
        await log.fill(ground.settings(name), topics[name], said)
    live = {
        (one.event.cpts_id, one.event.indicator, one.event.contract_year_starts_on): one
        for one in figures
    }
    parts = [
        Part(
            cpts=one,
            numbers=range(place * each, (place + 1) * each),
            figure=live[one.cpts_id, DEMANDS, one.starts_on],
            account=accounts[one.cpts_id],
        )
        for place, one in enumerate(everybody)
    ]
    return parts, rates, {"indicators": len(figures), "payments": len(prices)}


async def _hear(
    desk: Desk, service: Service, producer: str, events: Sequence[Recorded[Any]]
) -> None:
    handler = next(one.handler for one in service.hears if one.topic.producer == producer)
    async with open_unit(desk) as unit:
        await handler(unit, events)


async def _said(desk: Desk, producer: str) -> list[Recorded[Any]]:
    """All that a service has said so far, in its order."""
    event = topic_of(producer).event
    async with desk.pool.acquire() as connection:
        rows = await connection.fetch("select * from outbox order by position")
    names = [one.name for one in msgspec.structs.fields(Recorded) if one.name != "event"]
    return [
        Recorded(
            **{name: row[name] for name in names},
            event=msgspec.json.decode(row["body"], type=event),
        )
        for row in rows
    ]


async def _worth(
    connection: Connection, everybody: Sequence[Cpts]
) -> tuple[dict[str, Account], list[Rate]]:
    keys = {(one.cpts_id, one.starts_on): one.departement for one in everybody}
    accounts = await inputs.load_accounts(connection, keys)
    return {one.cpts_id: one for one in accounts}, await inputs.load_variable_rates(connection)


def _write_lot(
    settings: Settings, topics: Mapping[str, LogTopic], lot: Sequence[Part], rates: Sequence[Rate]
) -> tuple[dict[str, int], dict[str, int]]:
    """In a process of its own: write the year of some CPTS; answers how many events a topic, and
    how many demands each CPTS counts at the end.
    """
    return asyncio.run(_write_merged(settings, topics, lot, rates))


async def _write_merged(
    settings: Settings, topics: Mapping[str, LogTopic], lot: Sequence[Part], rates: Sequence[Rate]
) -> tuple[dict[str, int], dict[str, int]]:
    producer = await open_producer(settings)
    try:
        fillings = {name: log.Filling(producer, topics[name]) for name in WRITTEN}
        counted = {part.cpts.cpts_id: 0 for part in lot}
        years = [_year_of(part, rates, counted) for part in lot]
        for one in heapq.merge(*years, key=attrgetter("occurred_at")):
            await fillings[one.type.partition(".")[0]].add(one)
        for filling in fillings.values():
            await filling.end()
    finally:
        await producer.stop()
    return {name: filling.count for name, filling in fillings.items()}, counted


def _year_of(part: Part, rates: Sequence[Rate], counted: dict[str, int]) -> Iterator[Recorded[Any]]:
    """What is said of a CPTS's demands, in order of time, each with what follows from it."""
    figure, account = part.figure, part.account
    for heard in _in_time(part):
        yield heard
        change = _change(heard)
        if change is None:
            continue
        counted[part.cpts.cpts_id] += 1 if change.is_counted else -1
        figure = _figure(figure, heard, change)
        yield figure
        (touch,) = pricing.figure_touches([account], [figure])
        prices = pricing.reprice(account, rates, [touch])
        yield from prices
        assert touch.figure is not None
        account = msgspec.structs.replace(
            account,
            sequence=prices[-1].sequence,
            variable_cents=prices[0].event.variable_cents,
            figures={**account.figures, DEMANDS: touch.figure},
        )


def _in_time(part: Part) -> Iterator[Recorded[Any]]:
    first = datetime.combine(part.cpts.starts_on, time(8), UTC)
    step = timedelta(days=DAYS) / len(part.numbers)
    waiting: list[tuple[datetime, str, int, Recorded[Any]]] = []
    for place, number in enumerate(part.numbers):
        at = first + place * step
        while waiting and waiting[0][0] <= at:
            yield heapq.heappop(waiting)[-1]
        for one in life(number, part.cpts, at):
            heapq.heappush(waiting, (one.occurred_at, one.subject, one.sequence, one))
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _change(heard: Recorded[Any]) -> FactChange | None:
    """What the figure of demands says of its fact from this event on."""
    match heard.event:
        case ReferralAccepted(referral_id=id_, accepted_at=at):
            return FactChange(fact_id=referral_fact(id_), is_counted=True, from_on=local_day(at))
        case PlatformAppointmentReported(appointment_id=id_, status="booked", created_at=at):
            return FactChange(fact_id=appointment_fact(id_), is_counted=True, from_on=local_day(at))
        case AppointmentCancelled(referral_id=id_) | ReferralReturned(referral_id=id_):
            return FactChange(fact_id=referral_fact(id_), is_counted=False)
    return None


def _figure(
    before: Recorded[FigureChanged], heard: Recorded[Any], change: FactChange
) -> Recorded[FigureChanged]:
    event = msgspec.structs.replace(
        before.event,
        value=before.event.value + (1 if change.is_counted else -1),
        revision=before.event.revision + 1,
        facts=(change,),
    )
    (figure,) = record(
        [event],
        subject=before.subject,
        after_sequence=before.sequence,
        departement=before.departement,
        occurred_at=heard.occurred_at,
        cause=heard.as_cause(),
    )
    return figure
