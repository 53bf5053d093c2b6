"""From the outbox to the log: in order, by one process at a time, whatever happens to it."""

import asyncio
from collections import defaultdict
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
from msgspec.structs import replace

from services.messaging import outbox
from services.messaging import relay as relay_module
from services.messaging import unit as unit_module
from services.messaging.log import ensure_topics
from services.messaging.outbox import Lease
from services.messaging.process import running
from services.messaging.relay import Relay
from services.messaging.unit import open_unit
from tests.messaging.conftest import LIMITS
from tests.messaging.raw import counted, say_and_relay, until
from tests.messaging.toy import SPEAKER, THINGS

DEPARTEMENTS = ["93", "95", "75", "2A"]


def by_subject(records) -> dict[str, list[int]]:
    found = defaultdict(list)
    for record in records:
        headers = dict(record.headers)
        found[headers["ce_subject"].decode()].append(int(headers["ce_sequence"]))
    return found


async def test_what_many_writers_commit_out_of_order_leaves_in_each_aggregates_order(
    speaker, web, log
) -> None:
    """Twelve aggregates over four départements, many orders at once, positions interleaved."""

    async def life(subject: str, departement: str) -> None:
        for number in range(15):
            order = {"subject": subject, "number": number, "departement": departement}
            answer = await web.post("/things", json=order)
            assert answer.status_code == 201, answer.text

    await asyncio.gather(*(life(f"s{n}", DEPARTEMENTS[n % 4]) for n in range(12)))
    await speaker.relayed()
    records = await log.read()
    assert by_subject(records) == {f"s{n}": list(range(1, 16)) for n in range(12)}
    assert speaker.counters["relayed"] == 180


async def test_two_processes_write_and_one_of_them_relays_in_order(settings_of, log) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings) as one, running(SPEAKER, settings) as two:

        async def say(run, subject: str, number: int) -> None:
            async with open_unit(run.desk) as unit:
                await unit.connection.execute("select pg_advisory_xact_lock(hashtext($1))", subject)
                last = await unit.connection.fetchval(
                    "select sequence from thing where subject = $1", subject
                )
                await unit.announce([counted(subject, number, sequence=(last or 0) + 1)])

        await asyncio.gather(
            *(
                say(run, f"s{subject}", number)
                for number in range(20)
                for subject in range(3)
                for run in (one, two)
            )
        )
        await one.relayed()
        assert {one.counters["relayed"] > 0, two.counters["relayed"] > 0} == {True, False}
        assert one.counters["relayed"] + two.counters["relayed"] == 120
    found = by_subject(await log.read())
    assert found == {f"s{n}": list(range(1, 41)) for n in range(3)}


async def test_the_other_process_takes_over_when_the_one_that_relays_is_gone(
    settings_of, log
) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings) as stays:
        async with running(SPEAKER, settings) as goes:
            await until(lambda: _one_relays(stays, goes))
        await say_and_relay(stays, [counted("after", 1)])
    assert by_subject(await log.read())["after"] == [1]


async def test_whoever_lost_the_lease_cannot_mark(settings_of, log, stack) -> None:
    """A process is stopped between sending and marking, for longer than its lease lasts."""
    settings = settings_of("speaker")
    async with running(SPEAKER, settings):
        pass
    topic = (await ensure_topics(log.admin, settings, [THINGS]))["things"]
    connection = await asyncpg.connect(settings.database_url)
    zombie, successor = uuid4(), uuid4()
    rows = outbox.make_rows([counted("a", 1)], 4)
    (row,), _ = await outbox.add_rows(connection, rows, zombie)
    mark: Any = {"positions": [row["position"]], "topic": "things", "topic_id": topic.id}

    assert await outbox.take_lease(connection, zombie, 5) is Lease.TAKEN
    assert await outbox.take_lease(connection, zombie, 5) is Lease.RENEWED
    assert await outbox.take_lease(connection, successor, 5) is Lease.ANOTHERS, "one at a time"
    await connection.execute("update relay_lease set expires_at = clock_timestamp()")
    assert not await outbox.mark_rows(connection, holder=zombie, relayed={0: 1}, **mark)
    assert await outbox.take_lease(connection, successor, 5) is Lease.TAKEN
    assert not await outbox.mark_rows(connection, holder=zombie, relayed={0: 1}, **mark)
    assert await connection.fetchval(outbox.COUNT_UNSENT) == 1
    assert await outbox.mark_rows(connection, holder=successor, relayed={0: 1}, **mark)
    assert await connection.fetchval(outbox.COUNT_UNSENT) == 0
    await connection.close()


async def test_a_lease_that_ran_out_was_lost_even_when_nobody_else_took_it(
    settings_of, log
) -> None:
    """Whether somebody had it in between is not known: what memory holds counts no more."""
    settings = settings_of("speaker")
    async with running(SPEAKER, settings) as run:
        await say_and_relay(run, [counted("a", 1)])
        for times in (1, 2):
            await run.desk.pool.execute("update relay_lease set expires_at = '-infinity'")
            await until(partial(_has_lost_its_lease, run, times))
        await say_and_relay(run, [counted("a", 2, sequence=2)])
    assert by_subject(await log.read()) == {"a": [1, 2]}


async def _has_lost_its_lease(run, times: int) -> bool:
    return run.counters["leases_lost"] == times


