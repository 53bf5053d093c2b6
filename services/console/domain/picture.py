"""What the page shows, as it is sent to it: everything that is not as it always is, and the flows.

Ages are seconds, flows events a second, instants seconds since 1970.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from services.console.domain.counting import Quantiles
from services.console.domain.freshness import Level
from services.console.domain.incidents import Incident
from services.console.domain.reading import Behind, Letter, Replay, Trouble


class State(StrEnum):
    """How a service does; `UNKNOWN` when it has not answered since the console started."""

    READY = "ready"
    NOT_READY = "not_ready"
    SILENT = "silent"
    UNKNOWN = "unknown"


class ServiceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A service. `since` is when it last answered, if it does not; `behind` is by topic; `outbox`
    over all départements; `heard` and `sent` are flows.
    """

    name: str
    state: State
    since: float | None
    troubles: tuple[Trouble, ...]
    heard: float
    sent: float
    behind: Mapping[str, Behind]
    outbox: Behind
    letters: int
    invariants: Mapping[str, bool]


class DepartementShown(msgspec.Struct, frozen=True, kw_only=True):
    """A département: what waits there for each service, and in each service's outbox. `oldest` are
    the service and the topic (empty: its outbox) of the oldest of all, if something waits.
    """

    code: str
    level: Level
    seconds: float
    oldest: tuple[str, str] | None
    behind: Mapping[str, Behind]
    outbox: Mapping[str, Behind]
    heard: float
    sent: float
    letters: int


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. A département that is not in `departements` is as `elsewhere` says."""

    at: float
    started_at: float
    elsewhere: Level
    services: tuple[ServiceShown, ...]
    departements: tuple[DepartementShown, ...]
    letters: tuple[Letter, ...]
    replays: tuple[Replay, ...]
    incidents: tuple[Incident, ...]
    funded: Quantiles
    slowest_trace: str | None


def worst(several: Mapping[Any, Behind]) -> Behind:
    """All that waits, as one: so many events, the oldest of them so old."""
    if not several:
        return Behind(0, 0)
    ages = [one.seconds for one in several.values() if one.seconds is not None]
    return Behind(
        sum(one.events for one in several.values()),
        max(ages) if ages else None,
        any(one.is_estimated for one in several.values()),
    )
