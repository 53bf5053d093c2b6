"""Each point between two steps of each service, hit one by one: by SIGKILL and by SIGSTOP.

The five services are processes of their own; a season is played on them. The one under test is
stopped at one point after the other. A stopped process stays so until the database has given up on
it: its open transaction is rolled back, or its lease has run out. Then it goes on as if nothing had
been. A killed one starts again.
"""

import signal
from functools import partial
from random import Random

import pytest

from deploy.local.services import CHAIN, SERVICES
from tests.faults import stops
from tests.faults.conftest import OpenWorld
from tests.faults.judgement import judge
from tests.faults.launcher import Stop, Stopped
from tests.faults.play import Play, playing
from tests.faults.process import Process, until
from tests.faults.season import season
from tests.faults.tracing import Trace
from tests.faults.world import World
from tests.thorough import all_but

STOP, KILL = "SIGSTOP", "SIGKILL"
STATUS = "select pg_xact_status($1::text::xid8)"
IS_GONE = "select not exists (select from pg_stat_activity where pid = $1)"
LEASE_IS_OUT = "select expires_at < clock_timestamp() from relay_lease"
OUTBOX_IS_EMPTY = "select not exists (select from outbox where sent_at is null)"
RATE = 25.0
PATIENCE_SECONDS = 120.0  # a stopped service hears nothing until the database has given up on it


def rounds_for(service: str, random: Random) -> list[list[Stop]]:
    """The stops to come, round by round; the process is killed between two rounds.

    Membership hears nobody: its fence is that of its own topic, which it meets when it starts after
    it was killed between sending and marking.
    """

    def at(point: str, by: str) -> Stop:
        return Stop(point=point, hit=random.randint(1, 2), signal=by)

    inner = [stops.ANNOUNCE, stops.BEFORE_COMMIT, stops.AFTER_COMMIT, stops.SENT]
    if service != "membership":
        points = [stops.FENCE, *inner]
        return [[at(point, by) for point in points] for by in (STOP, KILL)]
    own = [Stop(point=stops.OWN_FENCE, hit=hit, signal=by) for hit, by in ((1, STOP), (2, KILL))]
    return [
        [at(point, STOP) for point in inner],
        [at(stops.SENT, KILL)],
        [*own, *(at(point, KILL) for point in inner[:-1])],
    ]


class Harassment:
    """Stops a process again and again, and keeps what the database says of each stop.

    No order leaves from a stop until the process is up again, so that the season outlasts them all.
    """

    def __init__(self, world: World, victim: Process, play: Play) -> None:
        self.world, self.victim, self.play = world, victim, play
        self.found: list[str] = []
        self.rolled_back = self.committed = self.replayed_answers = self.leases_lost = 0
        self.redelivered = 0
        self.was_killed = False

    async def go_through(self, rounds: list[list[Stop]]) -> None:
        """All rounds; the process was started with the first one."""
        for number, to_come in enumerate(rounds):
            if number:
                await self._start_again(to_come)
            await self._one_round(to_come)
        if self.was_killed:
            self.victim.start()
        await self.victim.ready()
        self.play.go_on()
        await self._keep_counters()

    async def _one_round(self, to_come: list[Stop]) -> None:
        left, seen = list(to_come), 0
        while left:
            told = await self._next_stop(seen, left)
            self.play.hold()
            await self._bear(told)
            left.remove(told.stop)
            self.was_killed = told.stop.signal == KILL
            self.found.append(f"{told.stop.point} {told.stop.signal}")
            seen += 1
            if self.was_killed and left:
                self.victim.start(left)
                seen = 0

    async def _next_stop(self, seen: int, left: list[Stop]) -> Stopped:
        """The stop that comes after those seen; orders go on once the process is up."""

        async def told_or_up() -> bool:
            return len(self.victim.stopped()) > seen or await self.victim.is_ready()

        await until(f"{self.victim.name} is up, or stopped at one of {left}", told_or_up)
        if len(self.victim.stopped()) <= seen:
            self.play.go_on()
        try:
            return await until(
                f"{self.victim.name} is stopped at one of {left}", partial(self._new, seen)
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; {await self.victim.health()}") from error

    async def _new(self, seen: int) -> Stopped | None:
        told = self.victim.stopped()
        return told[seen] if len(told) > seen else None

    async def _bear(self, told: Stopped) -> None:
        """Wait until the stop has had its effect; then let the process go on, if it is alive."""
        victim, stop = self.victim, told.stop
        if stop.signal == KILL:
            await until(f"{victim.name} has died", lambda: _now(victim.has_ended))
        else:
            await until(f"{victim.name} stands still", lambda: _now(victim.is_stopped))
            if told.backend is not None and stop.point in stops.OPEN_POINTS:
                await until("its session is gone", lambda: self._ask(IS_GONE, told.backend))
            else:
                await until("its lease has run out", lambda: self._ask(LEASE_IS_OUT))
        if told.xid is not None:
            expected = "aborted" if stop.point in stops.OPEN_POINTS else "committed"
            await until(f"{told} is {expected}", lambda: self._has_status(told.xid, expected))
            self.rolled_back += expected == "aborted"
            self.committed += expected == "committed"
        if stop.signal == STOP:
            victim.send(signal.SIGCONT)

    async def _ask(self, query: str, *arguments: object) -> object:
        return await self.world.ask(self.victim.service, query, *arguments)

    async def _has_status(self, xid: str | None, expected: str) -> bool:
        return await self._ask(STATUS, xid) == expected

    async def _start_again(self, to_come: list[Stop]) -> None:
        if self.was_killed:
            assert self.victim.has_ended
        else:
            await self.victim.ready()
            # What a lost lease left unmarked is sent again first: a start would only mark it.
            await until("the outbox is empty", partial(self._ask, OUTBOX_IS_EMPTY))
            await self._keep_counters()
            await self.victim.killed()
        self.victim.start(to_come)

    async def _keep_counters(self) -> None:
        counters = await self.victim.counters()
        self.replayed_answers += counters["idempotent_replays"]
        self.leases_lost += counters["leases_lost"]
        self.redelivered += counters["redelivered"]


async def _now(holds: bool) -> bool:
    return holds


# The other two: the campaign stops every service at points that it draws.
THOROUGH = ("membership", "indicators")


@pytest.mark.parametrize("service", all_but(CHAIN, THOROUGH))
async def test_a_service_stopped_at_every_point_loses_nothing_and_does_nothing_twice(
    service: str, open_world: OpenWorld, trace: Trace
) -> None:
    orders = season(trace.seed)
    rounds = rounds_for(service, Random(trace.seed))
    async with open_world() as world:
        for name in SERVICES:
            world.process(name).start(rounds[0] if name == service else ())
        async with playing(world, orders, rate=RATE) as play:
            play.chain.patience_seconds = PATIENCE_SECONDS
            harassment = Harassment(world, world.processes[service], play)
            await play.beside(harassment.go_through(rounds))
            await play.over()
            repeated = await judge(play)
        trace.note(stops=len(harassment.found), retries=play.driver.progress.retries)
        trace.note(
            redelivered=harassment.redelivered,
            idempotent_replays=harassment.replayed_answers,
            leases_lost=harassment.leases_lost,
        )
        trace.struck(
            rolled_back=harassment.rolled_back,
            committed_unknown_to_all=harassment.committed,
            repeated_in_log=repeated,
        )
    assert sorted(harassment.found) == sorted(
        f"{stop.point} {stop.signal}" for one in rounds for stop in one
    )
