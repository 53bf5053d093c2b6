"""How fresh a département is: the age of the oldest event that somebody has still to take.

A service that does not say how far behind it is, because it is stopped or cannot read the log, is
not taken for well: what the others have sent it since it last said so waits for it, and grows old.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from contracts.topics import TOPICS
from services.console.domain.reading import Behind

HEARD_BY: Mapping[str, tuple[str, ...]] = {
    consumer: tuple(topic.name for topic in TOPICS if consumer in topic.consumers)
    for consumer in [topic.producer for topic in TOPICS]
}
"""The topics that each service hears."""


class Level(StrEnum):
    """How a département is shown, the better first; `UNKNOWN` where nobody can tell."""

    FRESH = "fresh"
    LATE = "late"
    GRAVE = "grave"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """From which age, in seconds, a département is shown so. The first is the objective: what is
    accepted is in the funding within 5 s.
    """

    late: float = 5
    grave: float = 60
    critical: float = 600

    def level(self, seconds: float) -> Level:
        """The level of an age."""
        if seconds < self.late:
            return Level.FRESH
        if seconds < self.grave:
            return Level.LATE
        return Level.GRAVE if seconds < self.critical else Level.CRITICAL


class Waiting(msgspec.Struct, frozen=True):
    """Events that wait for a service that does not tell, and since when the oldest does."""

    events: float
    since: float


Told = Mapping[tuple[str, str], Behind]
Kept = Mapping[tuple[str, str], Waiting]


def keep_told(told: Told, now: float) -> dict[tuple[str, str], Waiting]:
    """What a service said to be behind, so that it can be told on when it falls silent."""
    return {key: Waiting(one.events, now - (one.seconds or 0)) for key, one in told.items()}


def wait_longer(
    kept: Kept, hears: Iterable[str], sent: Mapping[str, Mapping[str, float]], now: float
) -> dict[tuple[str, str], Waiting]:
    """The same after the others have `sent` more, by topic and département."""
    found = dict(kept)
    for topic in hears:
        for departement, events in sent.get(topic, {}).items():
            before = found.get((topic, departement))
            found[topic, departement] = (
                Waiting(before.events + events, before.since) if before else Waiting(events, now)
            )
    return found


def estimated(kept: Kept, now: float) -> dict[tuple[str, str], Behind]:
    """What waits now for a service that does not tell."""
    return {key: Behind(one.events, now - one.since, True) for key, one in kept.items()}
