"""What becomes of a message: done, breach, not now. Kafka and PostgreSQL are real."""

from uuid import uuid4

import asyncpg
import httpx
import msgspec

from contracts.departements import partition_of
from services.messaging.batch import TRIES
from services.messaging.codec import Breach
from services.messaging.consumer import Consumer
from services.messaging.dead_letters import KeptRecord, add_dead_letters
from services.messaging.process import running
from services.messaging.waiting import Backoff
from tests.messaging.raw import counted, headers_of, until
from tests.messaging.toy import POISON


async def totals(database) -> dict[str, int]:
    rows = await database.fetch("select subject, number from total")
    return {row["subject"]: row["number"] for row in rows}


async def test_a_duplicate_in_the_same_batch_or_in_a_later_one_changes_nothing(
    log, settings_of, toy, database
) -> None:
    one = counted("a", 5)
    await log.say(one, one, counted("b", 2))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        assert len(toy.batches) == 1, "the pair came in one batch"
        await log.say(one)
        await run.caught_up()
        assert run.counters["deduplicated"] == 2
        await run.relayed()
        assert run.counters["relayed"] == 2
    assert await totals(database) == {"a": 5, "b": 2}


async def test_one_poison_message_costs_one_dead_letter_and_a_replay_heals_it(
    log, settings_of, toy, database
) -> None:
    await log.say(*(counted(f"s{n}", n) for n in range(1, 6)), counted("bad", POISON))
    await log.say(*(counted(f"s{n}", n) for n in range(6, 9)))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        assert len(await totals(database)) == 8
        async with httpx.AsyncClient(base_url=run.address, timeout=20) as web:
            (letter,) = (await web.get("/dead-letters")).json()["items"]
            assert "I stumble" in letter["reason"]
            assert letter["type"] == "things.Counted.v1"
            replay = f"/dead-letters/{letter['id']}/replay"
            assert letter["departement"] == "93"
            system = {"Acting-Role": "system"}
            night = system | {"Acting-Person": "astreinte-7"}
            again = await web.post(replay, headers=night)
            assert (again.status_code, again.json()["reason"]) == (409, "still_fails")
            assert "I stumble" not in again.text, "what a handler says may quote the message"
            toy.stumbles_over.clear()
            keyed = system | {"Idempotency-Key": "replayed-once"}
            first = await web.post(replay, headers=keyed)
            resent = await web.post(replay, headers=keyed)
            assert (first.status_code, first.json()["is_replayed"]) == (200, True)
            assert (resent.status_code, resent.content) == (200, first.content)
            assert resent.headers["Idempotent-Replay"] == "true"
            assert (await web.get("/dead-letters")).json()["items"] == []
            twice = await web.post(replay, headers=system)
            assert (twice.status_code, twice.json()["reason"]) == (409, "already_replayed")
            assert (await web.post("/dead-letters/999/replay", headers=system)).status_code == 404
            audit = (await web.get("/dead-letters/replays")).json()["items"]
            assert [(one["letter_id"], one["asked_by"], one["outcome"]) for one in audit] == [
                (letter["id"], None, "already_replayed"),
                (letter["id"], None, "replayed"),
                (letter["id"], "astreinte-7", "still_fails"),
            ]
            assert {(one["topic"], one["type"]) for one in audit} == {
                ("things", "things.Counted.v1")
            }
    assert (await totals(database))["bad"] == POISON


GOOD = b'{"number":1}'
UNDECODABLE: list[tuple[dict[str, bytes | None], bytes, str]] = [
    # headers changed, body, why it is a breach
    ({"ce_subject": b"\xff\xfe"}, GOOD, "UnicodeDecodeError"),
    ({"ce_id": None}, GOOD, "ce_id"),
    ({"ce_type": None}, GOOD, "ce_type"),
    ({"ce_id": b"not-a-uuid"}, GOOD, "Invalid UUID"),
    ({"ce_time": b"2026-03-02T08:30:00"}, GOOD, "without offset"),
    ({}, b"{", "DecodeError"),
    ({}, b"", "DecodeError"),
    ({}, b'{"type":"things.Counted.v1","number":"12"}', "Expected `int`, got `str`"),
    # a value that does not fit may name a patient: it is kept in the body, and said nowhere
    ({}, b'{"type":"M. d\'Arc","number":12}', "ValidationError: Invalid value '…' - at `$.type`"),
    ({"ce_cause": b"a\x00b"}, b"\x00", "DecodeError"),
    ({"ce_recordedat": None}, GOOD, "ce_recordedat"),
    ({"ce_recordedat": b"1772440200"}, GOOD, "ce_recordedat: an instant without offset"),
    ({"ce_specversion": b"9"}, GOOD, "CloudEvents 9"),
    ({"ce_source": b"/services/stranger"}, GOOD, "not by /services/speaker"),
    ({"ce_source": None}, GOOD, "ce_source"),
    ({"ce_subject": b""}, GOOD, "no subject"),
    ({"ce_sequence": b"0"}, GOOD, "the sequence 0"),
    ({"ce_sequence": b"-1"}, GOOD, "the sequence -1"),
    ({"ce_sequence": b"1.0"}, GOOD, "the sequence 1.0"),
    ({"ce_sequence": b"9223372036854775808"}, GOOD, "the sequence 9223372036854775808"),
]


