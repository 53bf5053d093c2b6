"""More than one process of a service: by intention, by mistake, and in a storm."""

import signal
from collections import Counter
from functools import partial
from random import Random

from msgspec.structs import replace

from contracts.communes import all_communes
from tests.faults import stops
from tests.faults.field import CAMPAIGN, Evidence, Field, comes_true, pause
from tests.faults.kinds.dying import STATUS
from tests.faults.launcher import HOLD, Stop
from tests.faults.play import Wrong
from tests.faults.process import Process, until
from tests.faults.season import demand_where_nobody_is_yet

HEARS_WITHIN_SECONDS = 12.0
HELD_SECONDS = 0.8
OFFERED = "select count(*) from referral where commune = $1 and cpts_id is not null"


async def two_relays(field: Field, on: str, random: Random) -> Evidence:
    """A second process of a service: it is given orders and partitions, and one of the two relays.

    Nothing is said twice while both are well. The one that relays may be stopped for a while.
    """
    first = field.world.processes[on]
    other = field.start(field.world.process(on, field.new_name(on)))
    front = field.world.fronts[on]
    try:
        await other.ready()
        front.lead_to(first.port, other.port)
        await field.chain.all_heard()
        copies = field.listener.copies_of[on]
        await pause(random, 1, 2)
        await field.chain.all_heard()
        if said_twice := field.listener.copies_of[on] - copies:
            raise Wrong(f"two relays of {on} sent {said_twice} events twice")
        did = await comes_true(partial(_did, other), HEARS_WITHIN_SECONDS)
        first.send(signal.SIGSTOP)  # the other one relays meanwhile
        try:
            await pause(random, 2.2, 3)
        finally:
            first.send(signal.SIGCONT)
        relayed = (await other.counters())["relayed"]
    finally:
        front.lead_to(first.port)
        other.send(random.choice([signal.SIGTERM, signal.SIGKILL]))
        await until(f"{other.name} has ended", partial(_has_ended, other), 30)
        await field.world.forget(other)
    return +Counter({"done_by_the_other": did, "relayed_by_the_other": relayed})


async def _did(process: Process) -> int:
    counters = await process.counters()
    return counters["done"] + counters["orders"]


async def _has_ended(process: Process) -> bool:
    return process.has_ended


async def storm_of_rebalances(field: Field, on: str, random: Random) -> Evidence:
    """Members of a group join, die in open transactions, leave and come back."""
    joined = undone = 0
    for _ in range(2):
        dying, leaving = (field.world.process(on, field.new_name(on)) for _ in range(2))
        field.start(dying, [Stop(point=stops.FENCE, hit=random.randint(1, 3))])
        field.start(leaving)
        await until("both are up", partial(_are_up, dying, leaving))
        joined += 2
        await pause(random, 0, 1)
        if told := dying.stopped():
            status = await field.ask(on, STATUS, told[0].xid)
            undone += status == "aborted"
        leaving.send(signal.SIGTERM)
        await until(f"{leaving.name} has left", partial(_has_ended, leaving), 30)
        for one in (dying, leaving):
            await field.world.forget(one)
    return +Counter({"members_joined_and_left": joined, "rolled_back": undone})


async def _are_up(dying: Process, leaving: Process) -> bool:
    return (bool(dying.stopped()) or await dying.is_ready()) and await leaving.is_ready()


async def zombie_wakes(field: Field, on: str, random: Random) -> Evidence:
    """A process is stopped before its batch's fence; another one is started under its name and
    hears its partitions; then the first goes on as if nothing had been.
    """
    zombie = field.world.processes[on]
    await zombie.killed()
    # Its session outlives the stop: nothing but the fence tells it that it is late.
    patient = replace(CAMPAIGN, idle_in_transaction_ms=60_000)
    hit = random.randint(2, 4)
    stop = Stop(point=stops.BEFORE_FENCE, hit=hit, signal="SIGSTOP")
    zombie.start([stop], field.without, patient)

    async def is_stopped() -> bool:
        return bool(zombie.stopped())

    if not await comes_true(is_stopped, 20):
        zombie.arm([])
        return Counter()
    heir = field.start(field.world.process(on, field.new_name(on), member=zombie.member))
    field.world.fronts[on].lead_to(heir.port)

    async def heard() -> bool:
        return bool((await heir.counters())["batches"])

    await heir.ready()
    await comes_true(heard, HEARS_WITHIN_SECONDS)
    zombie.send(signal.SIGCONT)

    async def batch_ended() -> int:
        counters = await zombie.counters()
        return counters["fenced"] + counters["batches"] + 1 - hit

    await comes_true(batch_ended, 10)
    fenced = (await zombie.counters())["fenced"]
    await field.world.succeed(zombie, heir)
    return +Counter({"fenced": fenced})


async def two_streams_meet(field: Field, _on: str, random: Random) -> Evidence:
    """A demand and the territory that it lies in are recorded at once, in slow transactions."""
    place = random.choice(list(field.places))
    departement = all_communes()[place.commune].departement
    name = field.new_name("meeting")
    here = [one.code for one in all_communes().values() if one.departement == departement]
    commune = here[-int(name.rpartition("-")[2]) - 1]
    referrals = field.world.processes["referrals"]
    referrals.arm([Stop(point=stops.BEFORE_COMMIT, signal=HOLD, seconds=HELD_SECONDS, hits=10_000)])
    demand, entry = demand_where_nobody_is_yet(place, commune, name, field.driver.drawn.now)
    try:
        outcomes = await field.carried_out([demand, entry])
        held = len(referrals.stopped())
    finally:
        referrals.arm([])
    if outcomes != ["ok", "ok"]:
        raise Wrong(f"a demand and its territory were answered {outcomes}")
    await field.chain.heard(["membership"])

    async def is_offered() -> bool:
        return bool(await field.ask("referrals", OFFERED, commune))

    if not await comes_true(is_offered, 10):
        raise Wrong("a demand and its territory missed each other")
    return +Counter({"held_in_transactions": held})
