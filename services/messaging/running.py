"""One service up in this process: what starts, in which order, and how it stops."""

import asyncio
import logging
from collections import Counter  # noqa: TC003
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from litestar.types import ASGIApp  # noqa: TC002

from services.messaging.batch import Hearing
from services.messaging.clock import Clock, read_clock
from services.messaging.codec import Codec, Decoder
from services.messaging.consumer import LOOK_AT_IDS_EVERY_SECONDS, Consumer
from services.messaging.database import Pool, is_not_now, open_pool, open_reading_pool
from services.messaging.declared import Service
from services.messaging.health import Health, supervised
from services.messaging.log import (
    LogTopic,
    describe_topics,
    ensure_topics,
    open_admin,
    read_bounds,
)
from services.messaging.migrations import migrate
from services.messaging.offsets import (
    LogMismatch,
    check_partitions,
    how_to_reread,
    load_offsets,
)
from services.messaging.outbox import COUNT_UNSENT
from services.messaging.relay import Relay
from services.messaging.replaying import (
    catch_up_own,
    desk_for,
    open_reader,
    topics_of,
)
from services.messaging.restoring import end_restore, is_restore_under_way
from services.messaging.settings import Settings
from services.messaging.sharing import Share, companions, partitions_for
from services.messaging.timers import run_timers
from services.messaging.unit import Desk, Mode
from services.messaging.waiting import Backoff
from services.messaging.web import make_app, serving

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.02


class Running:
    """A service that runs in this process."""

    def __init__(self, settings: Settings, service: Service, desk: Desk, clock: Clock) -> None:
        self.settings, self.service, self.desk, self.clock = settings, service, desk, clock
        self.topics: Mapping[str, LogTopic] = {}
        self.hearing: Hearing | None = None  # until schema and topics are as they must be
        self.codec: Codec | None = None
        self.pool: Pool = desk.pool
        self.counters: Counter[str] = desk.counters
        self.health = Health(desk.meters)
        self.app: ASGIApp  # as soon as it is served
        self.address = ""
        self.more_addresses: dict[str, str] = {}  # of listeners beside HTTP, by their names
        self.assigned: dict[str, tuple[int, ...]] = {}  # what it wants to hear, by topic
        self.share: Share | None = None  # what it has of that, once it consumes

    @property
    def own_topic(self) -> LogTopic:
        """The topic that this service alone writes."""
        return self.topics[self.service.topic.name]

    async def caught_up(self, limit_seconds: float | None = 30.0) -> None:
        """Wait until every partition heard is committed up to the end its log had at the call.

        TimeoutError after `limit_seconds`; None waits as long as it takes.
        """
        heard = {(name, number) for name, numbers in self.assigned.items() for number in numbers}
        await self._committed(heard, limit_seconds)

    async def all_caught_up(self) -> None:
        """Wait, as long as it takes, for the partitions that other processes hear, too."""
        async with self.pool.acquire() as connection:
            stored = await load_offsets(connection, self.assigned)
        heard = {(name, number) for name, numbers in self.assigned.items() for number in numbers}
        await self._committed(heard | stored.keys(), limit_seconds=None)

    async def _committed(
        self, heard: Collection[tuple[str, int]], limit_seconds: float | None
    ) -> None:
        partitions = {
            TopicPartition(self.topics[name].kafka_name, number): (name, number)
            for name, number in heard
        }
        async with asyncio.timeout(limit_seconds), open_reader(self.settings) as consumer:
            bounds = await read_bounds(consumer, partitions)
            while True:
                async with self.pool.acquire() as connection:
                    stored = await load_offsets(connection, self.assigned)
                if all(
                    where in stored and stored[where].next_offset >= bounds[one].end
                    for one, where in partitions.items()
                ):
                    return
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def relayed(self, limit_seconds: float = 30.0) -> None:
        """Wait until everything announced has left and is marked. TimeoutError after the limit."""
        async with asyncio.timeout(limit_seconds):
            while await self.pool.fetchval(COUNT_UNSENT):  # noqa: ASYNC110 - another's rows too
                await asyncio.sleep(LOOK_EVERY_SECONDS)


