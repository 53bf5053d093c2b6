"""Départements shared among a service's processes: goal, that each has one reader, that what is
moved while it is spoken of is neither lost nor taken twice nor out of order, and that what nobody
reads is told with the way to mend it.

Method: the rule alone, then the toys on the real Kafka and PostgreSQL.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from contracts.departements import departements_by_code, parse_departements, partition_of
from services.messaging.process import running
from services.messaging.sharing import (
    Share,
    Wish,
    companions,
    named_twice,
    partitions_for,
    share_out,
)
from tests.messaging.raw import counted, until
from tests.messaging.toy import Listener
from tests.scraped import scraped

PRODUCTION = 128
TOPICS = {"membership": PRODUCTION, "referrals": PRODUCTION}
ALL = ("93", "95", "03", "2A")  # each a partition of its own, of four


def wish(name: str, departements: str | None = None) -> Wish:
    codes = None if departements is None else parse_departements(departements)
    return Wish(name, codes, ("membership",))


def shared(*wishes: Wish) -> tuple[dict[str, set[tuple[str, int]]], tuple[str, ...]]:
    shares, unread = share_out(TOPICS, {f"{one.name}-id": one for one in wishes})
    return {id_: set(share) for id_, share in shares.items()}, unread


def test_two_processes_share_france_and_each_partition_has_one_reader() -> None:
    shares, unread = shared(wish("a", "00-48"), wish("b", "49-989"))
    first, second = shares.values()
    assert unread == ()
    assert not first & second
    assert len(first | second) >= 2 * len(departements_by_code())
    for code in departements_by_code():
        mine = first if code <= "48" else second
        assert ("referrals", partition_of(code, PRODUCTION)) in mine
        assert ("membership", partition_of(code, PRODUCTION)) in mine


def test_what_nobody_names_is_read_by_who_names_none() -> None:
    shares, unread = shared(wish("pinned", "93"), wish("b1"), wish("b2"))
    assert unread == ()
    number = partition_of("93", PRODUCTION)
    assert shares["pinned-id"] == {("referrals", number), ("membership", number)}
    counts = [len(shares[name]) for name in ("b1-id", "b2-id")]
    assert sum(counts) == 2 * (PRODUCTION - 1)
    assert abs(counts[0] - counts[1]) <= 2
    alone, unread = shared(wish("b1"), wish("b2"))
    assert unread == ()
    assert {len(share) for share in alone.values()} == {PRODUCTION}


def test_what_nobody_reads_is_told_and_membership_is_read_all_the_same() -> None:
    shares, unread = shared(wish("a", "93"), wish("b", "93,95"))
    assert set(unread) == set(departements_by_code()) - {"93", "95"}
    assert named_twice([wish("a", "93"), wish("b", "93,95")]) == {"93": ("a", "b")}
    held = [one for share in shares.values() for one in share]
    assert len(held) == len(set(held)), "each partition has one reader"
    assert {number for topic, number in held if topic == "membership"} == set(range(PRODUCTION))
    assert {number for topic, number in held if topic == "referrals"} == set(
        partitions_for(["93", "95"], PRODUCTION)
    )


def test_a_name_that_comes_back_with_another_wish_asks_again() -> None:
    was = Share("toy", "one", ("93",), ())
    came_back = Share("toy", "one", ("93", "95"), ())
    members = {"id": was.metadata(["t"])}

    class Cluster:
        def partitions_for_topic(self, _topic: str) -> set[int]:
            return {0, 1, 2, 3}

    kept = was.assign(Cluster(), members)["id"]
    was.on_assignment(kept)
    assert not was.is_outdated
    came_back.on_assignment(kept)  # Kafka answers what the name had
    assert came_back.is_outdated
    before = came_back.metadata(["t"])
    came_back.ask_again()
    assert came_back.metadata(["t"]).user_data != before.user_data
    came_back.on_assignment(came_back.assign(Cluster(), {"id": came_back.metadata(["t"])})["id"])
    assert not came_back.is_outdated


@asynccontextmanager
async def spoken_of(log: Any) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Things that are counted again and again in all départements; yields how to end it."""

    async def go_on() -> None:
        for number in itertools.count(1):
            await asyncio.sleep(0.02)  # a load, not a flood
            await log.say(
                *(
                    counted(f"{code}-{n}", number, sequence=number, departement=code)
                    for code in ALL
                    for n in range(3)
                )
            )

    task = asyncio.create_task(go_on())

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    try:
        yield end
    finally:
        await end()


