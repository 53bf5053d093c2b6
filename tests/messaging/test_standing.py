"""Where a consumer stands: in its own database, in this very topic, and nowhere else."""

import asyncio
from uuid import UUID

import httpx
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.errors import KafkaError

from services.messaging import consumer as consumer_module
from services.messaging import running as running_module
from services.messaging.log import ensure_topics
from services.messaging.problems import NOT_READY
from services.messaging.process import running
from services.messaging.replaying import reread
from services.messaging.unit import open_unit
from tests.messaging.raw import counted, headers_of, until
from tests.messaging.starting import starting
from tests.messaging.toy import SPEAKER, THINGS, Listener


async def test_two_consumers_of_the_same_partitions_count_everything_once(
    log, settings_of, database, monkeypatch
) -> None:
    """Each has a group of its own, and so all partitions, as a zombie and its successor have: only
    the fence keeps them apart. Without it (`fence` made a plain update) the second copies every
    batch.
    """
    monkeypatch.setattr(consumer_module, "group_of", lambda settings: settings.member)
    everything = [settings_of("listener", member=f"{log.name}{n}") for n in range(2)]
    first, second = Listener(), Listener()
    async with (
        running(first.service(), everything[0]) as one,
        running(second.service(), everything[1]) as two,
    ):
        for n in range(60):
            await log.say(counted(f"s{n % 7}", 1, sequence=n // 7 + 1))
        await one.caught_up()
        await two.caught_up()
        await one.relayed()
        fenced = one.counters["fenced"] + two.counters["fenced"]
        assert one.counters["done"] + two.counters["done"] == 60
        assert one.counters["deduplicated"] + two.counters["deduplicated"] == 0
        assert fenced > 0, "they did overlap"
    assert await database.fetchval("select sum(number) from fact") == 60
    assert await database.fetchval("select count(*) from outbox") == 60


async def test_a_second_member_of_the_group_takes_its_share_and_nothing_is_lost(
    log, settings_of, database
) -> None:
    first, second = Listener(), Listener()
    departements = ["93", "95", "75", "2A", "06", "13"]
    async with running(first.service(), settings_of("listener")) as one:
        await log.say(*(counted(f"a{n}", 1, departement=departements[n % 6]) for n in range(30)))
        await one.caught_up()
        async with running(second.service(), settings_of("listener")) as two:

            async def both_take_part() -> bool:
                await log.say(
                    *(
                        counted(f"b{n}-{len(second.batches)}", 1, departement=departements[n])
                        for n in range(6)
                    )
                )
                return bool(second.batches)

            await until(both_take_part)
            await one.caught_up()
            assert two.health.is_ready
        await log.say(*(counted(f"c{n}", 1, departement=departements[n % 6]) for n in range(30)))
        await one.caught_up()
    said = {record.headers[1][1] for record in await log.read()}
    assert await database.fetchval("select count(*) from fact") == len(said)


async def test_a_restricted_consumer_reads_whole_partitions_and_says_which_others_come(
    log, settings_of, toy, database, caplog
) -> None:
    caplog.set_level("INFO")
    await log.say(counted("a", 1, departement="93"), counted("b", 1, departement="95"))
    codes = ["93", "94", "95", "2A", "75", "13"]
    await log.say(*(counted(f"of-{code}", 1, departement=code) for code in codes))
    async with running(toy.service(), settings_of("listener", departements=("93",))) as run:
        await run.caught_up()
        mine = run.assigned["things"]
    records = await log.read()
    expected = {
        dict(one.headers)["ce_subject"].decode() for one in records if one.partition in mine
    }
    facts = {row["subject"] for row in await database.fetch("select subject from fact")}
    assert facts == expected
    assert len(mine) == 1
    assert any(message.startswith("things: with 93 come: ") for message in caplog.messages)


async def test_a_topic_made_anew_turns_the_service_unready_until_the_command_is_run(
    log, settings_of, toy, database
) -> None:
    settings = settings_of("listener")
    await log.say(counted("a", 1))
    async with running(toy.service(), settings) as run:
        await run.caught_up()
    await log.admin.delete_topics([log.name])
    await until(lambda: _is_made_again(log))
    await log.say(counted("b", 1), counted("c", 1))
    async with running(toy.service(), settings) as run, httpx.AsyncClient(timeout=20) as web:
        trouble = await _until_unready(web, run.address, "made anew")
        assert trouble["command"] == "python -m services.listener reread --topic things"
        assert await database.fetchval("select count(*) from fact") == 1
        await reread(toy.service(), settings, "things")
        await run.caught_up()
        await until(lambda: _is_ready(run))
    assert await database.fetchval("select count(*) from fact") == 3


async def test_a_topic_made_anew_under_a_running_service_is_noticed(
    log, settings_of, toy, database
) -> None:
    await log.say(counted("a", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        await log.admin.delete_topics([log.name])
        await until(lambda: _is_made_again(log))
        await log.say(*(counted(f"n{n}", 1) for n in range(5)))

        async def says_so() -> bool:
            return any("made anew" in one.reason for one in run.health.troubles)

        await until(says_so)
    assert await database.fetchval("select count(*) from fact") == 1


async def test_the_own_topic_made_anew_under_a_running_service_is_noticed_and_nothing_leaves(
    log, settings_of, monkeypatch
) -> None:
    monkeypatch.setattr(running_module, "LOOK_AT_IDS_EVERY_SECONDS", 0.1)
    async with running(SPEAKER, settings_of("speaker")) as run:
        await log.admin.delete_topics([log.name])
        await until(lambda: _is_made_again(log))

        async def says_so() -> bool:
            return any("made anew: nothing leaves" in one.reason for one in run.health.troubles)

        await until(says_so)
        async with open_unit(run.desk) as unit:
            await unit.announce([counted("a", 1)])
        assert await run.pool.fetchval("select count(*) from outbox where sent_at is null") == 1
    assert await log.read() == []


async def test_partitions_added_to_the_own_topic_keep_the_service_from_starting(
    log, settings_of
) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings):
        pass
    await log.admin.create_partitions({log.name: NewPartitions(8)})
    async with starting(SPEAKER, settings) as web:
        trouble = await _until_unready(web, "", "has 8 partitions and had 4")
    assert "nobody may add partitions" in trouble["command"]


async def test_a_service_tells_why_it_does_not_start(settings_of) -> None:
    nowhere = settings_of("speaker", kafka="127.0.0.1:1")
    async with starting(SPEAKER, nowhere) as web:
        await _until_unready(web, "", "the broker is in trouble")
        answer = await web.post("/things", json={}, headers={"Acting-Role": "cpts"})
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
        assert answer.json()["detail"] == NOT_READY
        assert (await web.get("/health/live")).status_code == 200


async def test_a_stored_offset_past_the_end_turns_the_service_unready(
    log, settings_of, toy, database
) -> None:
    await log.say(counted("a", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
    await database.execute("update stored_offset set next_offset = 50 where topic = 'things'")
    async with (
        running(toy.service(), settings_of("listener")) as run,
        httpx.AsyncClient(timeout=20) as web,
    ):
        trouble = await _until_unready(web, run.address, "the stored offset is 50")
        assert "reread" in trouble["command"]
    assert await database.fetchval("select max(next_offset) from stored_offset") == 50


async def test_a_stored_offset_before_the_start_of_the_log_turns_the_service_unready(
    log, settings_of, toy, database
) -> None:
    await log.say(counted("a", 1), counted("b", 1))
    partition = (await log.read())[0].partition
    await log.admin.delete_records(
        {TopicPartition(log.name, partition): RecordsToDelete(before_offset=2)}
    )
    async with (
        running(toy.service(), settings_of("listener")) as run,
        httpx.AsyncClient(timeout=20) as web,
    ):
        await _until_unready(web, run.address, "holds 2 to 2, the stored offset is 0")
    assert await database.fetchval("select count(*) from fact") == 0


async def test_a_gap_inside_the_log_is_passed_and_counted(log, settings_of, toy, database) -> None:
    """A transaction's end leaves an offset without a record."""
    pen = AIOKafkaProducer(bootstrap_servers=log.settings.kafka, transactional_id=f"{log.name}-pen")
    await pen.start()
    for n in range(2):
        async with pen.transaction():
            await pen.send_and_wait(
                log.name,
                b'{"number":1}',
                key=b"93",
                headers=headers_of(counted(f"s{n}", 1)),
                partition=0,
            )
    await pen.stop()
    await log.say(counted("after", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await until(lambda: _holds(database, 3))
        await log.write(b'{"number":1}', headers_of(counted("later", 1)))
        await until(lambda: _holds(database, 4))
        assert run.counters["gaps"] >= 1
        assert run.counters["fenced"] == 0


async def test_kafka_committed_offsets_follow_for_whoever_watches_the_lag(
    log, settings_of, toy
) -> None:
    await log.say(counted("a", 1), counted("b", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        await until(lambda: _kafka_is_told(log, 2))


async def test_kafka_is_told_nothing_of_what_is_not_taken_and_follows_again_once_it_is(
    log, settings_of, toy, monkeypatch
) -> None:
    """The handler fails while the consumer looks, often; a stop in the middle tells nothing."""
    monkeypatch.setattr(consumer_module, "COMMIT_EVERY_SECONDS", 0.01)
    take = toy.on_things

    async def is_away(_unit, _events) -> None:
        raise ConnectionError("away")

    async def has_failed() -> bool:
        return run.counters["redelivered"] >= 2

    await log.say(counted("a", 1), counted("b", 1))
    handlers = [is_away]

    async def on_things(unit, events) -> None:
        await handlers[-1](unit, events)

    toy.on_things = on_things
    async with running(toy.service(), settings_of("listener")) as run:
        await until(has_failed)
    assert await _kafka_is_told(log, 0)
    async with running(toy.service(), settings_of("listener")) as run:
        await until(has_failed)
        handlers.append(take)
        await run.caught_up()
        await until(lambda: _kafka_is_told(log, 2))


async def _kafka_is_told(log, count: int) -> bool:
    """Whether the offsets that the listener committed to Kafka stand after `count` records."""
    offsets = await log.admin.list_consumer_group_offsets(f"{log.settings.namespace}listener")
    return sum(max(one.offset, 0) for one in offsets.values()) == count


async def _is_made_again(log) -> bool:
    try:
        topics = await ensure_topics(log.admin, log.settings, [THINGS])
        await asyncio.wait_for(log.pen.client._wait_on_metadata(log.name), 5)
    except (KafkaError, TimeoutError):
        return False
    return topics["things"].id != UUID(int=0)


async def _until_unready(web, address: str, why: str) -> dict:
    found: list[dict] = []

    async def is_unready() -> bool:
        ready = await web.get(f"{address}/health/ready")
        found.extend(one for one in ready.json()["troubles"] if why in one["reason"])
        return ready.status_code == 503 and bool(found)

    await until(is_unready)
    return found[0]


async def _is_ready(run) -> bool:
    return run.health.is_ready


async def _holds(database, count: int) -> bool:
    return await database.fetchval("select count(*) from fact") == count
