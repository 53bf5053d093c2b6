"""From a backup to a service that decides again: what it may do on the way, and what it may not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest

from services.messaging import replaying
from services.messaging.process import Running, Service, running
from services.messaging.settings import Settings
from services.messaging.unit import NotLive, open_unit
from tests.messaging.raw import counted, until
from tests.messaging.toy import POISON, SPEAKER

SYSTEM = {"Acting-Role": "system"}


@asynccontextmanager
async def starting(service: Service, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A service that is still on its way up, as seen over HTTP; stopped at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = msgspec.structs.replace(settings, http_port=port)
    stop = asyncio.Event()

    async def run() -> None:
        async with running(service, settings):
            await stop.wait()

    task = asyncio.create_task(run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as web:

        async def serves() -> bool:
            try:
                return (await web.get("/health/live")).status_code == 200
            except httpx.ConnectError:
                return False

        try:
            await until(serves)
            yield web
        finally:
            stop.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def says(web: httpx.AsyncClient, why: str) -> bool:
    """Whether the service gives this reason for not being ready."""
    ready = await web.get("/health/ready")
    return any(why in one["reason"] for one in ready.json()["troubles"])


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