async def judge(log: Any, database: Any) -> None:
    """Nothing lost, nothing twice, order kept inside each subject."""
    said = {
        (one["ce_subject"].decode(), int(one["ce_sequence"]))
        for one in (dict(record.headers) for record in await log.read())
    }
    rows = await database.fetch("select subject, sequence from fact")
    assert {(row["subject"], row["sequence"]) for row in rows} == said
    told = await database.fetch(
        "select subject, sequence, (event ->> 'revision')::bigint as revision,"
        " (event ->> 'number')::bigint as number from history order by subject, sequence"
    )
    assert len(told) == len(said)
    for row in told:  # a total is that of all before it: taken out of order it would be another
        assert row["revision"] == row["sequence"]
        assert row["number"] == row["sequence"] * (row["sequence"] + 1) // 2


class Noting(Listener):
    """A listener that notes what it took, rolled back or not."""

    def __init__(self) -> None:
        super().__init__()
        self.stumbles_over = set()
        self.totalled: list[str] = []

    async def total(self, unit: Any, one: Any) -> None:
        self.totalled.append(one.subject)
        await super().total(unit, one)


async def test_a_departement_moves_and_processes_come_and_go_while_it_is_spoken_of(
    log, settings_of, database
) -> None:
    """Two processes share the départements. 93 moves from one to the other, which comes back under
    its name; for a while both name it. 95 and 2A wait, read by nobody, until a process comes that
    names none; then another such one comes and goes.
    """
    toys: list[Noting] = []

    async def start(stack: AsyncExitStack, *departements: str, member: str | None = None):
        toys.append(Noting())
        own = settings_of("listener", departements=departements or None, member=member)
        return await stack.enter_async_context(running(toys[-1].service(), own))

    async def takes(toy: Noting, *codes: str) -> None:
        before = len(toy.totalled)

        async def has_taken() -> bool:
            return any(one.startswith(codes) for one in toy.totalled[before:])

        await until(has_taken)

    first, second, third, fourth = (AsyncExitStack() for _ in range(4))
    async with spoken_of(log) as end, first, second, third, fourth:
        await start(first, "93", "95")
        await start(second, "03", "2A", member="two")
        await asyncio.gather(takes(toys[0], "93"), takes(toys[1], "03"))
        await second.aclose()
        two = await start(second, "93", "03", member="two")
        await asyncio.gather(takes(toys[0], "95"), takes(toys[2], "03"))
        assert two.share.said.named_twice.keys() == {"93"}
        await first.aclose()
        await takes(toys[2], "93")

        async def are_left() -> bool:
            return {"95", "2A"} <= set(two.share.said.unread)

        await until(are_left)
        assert two.health.is_ready
        read = (await scraped(two))["cpts_departement_read"]
        assert (read["95", "things"], read["93", "things"]) == (0, 1)
        rest = await start(third)
        await asyncio.gather(takes(toys[3], "95"), takes(toys[3], "2A"))
        assert rest.share.said.unread == ()
        await start(fourth)
        await takes(toys[4], "95", "2A")
        await fourth.aclose()
        await asyncio.gather(takes(toys[3], "95"), takes(toys[3], "2A"))
        await end()
        await rest.caught_up()
        await rest.relayed()
    await judge(log, database)


async def test_a_process_too_many_has_nothing_to_read_and_is_ready(log, settings_of) -> None:
    """Five processes for four partitions; the one that stands by takes over."""
    async with AsyncExitStack() as stack:
        goes = AsyncExitStack()
        runs = [
            await stay.enter_async_context(running(Listener().service(), settings_of("listener")))
            for stay in (goes, *[stack] * 4)
        ]
        stack.push_async_callback(goes.aclose)

        def counts() -> list[int]:
            return sorted(len(run.share.reads) for run in runs)

        async def are_shared() -> bool:
            return counts() == [0, 1, 1, 1, 1] and all(run.health.is_ready for run in runs)

        await until(are_shared)
        await goes.aclose()
        del runs[0]

        async def are_shared_again() -> bool:
            return counts() == [1, 1, 1, 1]

        await until(are_shared_again)
        await log.say(*(counted(f"s{n}", 1, departement=code) for n, code in enumerate(ALL)))
        await runs[0].caught_up()


def test_what_comes_along_is_what_shares_a_partition() -> None:
    assert companions(["93"], partitions_for(["93"], PRODUCTION), PRODUCTION) == []
    assert "93" not in companions(["93"], partitions_for(["93"], 4), 4)
