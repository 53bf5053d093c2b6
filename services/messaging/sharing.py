"""Who of a service's processes reads which départements: Kafka's group decides, by our rule.

Each process says which départements it is for, or none for all that nobody names. A partition has
one reader: of those that name one of its départements, or else of those that name none, the one
with the fewest. The same partition of every topic goes to the same process. A topic that is read
in full is shared out along with the others, and no partition of it is left.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

from contracts.departements import departements_by_code, partition_of

log = logging.getLogger(__name__)

VERSION = 0


def partitions_for(departements: Collection[str], partitions: int) -> tuple[int, ...]:
    """The partitions that hold these départements."""
    return tuple(sorted({partition_of(code, partitions) for code in departements}))


def companions(departements: Collection[str], numbers: Sequence[int], partitions: int) -> list[str]:
    """The départements that come along, because they share a partition with those asked for."""
    return [
        code
        for code in departements_by_code()
        if code not in departements and partition_of(code, partitions) in numbers
    ]


class Wish(msgspec.Struct, frozen=True):
    """What a process says of itself when it joins. `asked` sets a second request apart: to a
    process that comes back under its name, Kafka answers what it had, unless something differs.
    """

    name: str
    departements: tuple[str, ...] | None
    in_full: tuple[str, ...]
    asked: int = 0


class Said(msgspec.Struct, frozen=True):
    """What a process is told with its share: the wish that was heard, the départements that nobody
    reads, and those that several name, with their names.
    """

    wish: Wish
    unread: tuple[str, ...] = ()
    named_twice: dict[str, tuple[str, ...]] = {}


def share_out(
    partitions: Mapping[str, int], wishes: Mapping[str, Wish]
) -> tuple[dict[str, list[TopicPartition]], tuple[str, ...]]:
    """The partitions of each process, by its id, and the départements that nobody reads.

    `partitions` tells how many each topic has, `wishes` what each process wants, by its id.
    """
    in_full = {topic for wish in wishes.values() for topic in wish.in_full}
    shares: dict[str, list[TopicPartition]] = {id_: [] for id_ in wishes}
    unread: set[str] = set()
    # The topics in full come last of their number: they follow the others.
    by_count: defaultdict[int, list[str]] = defaultdict(list)
    for topic in sorted(partitions, key=lambda topic: (topic in in_full, topic)):
        by_count[partitions[topic]].append(topic)
    loads: Counter[str] = Counter()
    for count, topics in sorted(by_count.items()):
        owners = _owners(count, wishes, loads)
        for number in range(count):
            owner = owners.get(number)
            if owner is None and any(topic not in in_full for topic in topics):
                unread |= {
                    code for code in departements_by_code() if partition_of(code, count) == number
                }
            for topic in topics:
                reader = owner
                if reader is None and topic in in_full:
                    reader = _least(wishes, wishes, loads)
                    loads[reader] += 1
                if reader is not None:
                    shares[reader].append(TopicPartition(topic, number))
    return shares, tuple(sorted(unread))


def _owners(count: int, wishes: Mapping[str, Wish], loads: Counter[str]) -> dict[int, str]:
    """Who reads each of so many partitions; those that nobody wants are left out."""
    naming: defaultdict[int, list[str]] = defaultdict(list)
    others = [id_ for id_, wish in wishes.items() if wish.departements is None]
    for id_, wish in wishes.items():
        for number in partitions_for(wish.departements or (), count):
            naming[number].append(id_)
    owners = {}
    # What few want first, so that those who have a choice make up for it.
    for number in sorted(range(count), key=lambda number: (number not in naming, number)):
        if candidates := naming.get(number) or others:
            owners[number] = _least(candidates, wishes, loads)
            loads[owners[number]] += 1
    return owners


def _least(candidates: Iterable[str], wishes: Mapping[str, Wish], loads: Counter[str]) -> str:
    return min(candidates, key=lambda id_: (loads[id_], wishes[id_].name, id_))


def named_twice(wishes: Iterable[Wish]) -> dict[str, tuple[str, ...]]:
    """The départements that several processes name, with the names of these."""
    naming: defaultdict[str, list[str]] = defaultdict(list)
    for wish in wishes:
        for code in wish.departements or ():
            naming[code].append(wish.name)
    return {code: tuple(sorted(names)) for code, names in naming.items() if len(names) > 1}


class Share(AbstractPartitionAssignor):  # type: ignore[misc]
    """One process's side of it: what it wants, what it has (`reads`), what it was told of others.

    It is the assignor that the client asks: the process that leads the group shares out.
    """

    name = "departements"

    def __init__(
        self, service: str, name: str, departements: tuple[str, ...] | None, in_full: Iterable[str]
    ) -> None:
        self._service = service
        self._wish = Wish(name, departements, tuple(in_full))
        self.said = Said(self._wish)
        self.reads: frozenset[TopicPartition] = frozenset()

    @property
    def is_outdated(self) -> bool:
        """Whether the share is of another wish: that of the process that had our name before."""
        return self.said.wish.departements != self._wish.departements

    def ask_again(self) -> None:
        """Let the next request differ from the last."""
        self._wish = msgspec.structs.replace(self._wish, asked=self.said.wish.asked + 1)

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this process joins with."""
        return ConsumerProtocolMemberMetadata(
            VERSION, sorted(topics), msgspec.json.encode(self._wish)
        )

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out, as the leader of the group."""
        topics = {topic for one in members.values() for topic in one.subscription}
        partitions = {
            topic: len(numbers)
            for topic in sorted(topics)
            if (numbers := cluster.partitions_for_topic(topic))
        }
        wishes = {
            id_: msgspec.json.decode(one.user_data, type=Wish) for id_, one in members.items()
        }
        shares, unread = share_out(partitions, wishes)
        twice = named_twice(wishes.values())
        made = {}
        for id_, share in shares.items():
            by_topic: defaultdict[str, list[int]] = defaultdict(list)
            for one in share:
                by_topic[one.topic].append(one.partition)
            said = Said(wishes[id_], unread, twice)
            made[id_] = ConsumerProtocolMemberAssignment(
                VERSION, sorted(by_topic.items()), msgspec.json.encode(said)
            )
        return made

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Keep what we were told; say aloud what somebody is to mend."""
        before, self.said = self.said, msgspec.json.decode(assignment.user_data, type=Said)
        if self.said.unread and self.said.unread != before.unread:
            codes = ",".join(self.said.unread)
            log.warning(
                "no process of %s reads the départements %s: start one with --departements %s, "
                "or one without --departements, which reads what nobody names",
                self._service,
                codes,
                codes,
            )
        if self.said.named_twice != before.named_twice:
            by_names: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
            for code, names in self.said.named_twice.items():
                by_names[names].append(code)
            for names, codes_ in by_names.items():
                log.warning(
                    "%s are all started with --departements %s: one of them reads these, the "
                    "others stand by; leave them to one",
                    " and ".join(names),
                    ",".join(codes_),
                )