def assignment(
    settings: Settings, service: Service, topics: Mapping[str, LogTopic]
) -> dict[str, tuple[int, ...]]:
    """The partitions that this process is for, by topic; other processes may read some of them."""
    assigned = {}
    for hears in service.hears:
        count = topics[hears.topic.name].partitions
        numbers = tuple(range(count))
        if settings.departements is not None and not hears.is_read_in_full:
            numbers = partitions_for(settings.departements, count)
        assigned[hears.topic.name] = numbers
    return assigned


async def make_schema_and_topics(service: Service, settings: Settings) -> dict[str, LogTopic]:
    """Schema and topics as this version wants them; the topics by their names in the contracts."""
    count = await migrate(settings, service.schema)
    if count:
        log.info("%s: %s migrations applied", service.name, count)
    admin = await open_admin(settings)
    try:
        return await ensure_topics(admin, settings, topics_of(service))
    finally:
        await admin.close()


async def prepare(run: Running) -> None:
    """Schema and topics made or found, and the partitions as the database knows them."""
    run.topics = await make_schema_and_topics(run.service, run.settings)
    own = run.own_topic
    async with run.pool.acquire() as connection:
        await check_partitions(connection, own)
    run.desk.partitions = own.partitions
    run.hearing, run.codec = hearing_of(run)


@asynccontextmanager
async def running(
    service: Service, settings: Settings, clock: Clock | None = None
) -> AsyncIterator[Running]:
    """The service, up in this process: HTTP, which tells why it is not ready; schema and topics,
    the own topic caught up, then relay, consumer and timers. Stops all of it at the end, between
    two batches.
    """
    clock = clock or read_clock(is_production=settings.is_production)
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings)
        stack.push_async_callback(close_pool, pool)
        reading = await open_reading_pool(settings)
        stack.push_async_callback(close_pool, reading)
        run = Running(settings, service, desk_for(service, pool, Mode.LIVE), clock)
        run.desk.is_catching_up = True
        # At the end, in this order: the consumer, HTTP, the timers, the relay, the pool.
        relay_stop = AsyncExitStack()
        stack.push_async_callback(relay_stop.aclose)
        tasks: list[asyncio.Task[None]] = []
        stack.push_async_callback(stop_tasks, tasks)
        for part in ("start", "own topic", "relay"):
            run.health.starts(part)
        run.desk.meters.is_live = not clock.is_driven
        app = make_app(run, reading, clock)
        stack.push_async_callback(app.state.scraper.close)
        run.app = app if service.around is None else service.around(app)
        run.address = await stack.enter_async_context(
            serving(run.app, settings.http_host, settings.http_port)
        )
        for listener in service.listeners:
            await stack.enter_async_context(listener(run))
        await patiently(run, "start", lambda: prepare(run))
        run.health.is_well("start")
        await patiently(run, "own topic", lambda: catch_up(run))
        run.health.is_well("own topic")
        relay = Relay(settings, topic=run.own_topic, writer=run.desk.writer, health=run.health)
        relay_stop.push_async_callback(relay.stop)
        run.desk.relay = relay
        if not run.desk.is_catching_up:
            relay.start()
        if service.hears:
            await patiently(run, "consumer", lambda: start_consumer(run, stack))
        if run.desk.is_catching_up:
            await finish_restore(run, clock)
            relay.start()
        tasks.append(supervised(watch_own_topic(run, relay), "own topic", run.health))
        tasks.append(
            supervised(
                run_timers(run.desk, service.timers, clock, run.health), "timers", run.health
            )
        )
        tasks += [asyncio.create_task(keep_at(run, work)) for work in service.background]
        yield run


async def catch_up(run: Running) -> None:
    """What the own topic holds and the database does not; a restore goes on from there."""
    await catch_up_own(run.service, run.settings, run.desk, run.own_topic, is_restore=True)
    run.desk.is_catching_up = await is_restore_under_way(run.desk)


