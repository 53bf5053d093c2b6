"""State from the log: a restored database catches up with its own topic, a shadow is built anew.

Both apply a service's own events before they hear the others', derive nothing meanwhile, and look
once at the end whether what was heard gives anything else than what was said.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.recorded import Recorded
from services.messaging import outbox
from services.messaging.batch import Hearing, take_batch
from services.messaging.clock import Clock, read_clock
from services.messaging.codec import Breach, Codec, Decoder, Unknown
from services.messaging.database import Pool, connect, open_pool
from services.messaging.dead_letters import add_dead_letters
from services.messaging.declared import Service
from services.messaging.log import LogTopic, ensure_topics, open_admin, read_bounds
from services.messaging.meters import Meters
from services.messaging.migrations import migrate
from services.messaging.offsets import (
    LogMismatch,
    Move,
    add_missing_offsets,
    adopt_offsets,
    check_bounds,
    check_topic,
    fence,
    load_offsets,
    lock_offsets,
)
from services.messaging.restoring import begin_restore, derive_again
from services.messaging.settings import Settings
from services.messaging.telemetry import Item
from services.messaging.unit import Desk, Mode, open_unit

log = logging.getLogger(__name__)

FETCH_BYTES = 4_194_304
BATCH_RECORDS = 10_000
"""Of a rebuild: nobody waits for its transactions, and what is said of one thing meets in one."""
UNLOGGED = """
    do $$ declare name text; begin loop
        select relname into name from pg_class as one
        where relkind = 'r' and relpersistence = 'p' and relnamespace = current_schema::regnamespace
          and not exists (
              select from pg_constraint join pg_class as other on other.oid = conrelid
              where contype = 'f' and confrelid = one.oid and conrelid <> confrelid
                and other.relpersistence = 'p')
        limit 1;
        exit when not found;
        execute format('alter table %I set unlogged', name);
    end loop; end $$
