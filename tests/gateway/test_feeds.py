"""Agendas that are read from the address of a calendar: goal, that they follow it, that what goes
wrong is shown and loses nothing, and that no address leads inside.

Method: a server of calendars on loopback, which the gateway of these tests may read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from services.gateway.domain.feeds import Problem, is_address_allowed, is_feed_allowed, wait_seconds
from services.gateway.outside.fetching import Fetched, NotFetched, fetch, read_fetcher
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from tests.gateway.agendas import at, kept, made, offer, opened, starts
from tests.gateway.calendars import Calendars, calendar, calendars
from tests.gateway.published import OTHER
from tests.gateway.served import LOOPBACK, Served

PUBLIC = read_fetcher({})
AGAIN = "update agenda_feed set due_at = now() where agenda_id = $1"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Calendars]:
    async with calendars() as up:
        yield up


@pytest_asyncio.fixture(scope="module")
async def known(served: Served) -> AsyncIterator[Served]:
    yield await made(served)


async def feed(served: Served, agenda_id: str, address: str, **of: Any) -> Any:
    body = {"url": address, "offer": offer(), **of}
    return await served.order("PUT", f"/agendas/{agenda_id}/feed", body)


async def shown(
    served: Served, agenda_id: str, is_so: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """The feed of an agenda, once it is as it should be."""
    async with asyncio.timeout(20):
        while True:
            told = (await served.client.get(f"/agendas/{agenda_id}/feed")).json()
            if is_so(told):
                return dict(told)
            await asyncio.sleep(0.05)


def told_of(problem: str) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["problem"] == problem


async def days(served: Served, agenda_id: str) -> list[tuple[int, str]]:
    """The days and hours (UTC) of the open slots of an agenda."""
    rows = await served.run.pool.fetch(
        "select starts_at from slot where agenda_id = $1 and not is_closed order by starts_at",
        agenda_id,
    )
    return [(row["starts_at"].day, f"{row['starts_at']:%H:%M}") for row in rows]


async def test_an_agenda_follows_its_calendar(known: Served, server: Calendars) -> None:
    server.content, server.headers = calendar(1, 2), {"etag": '"one"'}
    await kept(known, "feed-1")
    answer = await feed(known, "feed-1", f"{server.url}/secret.ics", minutes=30)
    assert (answer.status_code, answer.json()["state"]) == (200, "waiting"), answer.text
    first = await shown(known, "feed-1", lambda told: told["state"] == "read")
    assert await days(known, "feed-1") == [(1, "08:00"), (1, "08:30"), (2, "08:00"), (2, "08:30")]
    await known.run.pool.execute(AGAIN, "feed-1")
    again = await shown(known, "feed-1", lambda told: told["read_at"] != first["read_at"])
    assert server.asked[-1]["if-none-match"] == '"one"'
    server.content, server.headers = calendar(2, 3), {"etag": '"two"'}
    await known.run.pool.execute(AGAIN, "feed-1")
    await shown(known, "feed-1", lambda told: told["read_at"] != again["read_at"])
    assert {day for day, _ in await days(known, "feed-1")} == {2, 3}
    told = (await known.client.get("/agendas", params={"cpts_id": "c1"})).text
    assert "127.0.0.1" in told
    assert "secret" not in told
    log = await known.run.pool.fetchval("select string_agg(event::text, '') from history")
    assert "secret" not in log
    assert "Durand" not in log


async def test_what_goes_wrong_is_shown_and_the_last_good_reading_stays(
    known: Served, server: Calendars
) -> None:
    server.content = calendar(7)
    await kept(known, "feed-2")
    await feed(known, "feed-2", server.url)
    await shown(known, "feed-2", lambda told: told["state"] == "read")
    for status, content, problem in (
        (503, b"", "answered_an_error"),
        (200, b"no calendar", "file_unreadable"),
        (200, calendar(*range(1, 29)) + b" " * 1024 * 1024, "file_too_large"),
    ):
        server.status, server.content = status, content
        await known.run.pool.execute(AGAIN, "feed-2")
        told = await shown(known, "feed-2", told_of(problem))
        assert told["state"] == "failed"
        assert told["label"]
        assert told["answer_status"] == (503 if status == 503 else None)
        assert await days(known, "feed-2") == [(7, "08:00")]
    assert told["failures"] == 3
    server.content = calendar(8)
    await known.run.pool.execute(AGAIN, "feed-2")
    told = await shown(known, "feed-2", lambda told: told["state"] == "read")
    assert (told["problem"], told["failures"]) == (None, 0)
    assert await days(known, "feed-2") == [(8, "08:00")]


async def test_slots_that_cannot_be_offered_are_a_problem_too(
    known: Served, server: Calendars
) -> None:
    server.content = calendar(9)
    await kept(known, "feed-3")
    answer = await feed(known, "feed-3", server.url, offer=offer("CPTS", cpts_ids=["c9"]))
    assert answer.json()["reason"] == "practitioner_not_a_member"
    await feed(known, "feed-3", server.url)
    await shown(known, "feed-3", lambda told: told["state"] == "read")
    server.content = calendar(9).replace(b"T100000\r\n", b"T235900\r\n")
    await known.run.pool.execute(AGAIN, "feed-3")
    told = await shown(known, "feed-3", lambda told: told["state"] == "failed")
    assert told["problem"] == "slot_length_out_of_bounds"
    assert await days(known, "feed-3") == [(9, "08:00")]


async def test_a_stopped_feed_closes_its_own_slots_alone(known: Served, server: Calendars) -> None:
    server.content = calendar(10)
    await kept(known, "feed-4", OTHER)
    typed = at(12)
    await opened(known, "feed-4", typed)
    await feed(known, "feed-4", server.url)
    await shown(known, "feed-4", lambda told: told["state"] == "read")
    answer = await known.order("DELETE", "/agendas/feed-4/feed", {})
    assert (answer.status_code, answer.json()["closed"]) == (200, 1)
    assert await starts(known, OTHER) == [typed]
    assert (await known.client.get("/agendas/feed-4/feed")).status_code == 404


async def test_a_rebuild_gives_the_slots_of_feeds_without_asking_anybody(known: Served) -> None:
    await known.run.relayed()
    settings = msgspec.structs.replace(known.run.settings)
    await rebuild(known.run.service, settings, "shadow_feeds")
    compared = {
        one.table: one for one in await compare(known.run.service, settings, "shadow_feeds")
    }
    assert compared["slot"].is_equal
    assert compared["slot"].live
    assert "agenda_feed" not in compared


REFUSED = [
    ("http://example.org/a.ics", Problem.NOT_ALLOWED),
    ("https://127.0.0.1:{port}/a.ics", Problem.NOT_ALLOWED),
    ("https://localhost:{port}/a.ics", Problem.NOT_ALLOWED),
    ("https://[::1]:{port}/a.ics", Problem.NOT_ALLOWED),
    ("https://[::ffff:127.0.0.1]:{port}/a.ics", Problem.NOT_ALLOWED),
    ("https://169.254.169.254/latest", Problem.NOT_ALLOWED),
    ("https://me:secret@example.org/", Problem.NOT_ALLOWED),
    ("https://no-such-host.invalid/", Problem.UNREACHABLE),
]


@pytest.mark.parametrize(("address", "problem"), REFUSED)
async def test_no_address_leads_inside(server: Calendars, address: str, problem: Problem) -> None:
    with pytest.raises(NotFetched) as refused:
        await fetch(PUBLIC, address.format(port=server.url.rpartition(":")[2]))
    assert refused.value.problem is problem
    assert server.asked == []


@pytest.mark.parametrize(
    ("location", "problem", "times"),
    [
        ("http://10.0.0.1/", Problem.NOT_ALLOWED, 1),
        ("https://169.254.169.254/", Problem.NOT_ALLOWED, 1),
        ("file:///etc/passwd", Problem.NOT_ALLOWED, 1),
        ("/again", Problem.TOO_MANY_REDIRECTS, 4),
    ],
)
async def test_no_redirection_leads_inside_or_goes_on_for_ever(
    server: Calendars, location: str, problem: Problem, times: int
) -> None:
    server.status, server.headers = 302, {"location": location}
    with pytest.raises(NotFetched) as refused:
        await fetch(LOOPBACK, server.url)
    assert (refused.value.problem, len(server.asked)) == (problem, times)


async def test_a_calendar_is_bounded_in_time_and_size(server: Calendars) -> None:
    server.content, server.headers = b"x" * 1000, {"etag": '"a"'}
    small = msgspec.structs.replace(LOOPBACK, bytes_max=1000)
    whole = await fetch(small, server.url)
    assert whole == Fetched(content=server.content, etag='"a"', last_modified=None)
    assert await fetch(small, server.url, '"a"') is None
    server.content += b"x"
    with pytest.raises(NotFetched) as refused:
        await fetch(small, server.url)
    assert refused.value.problem is Problem.TOO_LARGE
    server.is_stuck = True
    with pytest.raises(NotFetched) as refused:
        await fetch(msgspec.structs.replace(LOOPBACK, seconds_max=0.2), server.url)
    assert refused.value.problem is Problem.TIMEOUT


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.168.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
    ],
)
def test_what_a_public_address_is(address: str, *, is_public: bool) -> None:
    assert is_address_allowed(ip_address(address), ()) is is_public
    assert is_address_allowed(ip_address("10.1.2.3"), read_fetcher(PRIVATE).networks)


PRIVATE = {"CPTS_FEED_NETWORKS": "10.1.0.0/16, fd00::/8"}


def test_without_tls_only_in_a_named_network() -> None:
    networks = read_fetcher(PRIVATE).networks
    assert is_feed_allowed("http://10.1.2.3/a.ics", networks)
    for refused in (
        "http://10.2.2.3/",
        "http://8.8.8.8/",
        "http://intern.example/",
        "ftp://a/",
        "",
    ):
        assert not is_feed_allowed(refused, networks)
    with pytest.raises(ValueError, match="CPTS_FEED_NETWORKS"):
        read_fetcher({"CPTS_FEED_NETWORKS": "10.1.2.3/16"})


def test_after_failures_it_waits_longer_up_to_six_hours() -> None:
    assert [wait_seconds(count) for count in (0, 1, 2, 4, 5, 99)] == [
        *(900, 1800, 3600, 14400),
        *(21600, 21600),
    ]
