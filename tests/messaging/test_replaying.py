"""State from the log: a shadow that equals the live one, a backup that catches up, a trace kept."""

import os
import signal
import subprocess
import sys
from uuid import uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from services.messaging.process import running
from services.messaging.replaying import rebuild
from services.messaging.unit import open_unit
from tests.messaging.conftest import LIMITS
from tests.messaging.raw import Log, counted, headers_of, say_and_relay, until
from tests.messaging.starting import says, starting
from tests.messaging.toy import SPEAKER, TOTALS

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def tables(connection, schema: str) -> dict[str, list[tuple]]:
    return {
        table: [
            tuple(row)
            for row in await connection.fetch(f'select * from "{schema}".{table} order by 1, 2')
        ]
        for table in ("fact", "total")
    }


async def test_a_service_rebuilt_in_a_shadow_schema_equals_the_live_one_and_says_nothing(
    log, settings_of, toy, database, caplog
) -> None:
    """In several batches; it tells how much it read."""
    caplog.set_level("INFO")
    settings = settings_of("listener", limits=replace(LIMITS, batch_records=20))
    async with running(toy.service(), settings) as run:
        for sequence in range(1, 6):
            await log.say(*(counted(f"s{n}", n * sequence, sequence) for n in range(10)))
            await run.caught_up()
        await run.relayed()
    async with Log.opened(settings, TOTALS) as totals:
        said = len(await totals.read())
        await rebuild(toy.service(), settings, "shadow")
        assert len(await totals.read()) == said
    assert f"shadow rebuilt: {said} own records, 50 heard" in caplog.text
    live, shadow = await tables(database, "public"), await tables(database, "shadow")
    assert len(live["fact"]) == 50
    assert shadow == live
    assert await database.fetchval("select count(*) from shadow.outbox") == 0


async def test_a_backup_catches_up_with_what_the_service_had_said_since(
    log, settings_of, speaker
) -> None:
    """The backup is a template copy; what was said after it exists in the log alone."""
    settings = settings_of("speaker")

    async def say(subject: str, sequence: int) -> None:
        async with open_unit(speaker.desk) as unit:
            await unit.announce([counted(subject, sequence * 10, sequence)])

    await say("a", 1)
    await say("b", 1)
    await speaker.relayed()
    before = await speaker.pool.fetch("select * from thing order by 1")
    offsets = await speaker.pool.fetch("select * from stored_offset")
    outbox = await speaker.pool.fetch("select id, sent_at from outbox")
    await say("a", 2)
    await say("c", 1)
    await speaker.relayed()
    after = await speaker.pool.fetch("select * from thing order by 1")

    # Put the database back to where the backup was taken.
    restored = await asyncpg.connect(settings.database_url)
    await restored.execute("truncate thing, stored_offset")
    said_before = [row["id"] for row in outbox]
    await restored.execute("delete from outbox where not id = any($1)", said_before)
    await restored.execute("alter table history disable trigger only_grows")
    await restored.execute("delete from history where not id = any($1)", said_before)
    await restored.executemany("insert into thing values ($1, $2, $3)", [tuple(r) for r in before])
    await restored.executemany(
        "insert into stored_offset values ($1, $2, $3, $4)", [tuple(row) for row in offsets]
    )
    async with running(SPEAKER, settings) as again:
        assert await again.pool.fetch("select * from thing order by 1") == after
        assert again.counters["own_events"] == 2
        await again.relayed()
    assert len(await log.read()) == 4, "nothing is said twice"
    await restored.close()


async def test_a_process_killed_between_sending_and_marking_says_nothing_twice_on_its_return(
    log, settings_of
) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings) as run:
        await say_and_relay(run, [counted("a", 1)])
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute("update outbox set sent_at = null")
    await connection.execute("update stored_offset set next_offset = 0")
    await connection.close()
    async with running(SPEAKER, settings) as run:
        await run.relayed()
        assert run.counters["relayed"] == 0
        assert run.counters["own_events"] == 0
    assert len(await log.read()) == 1


