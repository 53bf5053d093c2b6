"""One batch, one transaction: the steps, and what becomes of a batch that fails.

Four fates of a message:

- *done*: committed, or known before, or of a type of no interest; the offset moves on;
- *refused*: the rules say no; the handler announces so, in the same transaction;
- *breach*: undecodable, contract broken, or a bug on this one event; kept as a dead letter, in the
  same transaction as the offset;
- *not now*: the database or the broker is in trouble; the batch is rolled back and waits.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from contracts.recorded import Recorded, type_name
from services.messaging.codec import Breach, Unknown
from services.messaging.database import is_collision, is_not_now
from services.messaging.dead_letters import add_dead_letters
from services.messaging.hearing import Hears
from services.messaging.meters import Fate
from services.messaging.offsets import Fenced, Move, fence
from services.messaging.outbox import SequenceTaken
from services.messaging.telemetry import Item, tell_fate
from services.messaging.unit import Desk, Unit, open_unit

log = logging.getLogger(__name__)

TRIES = 3

Positions = dict[tuple[str, int], int]
# By Kafka topic and partition: the first offset, and the one after the last.
Stretches = dict[tuple[str, int], tuple[int, int]]


class TooManyBreaches(Exception):  # noqa: N818
    """Breach after breach: the service or its source is at fault, not one event."""


class Hearing(msgspec.Struct, kw_only=True):
    """What one consumer knows while it consumes. `names` maps Kafka topics to contract names,
    `positions` says where each partition (of a Kafka topic) stands.
    """

    desk: Desk
    hears: tuple[Hears, ...]
    names: Mapping[str, str]
    breaches_max: int
    positions: Positions = {}
    breaches_in_a_row: int = 0
    understood: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Know the types that are understood by their names."""
        classes = (one for hears in self.hears for one in hears.understands)
        self.understood = frozenset(map(type_name, classes))


def stretches_of(items: Sequence[Item]) -> Stretches:
    """From which offset to which each partition of a batch goes."""
    found: Stretches = {}
    for record, _ in items:
        key = record.topic, record.partition
        first = found[key][0] if key in found else record.offset
        found[key] = first, record.offset + 1
    return found


def gaps_of(hearing: Hearing, stretches: Stretches) -> int:
    """How many partitions go on further than they stand: the log holds nothing in between."""
    return sum(first > hearing.positions[key] for key, (first, _) in stretches.items())


async def handle(unit: Unit, hearing: Hearing, items: Sequence[Item]) -> None:
    """Give each handler the events of its topic, in order."""
    heard: dict[str, list[Recorded[Any]]] = {}
    for record, said in items:
        if isinstance(said, Recorded):
            heard.setdefault(hearing.names[record.topic], []).append(said)
    for hears in hearing.hears:
        if hears.topic.name in heard:
            await hears.handler(unit, heard[hears.topic.name])


async def keep_breaches(unit: Unit, hearing: Hearing, items: Sequence[Item]) -> None:
    """Keep the batch's breaches as dead letters."""
    breaches = [(record, said) for record, said in items if isinstance(said, Breach)]
    if breaches:
        unit.count("breaches", len(breaches))
        for record, said in breaches:
            log.error(
                "breach: %s %d/%d: %s", record.topic, record.partition, record.offset, said.reason
            )
            tell_fate(record, "dead_letter")
        await add_dead_letters(unit.connection, dict(hearing.names), breaches)


def until_too_many(hearing: Hearing, items: Sequence[Item]) -> tuple[Sequence[Item], int]:
    """The items up to the breach that is one too many in a row, and the breaches at their end."""
    in_a_row = hearing.breaches_in_a_row
    for count, (_, said) in enumerate(items, start=1):
        in_a_row = in_a_row + 1 if isinstance(said, Breach) else 0
        if in_a_row > hearing.breaches_max:
            return items[:count], in_a_row
    return items, in_a_row


async def commit_batch(hearing: Hearing, items: Sequence[Item]) -> None:
    """Fence, handle and commit a batch in one transaction; then stand after it.

    A batch with too many breaches in a row is taken up to the last that is kept.
    """
    items, in_a_row = until_too_many(hearing, items)
    stretches, kinds = stretches_of(items), Counter(type(said) for _, said in items)
    moves = [
        Move(hearing.names[topic], partition, hearing.positions[topic, partition], end)
        for (topic, partition), (_, end) in stretches.items()
    ]
    async with open_unit(hearing.desk) as unit:
        await fence(unit.connection, moves)
        await handle(unit, hearing, items)
        await keep_breaches(unit, hearing, items)
        unit.count("batches")
        unit.count("done", kinds[Recorded])
        unit.count("unknown_type", kinds[Unknown])
        unit.count("gaps", gaps_of(hearing, stretches))
    meters = hearing.desk.meters
    meters.batch_events.observe(len(items))
    meters.hears(items, hearing.understood, unit.fates)
    for record, said in items if unit.fates else ():
        if isinstance(said, Recorded) and (fate := unit.fates.get(str(said.id))):
            tell_fate(record, fate)
    hearing.positions |= {key: end for key, (_, end) in stretches.items()}
    hearing.breaches_in_a_row = in_a_row


async def commit_with_retries(hearing: Hearing, items: Sequence[Item]) -> None:
    """Commit a batch; start it again when it merely collided with another transaction."""
    for attempt in range(1, TRIES + 1):
        try:
            await commit_batch(hearing, items)
        except Exception as error:
            hearing.desk.counters["rolled_back"] += 1
            if is_not_now(error):
                hearing.desk.meters.hears(items, hearing.understood, Fate.NOT_NOW)
            if not is_collision(error) or attempt == TRIES:
                raise
            hearing.desk.counters["redelivered"] += len(items)
        else:
            break
    if hearing.breaches_in_a_row > hearing.breaches_max:
        raise TooManyBreaches(f"{hearing.breaches_in_a_row} breaches in a row")


def is_breach(error: Exception) -> bool:
    """Whether a failure is due to what was heard: neither passing trouble nor a fence.

    Who finds an aggregate's next sequence taken, `TRIES` times in a row, counts wrongly.
    """
    if isinstance(error, SequenceTaken):
        return True
    return not (isinstance(error, Fenced | TooManyBreaches) or is_not_now(error))


async def take_batch(hearing: Hearing, items: Sequence[Item]) -> None:
    """Take a batch to its fate. When it fails by what it holds, its messages go one by one, so that
    one that cannot be handled costs one dead letter.

    Raises `Fenced`, `TooManyBreaches`, and the troubles that `is_not_now` knows; the positions then
    tell how far it came.
    """
    try:
        await commit_with_retries(hearing, items)
    except Exception as error:
        if not is_breach(error):
            raise
        hearing.desk.counters["taken_apart"] += 1
        log.warning("a batch of %d failed, its messages go one by one: %r", len(items), error)
    else:
        return
    for item in items:
        try:
            await commit_with_retries(hearing, [item])
        except Exception as error:
            if not is_breach(error):
                raise
            log.exception("cannot handle %s of %s", describe(item), item[0].topic)
            record, said = item
            type_ = said.type if isinstance(said, Recorded | Breach) else None
            breach = Breach(f"{type(error).__name__}: {error}", type_)
            await commit_with_retries(hearing, [(record, breach)])


def describe(item: Item) -> str:
    """A message's place and type, for a log: never its content."""
    record, said = item
    type_ = said.type if isinstance(said, Recorded | Breach | Unknown) else "?"
    return f"{type_} at {record.partition}/{record.offset}"