async def test_a_round_that_lasts_longer_than_the_lease_is_sent_once(
    settings_of, log, monkeypatch
) -> None:
    """Another process waits for the lease; each part of the round takes most of the lease."""
    settings = settings_of("speaker")
    settings = replace(settings, limits=replace(settings.limits, lease_seconds=1))
    send: Any = Relay.send

    async def slow(relay, producer, rows) -> None:
        await asyncio.sleep(0.4)
        await send(relay, producer, rows)

    monkeypatch.setattr(relay_module, "MARK_ROWS_MAX", 10)
    monkeypatch.setattr(Relay, "send", slow)
    async with running(SPEAKER, settings) as one, running(SPEAKER, settings) as two:
        await say_and_relay(one, [counted(f"s{n}", 1) for n in range(80)])
        assert one.counters["leases_lost"] + two.counters["leases_lost"] == 0
    assert by_subject(await log.read()) == {f"s{n}": [1] for n in range(80)}


async def test_a_storm_in_one_partition_lets_the_others_pass_in_every_round(
    settings_of, log
) -> None:
    settings = settings_of("speaker")
    async with running(SPEAKER, settings):
        pass
    connection = await asyncpg.connect(settings.database_url)
    storm = [counted(f"s{n}", 1, departement="93") for n in range(500)]
    rows = outbox.make_rows([*storm, counted("calm", 1, departement="95")], 4)
    await outbox.add_rows(connection, rows, uuid4())
    taken = await outbox.take_rows(connection, 4, [], 50)
    assert len(taken) == 51
    assert taken[-1]["subject"] == "calm"
    assert [row["position"] for row in taken] == sorted(row["position"] for row in taken)
    await connection.close()


async def test_a_row_that_the_log_refuses_keeps_those_behind_it_in_its_partition(
    settings_of, speaker, log, monkeypatch, caplog
) -> None:
    """The second of five is refused once: the order in the log stays that of the outbox."""
    refused: list[int] = []
    send: Any = Relay._note_answers

    def note_answers(relay, rows, futures, sending):
        for row, future in zip(rows, futures, strict=False):
            if row["subject"] == "s1" and not refused:
                refused.append(row["position"])
                future.exception = lambda: RuntimeError("refused")
        return send(relay, rows, [_Answer(future) for future in futures], sending)

    monkeypatch.setattr(Relay, "_note_answers", note_answers)
    await say_and_relay(speaker, [counted(f"s{n}", 1) for n in range(5)])
    subjects = [dict(one.headers)["ce_subject"].decode() for one in await log.read()]
    first_seen = list(dict.fromkeys(subjects))
    assert first_seen == [f"s{n}" for n in range(5)]
    assert speaker.counters["relay_failures"] == 1
    assert "RuntimeError('refused')" in caplog.text


async def test_what_memory_holds_leaves_so_many_of_each_partition_at_a_time(
    settings_of, speaker
) -> None:
    """A storm of five in one partition, at most two at a time, lets another's one row pass."""
    limits = replace(LIMITS, relay_rows_per_partition=2)
    relay = Relay(
        settings_of("speaker", limits=limits),
        topic=speaker.own_topic,
        writer=uuid4(),
        health=speaker.health,
    )
    said = [counted(f"s{n}", 1, departement="93") for n in range(5)]
    rows = outbox.make_rows([*said, counted("calm", 1, departement="95")], 4)
    relay._waiting = {position: {**row, "position": position} for position, row in enumerate(rows)}
    rounds = [[row["subject"] for row in relay._take_waiting()] for _ in range(3)]
    assert rounds == [["s0", "s1", "calm"], ["s2", "s3"], ["s4"]]


async def test_who_waited_for_a_commit_whose_answer_is_late_does_not_leave_before_it(
    settings_of, speaker, log, monkeypatch
) -> None:
    """The first commit is done, and nobody has heard of it when the second one is over."""
    await until(lambda: _one_relays(speaker))
    commit = unit_module.commit
    first_is_done, second_is_over = asyncio.Event(), asyncio.Event()

    async def late(transaction) -> None:
        await commit(transaction)
        if not first_is_done.is_set():
            first_is_done.set()
            await second_is_over.wait()

    async def say(sequence: int) -> None:
        async with open_unit(speaker.desk) as unit:
            await unit.announce([counted("a", sequence, sequence=sequence)])

    monkeypatch.setattr(unit_module, "commit", late)
    first = asyncio.create_task(say(1))
    await first_is_done.wait()
    await say(2)
    await speaker.relayed()
    second_is_over.set()
    await first
    await speaker.relayed()
    assert list(dict.fromkeys(by_subject(await log.read())["a"])) == [1, 2]


async def test_a_relay_that_hangs_is_cut_off_and_the_service_stops_all_the_same(
    settings_of, monkeypatch
) -> None:
    hangs = asyncio.Event()

    async def hang(*_: Any) -> None:
        hangs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(relay_module, "STOP_SECONDS", 0.05)
    monkeypatch.setattr(Relay, "_step", hang)
    async with running(SPEAKER, settings_of("speaker")) as run:
        await hangs.wait()
    assert run.pool.is_closing()


class _Answer:
    def __init__(self, future) -> None:
        self.exception, self.result = future.exception, future.result


async def _one_relays(*runs) -> bool:
    return any(run.desk.relay._holds_lease for run in runs)
