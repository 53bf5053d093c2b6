"""The kinds of faults there are, what each strikes, and the plan that a seed draws from them."""

import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random

import msgspec

from deploy.local.services import CHAIN, SERVICES
from tests.faults.field import Evidence, Field
from tests.faults.kinds import dying, instances, restoring, servers, telling

TOGETHER_MAX = 3
ALONE = (False, True, False, True, False)  # of five steps in a row, those of one lonely fault
HEARERS = ("indicators", "payments")

Strike = Callable[[Field, str, Random], Awaitable[Evidence]]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of fault: how it strikes, and what. One that is `alone` leaves room for no other."""

    strike: Strike
    on: tuple[str, ...]
    weight: int = 1
    alone: bool = False

    @property
    def name(self) -> str:
        return self.strike.__name__


KINDS = (
    Kind(strike=dying.killed_at_a_point, on=SERVICES, weight=8),
    Kind(strike=dying.frozen_at_a_point, on=SERVICES, weight=5),
    Kind(strike=dying.killed, on=SERVICES, weight=4),
    Kind(strike=dying.frozen, on=CHAIN, weight=3),
    Kind(strike=dying.stopped_softly, on=SERVICES, weight=2),
    Kind(strike=servers.postgresql_stops_hard, on=("postgres",), weight=3),
    Kind(strike=servers.kafka_is_killed, on=("kafka",), weight=2),
    Kind(strike=servers.link_cut, on=SERVICES, weight=5),
    Kind(strike=servers.link_held, on=SERVICES, weight=3),
    Kind(strike=servers.link_slow, on=SERVICES, weight=3),
    Kind(strike=servers.disk_full, on=("disk",), weight=2),
    Kind(strike=telling.clock_wrong, on=("clock",), weight=2),
    Kind(strike=telling.orders_doubled, on=("callers",), weight=2),
    Kind(strike=telling.log_repeats_itself, on=("log",), weight=3, alone=True),
    Kind(strike=telling.poison, on=("log",), weight=2, alone=True),
    Kind(strike=telling.dead_letter_replayed, on=("log",), weight=2, alone=True),
    Kind(strike=instances.two_relays, on=("referrals", *HEARERS), weight=2, alone=True),
    Kind(strike=instances.storm_of_rebalances, on=("referrals", *HEARERS), alone=True),
    Kind(strike=instances.zombie_wakes, on=HEARERS, weight=2, alone=True),
    Kind(strike=instances.two_streams_meet, on=("referrals",), weight=2, alone=True),
    Kind(strike=restoring.restored_from_a_backup, on=CHAIN, weight=2, alone=True),
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault to come; `seed` is what it draws its own choices from."""

    kind: Kind
    on: str
    seed: int

    def __str__(self) -> str:
        return f"{self.kind.name} on {self.on}"


Step = tuple[Fault, ...]
"""Faults that strike at once."""


def plan(seed: str, kinds: Sequence[Kind] = KINDS) -> Iterator[Step]:
    """The steps of a seed, without end: faults alone and, of those that may be, combined.

    Those that must be alone take turns, so that each is met; no two of a step strike the same.
    """
    random = Random(seed)
    lonely = [kind for kind in kinds if kind.alone]
    social = [kind for kind in kinds if not kind.alone]
    turns = _turns(random, lonely)
    for is_alone in itertools.cycle(ALONE):
        if lonely and (is_alone or not social):
            yield (_fault(random, next(turns)),)
            continue
        step: dict[str, Fault] = {}
        for _ in range(random.choices(range(1, TOGETHER_MAX + 1), (4, 4, 2))[0]):
            (kind,) = random.choices(social, [kind.weight for kind in social])
            fault = _fault(random, kind)
            step.setdefault(fault.on, fault)
        yield tuple(step.values())


def _turns(random: Random, kinds: Sequence[Kind]) -> Iterator[Kind]:
    while True:
        yield from random.sample(kinds, len(kinds))


def _fault(random: Random, kind: Kind) -> Fault:
    return Fault(kind=kind, on=random.choice(kind.on), seed=random.getrandbits(32))
