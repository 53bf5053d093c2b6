"""From a backup to a service that decides again: what it may do on the way, and what it may not."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from contracts.recorded import Cause, Recorded, record
from services.messaging import replaying
from services.messaging import restoring as restoring_module
from services.messaging.outbox import COUNT_UNSENT
from services.messaging.process import Running, Service, running
from services.messaging.replaying import reread
from services.messaging.settings import Settings
from services.messaging.unit import NotLive, Unit, open_unit
from tests.desks import empty_tables
from tests.messaging.conftest import LIMITS
from tests.messaging.raw import AT, Log, counted, until
from tests.messaging.starting import says, starting
from tests.messaging.toy import POISON, SPEAKER, TOTALS, Listener, Totalled

SYSTEM = {"Acting-Role": "system"}


async def test_a_dead_letter_is_not_replayed_before_what_it_leads_to_can_be_said(
    log, settings_of, toy, database
) -> None:
    """The own topic does not fit the stored offsets, so that nothing is announced yet."""
    settings = settings_of("listener")
    await log.say(counted("bad", POISON))
    async with running(toy.service(), settings) as run:
        await run.caught_up()
    toy.stumbles_over.clear()
    await database.execute("update stored_offset set next_offset = 50 where topic = 'totals'")
    async with starting(toy.service(), settings) as web:
        await until(lambda: says(web, "the stored offset is 50"))
        letter = await database.fetchval("select id from dead_letter")
        answer = await web.post(f"/dead-letters/{letter}/replay", headers=SYSTEM)
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
    assert await database.fetchval("select count(*) from history") == 0
    await database.execute("update stored_offset set next_offset = 0 where topic = 'totals'")
    async with running(toy.service(), settings) as run:
        async with httpx.AsyncClient(base_url=run.address, timeout=20) as web:
            answer = await web.post(f"/dead-letters/{letter}/replay", headers=SYSTEM)
        assert answer.status_code == 200
        await run.relayed()
        assert run.counters["relayed"] == 1


async def test_a_live_service_without_a_relay_cannot_announce(speaker: Running) -> None:
    speaker.desk.relay, relay = None, speaker.desk.relay
    with pytest.raises(NotLive):
        async with open_unit(speaker.desk) as unit:
            await unit.announce([counted("a", 1)])
    speaker.desk.relay = relay
    assert await speaker.pool.fetchval("select count(*) from history") == 0


async def test_a_second_process_starts_while_the_first_one_marks_what_it_sends(
    settings_of, speaker, log, monkeypatch
) -> None:
    """The relay moves the own-topic offsets between their reading and the first batch."""
    for number in range(3):
        async with open_unit(speaker.desk) as unit:
            await unit.announce([counted(f"s{number}", 1)])
    await speaker.relayed()
    await speaker.pool.execute("update stored_offset set next_offset = 0")
    read = replaying.read_to_end

    async def read_to_end(settings, starts, ends):
        async for batch in read(settings, starts, ends):
            await speaker.pool.execute(
                "update stored_offset set next_offset = 2 where partition = $1",
                batch[0].partition,
            )
            yield batch

    monkeypatch.setattr(replaying, "read_to_end", read_to_end)
    async with running(SPEAKER, settings_of("speaker")) as second:
        assert second.counters["own_events"] == 0
        assert await second.pool.fetchval("select max(next_offset) from stored_offset") == 3
    assert len(await log.read()) == 3


async def test_own_events_of_one_aggregate_apply_in_its_order_whatever_the_logs_order(
    log, settings_of, monkeypatch
) -> None:
    """An aggregate that changed département lies in two partitions, which are read side by side."""
    applied: list[tuple[str, int]] = []

    async def apply(_connection, events) -> None:
        applied.extend((one.subject, one.sequence) for one in events)

    await log.say(counted("a", 1, sequence=2), counted("b", 1), counted("a", 1, sequence=1))
    service = msgspec.structs.replace(SPEAKER, apply=apply)
    async with running(service, settings_of("speaker")):
        assert applied == [("a", 1), ("b", 1), ("a", 2)]


async def lose_everything(database) -> None:
    """The backup is as old as can be: the state after it is in the logs alone."""
    await empty_tables(database)


class Halting(Listener):
    """A listener whose database is away as soon as it hears of one subject."""

    def __init__(self) -> None:
        super().__init__()
        self.halts_at: str | None = None
        self.looked: list[bool] = []

    async def on_things(self, unit: Unit, events: Sequence[Recorded[Any]]) -> None:
        if any(one.subject == self.halts_at for one in events):
            raise asyncpg.CannotConnectNowError("away")
        await super().on_things(unit, events)

    async def look(self, unit: Unit, cause: Cause, after: str) -> str | None:
        self.looked.append(await unit.hears_the_past())
        if after == "":
            return "second part"
        made = record(
            [Totalled(revision=1, number=0)],
            subject="held",
            after_sequence=0,
            departement="93",
            occurred_at=AT,
            cause=cause,
        )
        await unit.announce(made)
        return None

    def service(self) -> Service:
        return msgspec.structs.replace(super().service(), look_again=self.look)


@pytest.fixture
async def restoring(log, settings_of, database) -> tuple[Halting, Settings]:
    """A listener that said one total, lost its database, and has two more things to hear, the
    second of which it will stop at.
    """
    halting = Halting()
    limits = msgspec.structs.replace(LIMITS, batch_records=1, partition_records=1)
    settings = settings_of("listener", limits=limits)
    await log.say(counted("a", 1))
    async with running(halting.service(), settings) as run:
        await run.caught_up()
        await run.relayed()
        assert halting.looked == [], "no restore"
    await lose_everything(database)
    await log.say(counted("b", 1), counted("c", 1))
    halting.halts_at = "c"
    return halting, settings


async def test_a_restore_that_was_interrupted_is_still_one_at_the_next_start(
    restoring, database
) -> None:
    halting, settings = restoring
    for _ in range(2):
        async with starting(halting.service(), settings) as web:
            await until(partial(says, web, "CannotConnectNowError"))
            assert await says(web, "restored from a backup")
            assert await database.fetchval("select count(*) from history") > 0
    halting.halts_at = None
    async with running(halting.service(), settings) as run:
        await until(lambda: is_ready(run))
        assert await database.fetchval("select count(*) from total") == 4
    assert halting.looked == [False, False], "the service looked at both parts, as one that derives"
    async with running(halting.service(), settings):
        assert halting.looked == [False, False]


async def test_nothing_leaves_before_a_restore_has_heard_the_others_and_then_all_of_it_does(
    restoring, database
) -> None:
    halting, settings = restoring
    async with (
        Log.opened(settings, TOTALS) as totals,
        starting(halting.service(), settings) as web,
    ):
        await until(lambda: says(web, "CannotConnectNowError"))
        assert await database.fetchval(COUNT_UNSENT) == 1, "b was never said before"
        assert await database.fetchval("select count(*) from relay_lease") == 0
        assert len(await totals.read()) == 1
        halting.halts_at = None

        async def has_left() -> bool:
            return len(await totals.read()) == 4

        await until(has_left)


async def is_ready(run: Running) -> bool:
    return run.health.is_ready


async def test_an_own_topic_that_did_not_fit_is_looked_at_again_once_it_is_set_right(
    settings_of, toy, database, log
) -> None:
    settings = settings_of("listener")
    async with running(toy.service(), settings):
        pass
    await database.execute("update stored_offset set next_offset = 50 where topic = 'totals'")
    async with starting(toy.service(), settings) as web:
        await until(lambda: says(web, "the stored offset is 50"))
        await reread(toy.service(), settings, "totals")

        async def answers() -> bool:
            return (await web.get("/health/ready")).status_code == 200

        await until(answers)


async def test_what_one_process_keeps_while_another_ends_the_restore_is_looked_at(
    listener, database
) -> None:
    """The look waits for a transaction that keeps without deriving, in whatever process."""
    await until(lambda: is_ready(listener))
    desk = listener.desk
    await database.execute("insert into restore values (1)")
    desk.is_catching_up = True
    seen: list[int] = []

    async def look(unit: Unit, cause: Cause, after: str) -> None:
        seen.append(await unit.connection.fetchval("select count(*) from fact"))

    async with open_unit(desk) as unit:
        assert await unit.hears_the_past()
        ending = asyncio.create_task(restoring_module.end_restore(desk, look, AT))
        await unit.connection.execute("insert into fact values ('a', 1, 1)")
        await until(lambda: waits_for_a_lock(database))
        assert seen == []
    await ending
    assert seen == [1]
    async with open_unit(desk) as unit:
        assert not await unit.hears_the_past()


async def waits_for_a_lock(database) -> bool:
    waiting = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"
    return bool(await database.fetchval(waiting))