async def test_an_own_record_that_nobody_can_read_is_put_aside_at_the_start(
    log, settings_of
) -> None:
    """The service never said it: somebody else wrote into its topic."""
    settings = settings_of("speaker")
    async with running(SPEAKER, settings) as run:
        await say_and_relay(run, [counted("a", 1)])
    await log.write(b"{", headers_of(counted("b", 1)))
    await log.say(counted("c", 1))
    async with running(SPEAKER, settings) as run:
        things = await run.pool.fetch("select subject from thing order by 1")
        assert [row["subject"] for row in things] == ["a", "c"]
        letter = await run.pool.fetchrow("select topic, reason from dead_letter")
        assert (letter["topic"], letter["reason"][:11]) == ("things", "DecodeError")


async def test_a_version_older_than_its_own_topic_does_not_start(log, settings_of) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings):
        pass
    later = headers_of(counted("a", 1), ce_type=b"things.Painted.v1")
    await log.write(b'{"type":"things.Painted.v1"}', later)
    async with starting(SPEAKER, settings) as web:
        await until(lambda: says(web, "things.Painted.v1, is of a later version"))


async def test_a_trace_goes_from_the_order_through_the_log_to_what_follows_from_it(
    speaker, listener, web, log, settings_of
) -> None:
    await web.post("/things", json={"subject": "a", "number": 1}, headers={"traceparent": TRACE})
    await speaker.relayed()
    await listener.caught_up()
    await listener.relayed()
    (thing,) = await log.read()
    headers = dict(thing.headers)
    assert headers["traceparent"].decode().split("-")[1] == TRACE.split("-")[1]
    assert headers["ce_source"] == b"/services/speaker"
    assert headers["content-type"] == b"application/json"
    async with Log.opened(settings_of("listener"), TOTALS) as totals:
        (total,) = await totals.read()
    derived = dict(total.headers)
    assert derived["traceparent"] == headers["traceparent"]
    assert derived["ce_cause"] == headers["ce_id"]
    assert derived["ce_time"] == headers["ce_time"]
    assert total.key == thing.key == b"93"


async def test_a_process_stops_cleanly_on_sigterm(settings_of, log) -> None:
    settings = settings_of("speaker")
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka,
        "CPTS_NAMESPACE": settings.namespace,
        "CPTS_PARTITIONS": "4",
        "CPTS_LOG": "json",
    }
    code = (
        "from services.messaging.process import main; "
        "from tests.messaging.toy import SPEAKER; main(SPEAKER)"
    )
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "serves at" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=30)[1]
    finally:
        process.kill()
    assert process.returncode == 0
    assert "speaker stops" in rest
    assert "Traceback" not in rest


async def test_what_is_announced_again_is_neither_said_nor_applied_again(
    speaker, monkeypatch
) -> None:
    one = counted("a", 7)
    applied: list[str] = []

    async def apply(_connection, events) -> None:
        applied.extend(event.subject for event in events)

    monkeypatch.setattr(speaker.desk, "apply", apply)
    for _ in range(2):
        async with open_unit(speaker.desk) as unit:
            await unit.announce([one])
    await say_and_relay(speaker, [one, counted("b", 1)])
    assert speaker.counters["relayed"] == 2
    assert applied == ["a", "b"]


@pytest.mark.parametrize("schema", ["public", "lived_in"])
async def test_a_rebuild_refuses_a_schema_that_is_in_use(
    listener, settings_of, toy, database, schema
) -> None:
    await database.execute("create schema lived_in")
    await database.execute("create table lived_in.stored_offset as table stored_offset")
    await database.execute("insert into lived_in.stored_offset values ('x', 0, $1, 1)", uuid4())
    with pytest.raises(SystemExit, match=f"schema {schema} is in use"):
        await rebuild(toy.service(), settings_of("listener"), schema)
