"""Orders and events that come twice, out of order or spoiled; clocks that are wrong."""

import signal
from collections import Counter
from datetime import timedelta
from itertools import cycle
from random import Random

import msgspec
from aiokafka.structs import ConsumerRecord  # noqa: TC002

from contracts.events.indicators import FigureChanged
from contracts.events.membership import MemberRecorded
from contracts.events.referrals import ReferralAccepted
from contracts.recorded import type_name
from services.gateway.app import SERVICE as GATEWAY
from services.indicators.app import SERVICE as INDICATORS
from services.payments.app import SERVICE as PAYMENTS
from services.referrals.app import SERVICE as REFERRALS
from tests.faults.field import HOURS, Evidence, Field, comes_true, pause
from tests.faults.kinds.dying import gained
from tests.faults.play import Wrong
from tests.faults.process import until
from tests.faults.saying import poisoned, say
from tests.faults.season import member_and_part

DOUBLED = 40
COPIES = 40
LETTERS = "select count(*) from dead_letter"
# An event that some consumers of a topic keep.
KEPT: dict[str, type[msgspec.Struct]] = {
    "membership": MemberRecorded,
    "referrals": ReferralAccepted,
    "indicators": FigureChanged,
}
DECLARED = (REFERRALS, INDICATORS, PAYMENTS, GATEWAY)


async def orders_doubled(field: Field, _on: str, _random: Random) -> Evidence:
    """Callers that send each order twice at once, under one key."""
    before, doubled = await field.counters(), field.driver.doubled
    field.driver.to_double = DOUBLED

    async def are_sent() -> bool:
        return field.driver.doubled >= doubled + DOUBLED

    await comes_true(are_sent, 20)
    field.driver.to_double = 0
    return await gained(field, before, names=("idempotent_replays",))


async def log_repeats_itself(field: Field, _on: str, random: Random) -> Evidence:
    """The last records of each topic again, out of order and each twice, in one batch with those
    that were not heard yet: who hears them stands still meanwhile.
    """
    still = [field.world.processes[service] for service in ("indicators", "payments")]
    apart = await field.counters("indicators", "payments")
    for process in still:
        process.send(signal.SIGSTOP)
    try:
        await pause(random, 0.3, 1)
        again: list[ConsumerRecord] = []
        for last in field.listener.last.values():
            records = list(last)[-COPIES:]
            random.shuffle(records)
            again += [one for one in records for _ in range(2)]
        said = await say(field.world, again)
    finally:
        for process in still:
            process.send(signal.SIGCONT)
    await field.chain.all_heard()
    now = await field.counters("indicators", "payments")
    if now["taken_apart"] > apart["taken_apart"]:
        raise Wrong("a batch with copies in it had to be taken apart")
    return Counter({"said_again": said})


async def poison(field: Field, _on: str, _random: Random) -> Evidence:
    """Records that nobody can handle, each in one batch with good ones."""
    put_aside = 0
    for topic, kept in KEPT.items():
        good = field.listener.last_of.get(type_name(kept))
        if good is None:
            continue
        beside = [one for one in field.listener.last[topic] if one.partition == good.partition]
        bad = poisoned(good)
        await say(field.world, (one for pair in zip(bad, cycle(beside or [good])) for one in pair))
        for service in DECLARED:
            if any(kept in hears.understands for hears in service.hears):
                field.dead_letters[service.name] += len(bad)
                put_aside += len(bad)
    for service in DECLARED:
        await _letters(field, service.name)
    return +Counter({"dead_letters": put_aside})


async def _letters(field: Field, service: str) -> None:
    """Wait until a service has put aside what it must; that it is no more is judged in the end."""
    wanted = field.dead_letters[service]

    async def are_there() -> bool:
        return bool(await field.ask(service, LETTERS) >= wanted)

    await until(f"{wanted} dead letters of {service}", are_there)


# -- a dead letter, mended and replayed

FAIL = """
    create function fail_for_once() returns trigger language plpgsql as $$
    begin raise exception 'a bug that is mended later'; end $$;
    create trigger fails_for_once before insert on participation
    for each row when (new.rpps = '{rpps}') execute function fail_for_once();
"""
MENDED = "drop trigger fails_for_once on participation; drop function fail_for_once();"
UNREPLAYED = (
    "select min(id) from dead_letter where replayed_at is null and reason like '%mended later%'"
)


async def dead_letter_replayed(field: Field, _on: str, random: Random) -> Evidence:
    """One event meets a bug in indicators and is put aside; the bug is mended, others have come
    since, and the event is replayed.
    """
    place = random.choice(list(field.places))
    rpps = f"82{random.randrange(10**9):010d}"
    joins, takes_part = member_and_part(place, rpps, field.new_name("late"))
    database = await field.world.database("indicators")
    try:
        await database.execute(FAIL.format(rpps=rpps))
        try:
            await field.carried_out([joins, takes_part])
            letter = await until("it is put aside", lambda: database.fetchval(UNREPLAYED))
        finally:
            await database.execute(MENDED)
    finally:
        await database.close()
    field.dead_letters["indicators"] += 1
    await pause(random, 0, 1)
    return await _replay(field, letter)


async def _replay(field: Field, letter: int) -> Evidence:
    url = f"{field.world.urls['indicators']}/dead-letters/{letter}/replay"
    answer = await field.world.client.post(url, headers={"Acting-Role": "system"})
    if not answer.is_success:
        raise Wrong(f"a dead letter whose cause is mended is not replayed: {answer.text}")
    return Counter({"replayed": 1})


# -- clocks

AHEAD = "select count(*) from history where type like '%Expired%' and occurred_at > $1"
OVERDUE = "select count(*) from referral where due_at < $1"


async def clock_wrong(field: Field, _on: str, random: Random) -> Evidence:
    """The clock by which limits run out is ahead or behind by minutes or hours, then right again.

    It shows by offers that ended before anybody else's clock says so, or are open after it.
    """
    process = field.world.processes["referrals"]
    ahead = random.choice([-2, -1, 1]) * HOURS + timedelta(minutes=random.randint(-20, 20))
    field.world.clock.skew(process, ahead)
    query = AHEAD if ahead > timedelta() else OVERDUE

    async def shows() -> int:
        return int(await field.ask("referrals", query, field.driver.drawn.now))

    try:
        shown = await comes_true(shows, 8)
        await pause(random, 0, 1)
    finally:
        field.world.clock.skew(process, timedelta())
    name = "ended_early" if ahead > timedelta() else "open_after_limit"
    return +Counter({name: shown})