async def watch_own_topic(run: Running, relay: Relay) -> None:
    """Notice the own topic made anew: what leaves from then on would be without its past."""
    own = run.own_topic
    async with AsyncExitStack() as stack:
        admin = None  # opened in the loop: the broker may be away just then
        while True:
            await asyncio.sleep(LOOK_AT_IDS_EVERY_SECONDS)
            try:
                if admin is None:
                    admin = await open_admin(run.settings)
                    stack.push_async_callback(admin.close)
                current = (await describe_topics(admin, run.settings, [own.name]))[own.name]
            except (KafkaError, OSError):
                continue
            if current.id != own.id:
                relay.halt()
                why = f"topic {own.kafka_name} was made anew: nothing leaves for it"
                command = f"{how_to_reread(run.service.name, own)}, then restart the service"
                log.error("%s; run: %s", why, command)
                run.health.is_ill("own topic", why, command)
                return


async def finish_restore(run: Running, clock: Clock) -> None:
    """After a restore, wait until the others' topics are heard to their ends, by every process:
    until then nothing leaves for the log, no timer fires, no order is taken and the service is not
    ready. Then the service derives what it has heard.
    """
    why = "restored from a backup: the others' topics are not yet heard to their ends"
    log.warning(why)
    run.health.is_ill("restore", why)
    await patiently(run, "restore", run.all_caught_up)
    await patiently(
        run, "restore", lambda: end_restore(run.desk, run.service.look_again, clock.now())
    )
    run.health.is_well("restore")


def hearing_of(run: Running) -> tuple[Hearing, Codec]:
    """What the consumer and the replay of dead letters share."""
    hears = run.service.hears
    names = {run.topics[one.topic.name].kafka_name: one.topic.name for one in hears}
    codec = Codec(
        {
            run.topics[one.topic.name].kafka_name: Decoder(one.topic, one.understands)
            for one in hears
        }
    )
    hearing = Hearing(
        desk=run.desk,
        hears=hears,
        names=names,
        breaches_max=run.settings.limits.breaches_in_a_row,
    )
    return hearing, codec


async def patiently(run: Running, part: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Do a step of the start, again and again while the database or the broker is away, or until
    the stored offsets are set right.
    """
    backoff = Backoff(run.settings.limits.wait_seconds_max)
    while True:
        try:
            await work()
        except LogMismatch as error:
            log.error("%s; run: %s", error, error.command)  # noqa: TRY400 - no trace needed
            run.health.is_ill(part, str(error), error.command)
            await backoff.wait()
        except Exception as error:
            if not is_not_now(error):
                raise
            log.warning("%s waits: %r", part, error)
            run.health.is_failing(part, error)
            await backoff.wait()
        else:
            return


async def start_consumer(run: Running, stack: AsyncExitStack) -> None:
    """The consumer, consuming; the stack will stop it."""
    settings, service = run.settings, run.service
    assert run.hearing is not None, "the service is prepared"
    assert run.codec is not None, "the service is prepared"
    run.assigned = assignment(settings, service, run.topics)
    heard = {hears.topic.name: run.topics[hears.topic.name] for hears in service.hears}
    if settings.departements is not None:
        asked = ", ".join(settings.departements)
        for name, numbers in run.assigned.items():
            others = companions(settings.departements, numbers, heard[name].partitions)
            log.info("%s: with %s come: %s", name, asked, ", ".join(others) or "no other")
    async with AsyncExitStack() as attempt:  # one that fails leaves nothing open
        admin = await open_admin(settings)
        attempt.push_async_callback(admin.close)
        consumer = Consumer(
            settings,
            hearing=run.hearing,
            topics=heard,
            codec=run.codec,
            admin=admin,
            health=run.health,
        )
        run.share = consumer.share
        attempt.push_async_callback(consumer.stop)
        await consumer.start()
        stack.push_async_callback(attempt.pop_all().aclose)


async def keep_at(run: Running, work: Callable[[Running], Awaitable[None]]) -> None:
    """Do a service's background work; when it fails, say so and begin it again."""
    part = getattr(work, "__name__", "background work")
    backoff = Backoff(run.settings.limits.wait_seconds_max)
    while True:
        try:
            await work(run)
        except Exception as error:
            log.exception("%s failed", part)
            run.health.is_failing(part, error)
            await backoff.wait()
            run.health.is_well(part)
        else:
            return


async def stop_tasks(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def close_pool(pool: Pool) -> None:
    """Close the pool; connections still busy after a while are cut."""
    try:
        await asyncio.wait_for(pool.close(), STOP_SECONDS)
    except TimeoutError:
        pool.terminate()