async def test_a_record_that_cannot_be_decoded_is_kept_whole_and_delays_nobody(
    log, settings_of, toy, database
) -> None:
    for number, (changes, body, _) in enumerate(UNDECODABLE):
        headers = headers_of(counted(f"bad{number}", 1), **changes)
        await log.write(body, headers, partition=partition_of("93", 4))
        await log.say(counted(f"good{number}", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        assert run.counters["breaches"] == len(UNDECODABLE)
    assert len(await totals(database)) == len(UNDECODABLE)
    kept = await database.fetch("select reason, body, headers from dead_letter order by id")
    for row, (_, body, reason) in zip(kept, UNDECODABLE, strict=True):
        assert reason in row["reason"]
        assert row["body"] == body
    assert '{"name": "ce_subject", "base64": "//4="}' in kept[0]["headers"]


async def test_a_record_under_no_departement_is_a_breach(log, settings_of, toy, database) -> None:
    await log.write(b'{"number":1}', headers_of(counted("a", 1)), key=b"1000")
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        assert run.counters["breaches"] == 1
    assert "1000" in await database.fetchval("select reason from dead_letter")


async def test_types_of_no_interest_and_unknown_fields_are_tolerated(
    log, settings_of, toy, database
) -> None:
    one = counted("a", 1)
    await log.write(
        b'{"type":"things.Counted.v1","number":7,"colour":"blue"}',
        [*headers_of(one), ("x-more", b"\xff")],
    )
    unheard = headers_of(one, ce_type=b"things.Unheard.v9", ce_subject=b"\xff")
    await log.write(b"whatever", unheard)
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
        assert run.counters["unknown_type"] == 1
        assert run.counters["breaches"] == 0
    assert await totals(database) == {"a": 7}


async def test_trouble_of_the_database_waits_and_the_batch_comes_back(
    log, settings_of, toy, database, monkeypatch
) -> None:
    failures = [asyncpg.CannotConnectNowError("away")] * 2
    seen_ill: list[bool] = []
    handle = toy.on_things

    async def on_things(unit, events) -> None:
        await handle(unit, events)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(toy, "on_things", on_things)
    async with running(toy.service(), settings_of("listener")) as run:
        await until(lambda: well(run))
        await log.say(counted("a", 3))

        async def is_ill() -> bool:
            seen_ill.append(not run.health.is_ready)
            return seen_ill[-1]

        await until(is_ill)
        await run.caught_up()
        await until(lambda: well(run))
        assert run.counters["rolled_back"] == 2
        assert run.counters["redelivered"] == 2
        assert run.counters["breaches"] == 0
    assert await totals(database) == {"a": 3}


async def test_trouble_that_lasts_is_waited_out_longer_and_longer_and_unready_meanwhile(
    log, settings_of, toy, database, monkeypatch
) -> None:
    waits: list[int] = []
    ready_meanwhile: list[bool] = []
    handle = toy.on_things

    async def wait(backoff) -> None:
        backoff._failures += 1
        waits.append(backoff._failures)

    async def on_things(unit, events) -> None:
        await handle(unit, events)
        if len(waits) < 5:
            ready_meanwhile.append(run.health.is_ready)
            raise asyncpg.LockNotAvailableError("locked")

    monkeypatch.setattr(Backoff, "wait", wait)
    monkeypatch.setattr(toy, "on_things", on_things)
    async with running(toy.service(), settings_of("listener")) as run:
        await until(lambda: well(run))
        await log.say(counted("a", 3))
        await run.caught_up()
        await until(lambda: well(run))
    assert waits == [1, 2, 3, 4, 5]
    assert ready_meanwhile[:TRIES] == [True] * TRIES, "until it has failed"
    assert not any(ready_meanwhile[TRIES:])
    assert await totals(database) == {"a": 3}


async def test_who_counts_an_aggregates_events_wrongly_costs_one_dead_letter(
    log, settings_of, toy, database, monkeypatch
) -> None:
    """A handler that says a sequence twice would collide for ever: that is a bug, not a meeting."""
    total = toy.total

    async def wrongly(unit, one) -> None:
        await total(unit, one)
        if one.subject == "bad":
            await total(unit, counted(one.subject, 2, id="another cause"))

    monkeypatch.setattr(toy, "total", wrongly)
    await log.say(counted("a", 1), counted("bad", 1), counted("b", 2))
    async with running(toy.service(), settings_of("listener")) as run:
        await run.caught_up()
    assert await totals(database) == {"a": 1, "b": 2}
    assert "SequenceTaken" in await database.fetchval("select reason from dead_letter")


async def test_a_batch_that_is_lost_between_the_poll_and_us_is_read_again(
    log, settings_of, toy, database, monkeypatch
) -> None:
    take = Consumer.take
    lost: list[int] = []

    async def forgetful(consumer, items) -> None:
        if not lost:
            lost.append(len(items))
            return
        await take(consumer, items)

    monkeypatch.setattr(Consumer, "take", forgetful)
    await log.say(counted("a", 1))
    async with running(toy.service(), settings_of("listener")) as run:
        await until(lambda: _has(lost))
        await log.say(counted("b", 2))
        await run.caught_up()
        assert run.counters["gaps"] == 0
    assert await totals(database) == {"a": 1, "b": 2}


async def _has(found: list[int]) -> bool:
    return bool(found)


async def test_a_letter_of_a_topic_that_is_no_longer_heard_is_not_replayed(
    listener, database
) -> None:
    await until(lambda: well(listener))
    record = KeptRecord(topic="old", partition=0, offset=7, key=None, value=b"", headers=())
    await database.execute("insert into stored_offset values ('old', 0, gen_random_uuid(), 8)")
    await add_dead_letters(database, {"old": "old"}, [(record, Breach("why", None))])
    letter = await database.fetchval("select id from dead_letter")
    async with httpx.AsyncClient(base_url=listener.address, timeout=20) as web:
        answer = await web.post(f"/dead-letters/{letter}/replay", headers={"Acting-Role": "system"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "topic_not_heard")


async def well(run) -> bool:
    return run.health.is_ready


async def test_breach_after_breach_stops_the_line_and_keeps_the_offset(
    log, settings_of, toy, database
) -> None:
    for n in range(9):
        await log.write(b"{", headers_of(counted(f"bad{n}", 1)))
    async with running(toy.service(), settings_of("listener")) as run:

        async def has_stopped() -> bool:
            return any("breaches in a row" in one.reason for one in run.health.troubles)

        await until(has_stopped)
        async with httpx.AsyncClient(base_url=run.address, timeout=20) as web:
            ready = await web.get("/health/ready")
            assert ready.status_code == 503
            commands = {one["part"]: one["command"] for one in ready.json()["troubles"]}
            assert "restart" in commands["consumer"]
            assert (await web.get("/health/live")).status_code == 200
    stored = await database.fetchval(
        "select next_offset from stored_offset where topic = 'things' and partition = 0"
    )
    letters = await database.fetchval("select count(*) from dead_letter")
    assert stored == letters == 6, "those up to the one too many are kept, the others still ahead"


async def test_a_dead_letter_of_a_topic_made_anew_is_another_one(listener, database) -> None:
    """The same offset, in another topic of the same name: the old record stays what it was."""
    record = KeptRecord(topic="things", partition=0, offset=7, key=None, value=b"old", headers=())
    names = {"things": "things"}
    await until(lambda: well(listener))
    await add_dead_letters(database, names, [(record, Breach("the old one", None))])
    await database.execute("update stored_offset set topic_id = $1", uuid4())
    again = msgspec.structs.replace(record, value=b"new")
    for _ in range(2):
        await add_dead_letters(database, names, [(again, Breach("the new one", None))])
    kept = await database.fetch("select body, reason from dead_letter order by id")
    assert [tuple(row) for row in kept] == [(b"old", "the old one"), (b"new", "the new one")]