"""
"""After a crash a rebuild begins anew, so its tables need no write-ahead log; those that refer to
others come first."""
POLL_MS = 1000


@asynccontextmanager
async def open_reader(
    settings: Settings, fetch_bytes: int = FETCH_BYTES
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside any group, that fetches so many bytes of a partition at once."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        client_id=f"cpts-{settings.service}-replay",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=fetch_bytes,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def read_to_end(
    settings: Settings, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> AsyncGenerator[list[Any]]:
    """The records of these partitions from `starts` up to `ends`, in batches."""
    open_ = {one for one in starts if starts[one] < ends[one]}
    if not open_:
        return
    async with open_reader(settings) as consumer:
        consumer.assign(list(open_))
        for one in open_:
            consumer.seek(one, starts[one])
        while open_:
            polled = await consumer.getmany(
                timeout_ms=POLL_MS, max_records=settings.limits.batch_records
            )
            batch = [
                record
                for one, records in polled.items()
                for record in records
                if record.offset < ends[one]
            ]
            if batch:
                yield batch
            for one in list(open_):
                if await consumer.position(one) >= ends[one]:
                    open_.discard(one)
                    consumer.pause(one)


async def read_ahead(batches: AsyncGenerator[list[Any]], codec: Codec) -> AsyncIterator[list[Item]]:
    """Batches of records with what they say; the next one is read and decoded while the one before
    is worked on: the database is busy then, not this process.
    """

    async def take() -> list[Item] | None:
        batch = await anext(batches, None)
        return None if batch is None else codec.decode_records(batch)

    coming = asyncio.ensure_future(take())
    try:
        while (batch := await coming) is not None:
            coming = asyncio.ensure_future(take())
            yield batch
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await batches.aclose()


async def apply_own(
    desk: Desk, topic: LogTopic, items: Sequence[tuple[Any, Any]], *, is_restore: bool
) -> None:
    """Apply a batch of the service's own events and move its own-topic offsets, in one transaction.

    An event that the history holds was applied before the backup; in a restore it also counts as
    sent, since the log has it. Offsets that the relay of another process has moved on stay there.
    A record that cannot be read becomes a dead letter: the service never said it.

    Raises `LogMismatch` for a type that this version does not know: a later one said it, and what
    it means would be lost.
    """
    ends = {record.partition: record.offset + 1 for record, _ in items}
    for record, said in items:
        if isinstance(said, Unknown):
            raise LogMismatch(
                f"own event {record.partition}/{record.offset}, {said.type}, is of a later version",
                f"start the version of {desk.name} that said it, or a later one",
            )
    breaches = [(record, said) for record, said in items if isinstance(said, Breach)]
    said = [said for _, said in items if isinstance(said, Recorded)]
    events = in_sequence(outbox.each_once(said))
    async with open_unit(desk) as unit:
        if is_restore:
            # Before the offsets are locked: the relay marks in this order, too.
            await unit.connection.execute(outbox.MARK_SEEN, [event.id for event in events])
        stands = await lock_offsets(unit.connection, topic.name, ends)
        moves = [
            Move(topic.name, partition, stands[partition], end)
            for partition, end in ends.items()
            if stands[partition] < end
        ]
        await fence(unit.connection, moves)
        if breaches:
            unit.count("breaches", len(breaches))
            await add_dead_letters(unit.connection, {topic.kafka_name: topic.name}, breaches)
        new = await outbox.keep_only(unit.connection, outbox.make_rows(events, desk.partitions))
        fresh = [event for event in events if event.id in new]
        if fresh:
            if is_restore:
                await begin_restore(unit.connection)
            await desk.apply(unit.connection, fresh)
        unit.count("own_events", len(fresh))


def in_sequence(events: Sequence[Recorded[Any]]) -> list[Recorded[Any]]:
    """Events in the log's order, but those of an aggregate among themselves in their own: one that
    changed département lies in two partitions, and these are read side by side.
    """
    by_subject: defaultdict[str, list[Recorded[Any]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.sequence):
        by_subject[event.subject].append(event)
    turns = {subject: iter(own) for subject, own in by_subject.items()}
    return [next(turns[event.subject]) for event in events]


async def catch_up_own(
    service: Service, settings: Settings, desk: Desk, topic: LogTopic, *, is_restore: bool
) -> int:
    """Apply what the service's own topic holds beyond the stored own-topic offset.

    At an ordinary start that is what left and was not yet marked. After a restore it is all that
    was said since the backup. Raises `LogMismatch` when the topic is not the stored one.
    """
    partitions = [TopicPartition(topic.kafka_name, number) for number in range(topic.partitions)]
    async with open_reader(settings) as consumer:
        bounds = await read_bounds(consumer, partitions)
    async with desk.pool.acquire() as connection:
        await add_missing_offsets(connection, topic, range(topic.partitions))
        stored = await load_offsets(connection, [topic.name])
    for one in partitions:
        offset = stored[topic.name, one.partition]
        check_topic(service.name, topic, offset)
        check_bounds(service.name, topic, one.partition, offset, bounds[one])
    starts = {one: stored[topic.name, one.partition].next_offset for one in partitions}
    ends = {one: bounds[one].end for one in partitions}
    codec = Codec({topic.kafka_name: Decoder(service.topic, service.topic.event_classes())})
    count = 0
    async for batch in read_ahead(read_to_end(settings, starts, ends), codec):
        await apply_own(desk, topic, batch, is_restore=is_restore)
        count += len(batch)
    if count:
        log.info("own topic: %d records read", count)
    return count


async def hear_again(
    service: Service, settings: Settings, desk: Desk, topics: Mapping[str, LogTopic]
) -> int:
    """Give the handlers all that the foreign topics hold beyond the stored offsets."""
    if not service.hears:
        return 0  # aiokafka 0.14 raises CancelledError from a reader stopped before it has read
    heard = {hears.topic.name: hears for hears in service.hears}
    partitions = [
        TopicPartition(topics[name].kafka_name, number)
        for name in heard
        for number in range(topics[name].partitions)
    ]
    async with open_reader(settings) as consumer:
        bounds = await read_bounds(consumer, partitions)
    async with desk.pool.acquire() as connection:
        for name in heard:
            await add_missing_offsets(connection, topics[name], range(topics[name].partitions))
        stored = await load_offsets(connection, heard)
    names = {topics[name].kafka_name: name for name in heard}
    starts = {one: stored[names[one.topic], one.partition].next_offset for one in partitions}
    codec = Codec(
        {
            topics[name].kafka_name: Decoder(one.topic, one.understands)
            for name, one in heard.items()
        }
    )
    hearing = Hearing(
        desk=desk,
        hears=service.hears,
        names=names,
        breaches_max=settings.limits.breaches_in_a_row,
        positions={(one.topic, one.partition): offset for one, offset in starts.items()},
    )
    count = 0
    ends = {one: bounds[one].end for one in partitions}
    async for batch in read_ahead(read_to_end(settings, starts, ends), codec):
        await take_batch(hearing, batch)
        count += len(batch)
    return count


async def rebuild(
    service: Service, settings: Settings, schema: str, clock: Clock | None = None
) -> None:
    """Build the service's state anew from the log, in a schema of its own that must be empty:
    SystemExit when it is the live one or was built before.

    Its own topic first, through `apply`; then the foreign topics, through the handlers; then what
    follows from them, at the time of `clock`. Nothing is announced, no timer fires. It stops where
    the logs ended when it began.
    """
    await refuse_schema_in_use(settings, schema)
    limits = msgspec.structs.replace(settings.limits, batch_records=BATCH_RECORDS)
    settings = msgspec.structs.replace(settings, limits=limits)
    admin = await open_admin(settings)
    try:
        topics = await ensure_topics(admin, settings, topics_of(service))
    finally:
        await admin.close()
    await migrate(settings, service.schema, schema)
    pool = await open_pool(settings, schema)
    try:
        await pool.execute(UNLOGGED)
        own = topics[service.topic.name]
        desk = desk_for(service, pool, Mode.REBUILD, own.partitions)
        applied = await catch_up_own(service, settings, desk, own, is_restore=False)
        heard = await hear_again(service, settings, desk, topics)
        clock = clock or read_clock(is_production=settings.is_production)
        await derive_again(desk, service.look_again, clock.now())
        log.info("%s rebuilt: %d own records, %d heard", schema, applied, heard)
    finally:
        await pool.close()


async def refuse_schema_in_use(settings: Settings, schema: str) -> None:
    """Raise SystemExit for the live schema and for one that offsets are stored in."""
    is_used = schema == "public"
    connection = await connect(settings)
    try:
        table = f'"{schema}".stored_offset'
        if not is_used and await connection.fetchval("select to_regclass($1)", table):
            is_used = await connection.fetchval(f"select exists (select from {table})")  # noqa: S608
    finally:
        await connection.close()
    if is_used:
        raise SystemExit(f"the schema {schema} is in use: name one that does not exist yet")


async def reread(service: Service, settings: Settings, topic_name: str) -> None:
    """Take a topic as the cluster has it now and read it again from its start.

    What was heard before changes nothing when it is heard again.
    """
    wanted = [topic for topic in topics_of(service) if topic.name == topic_name]
    if not wanted:
        raise SystemExit(f"{service.name} does not use the topic {topic_name}")
    admin = await open_admin(settings)
    try:
        topics = await ensure_topics(admin, settings, wanted)
    finally:
        await admin.close()
    topic = topics[topic_name]
    partitions = [TopicPartition(topic.kafka_name, number) for number in range(topic.partitions)]
    async with open_reader(settings) as consumer:
        bounds = await read_bounds(consumer, partitions)
    pool = await open_pool(settings)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await adopt_offsets(
                connection, topic, {one.partition: bounds[one].start for one in partitions}
            )
    finally:
        await pool.close()


def topics_of(service: Service) -> list[Any]:
    """The topics that a service writes and reads."""
    return [service.topic, *(hears.topic for hears in service.hears)]


def desk_for(service: Service, pool: Pool, mode: Mode, partitions: int = 0) -> Desk:
    """The desk of one process; a live one can announce once it is given a relay and `partitions`,
    which its own topic has.
    """
    return Desk(
        pool,
        name=service.name,
        apply=service.apply,
        writer=uuid4(),
        partitions=partitions,
        relay=None,
        mode=mode,
        meters=Meters(service.durations),
    )
