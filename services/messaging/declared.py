"""What a service declares about itself; `process` runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from litestar.types import ASGIApp

from contracts.recorded import Recorded
from contracts.topics import Topic
from services.messaging.database import Connection
from services.messaging.hearing import Hears
from services.messaging.meters import Duration, Gauge, Invariants
from services.messaging.restoring import LookAgain
from services.messaging.timers import Timer

if TYPE_CHECKING:
    from services.messaging.running import Running

Apply = Callable[[Connection, Sequence[Recorded[Any]]], Awaitable[None]]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service. `schema` is its folder of migrations; `apply` is how its own events change its
    state, live, in a rebuild and in a restore. `look_again` is called when a service that is
    restored or built anew has heard everything: it derives what its handlers have not.
    `outside_log` are the tables that the log does not give, and columns as `table.column`.
    `on_errors` tells errors over HTTP in another form than `problems`: by exception, as Litestar's
    handlers. `labels` says in French what each route does (`documents`). `around` stands before the
    whole application, what no route answers included; `listeners` serve it beside HTTP, as long.
    `/metrics` shows what `invariants`, `gauges` and `durations` tell beside what all services tell.
    """

    name: str
    topic: Topic
    schema: Path
    apply: Apply
    hears: tuple[Hears, ...] = ()
    timers: tuple[Timer, ...] = ()
    routes: Sequence[Any] = ()
    labels: Path | None = None
    look_again: LookAgain | None = None
    outside_log: tuple[str, ...] = ()
    on_errors: Mapping[Any, Any] = {}
    invariants: Invariants | None = None
    gauges: tuple[Gauge, ...] = ()
    durations: tuple[Duration, ...] = ()
    background: tuple[Callable[["Running"], Awaitable[None]], ...] = ()
    around: Callable[[ASGIApp], ASGIApp] | None = None
    listeners: tuple[Callable[["Running"], AbstractAsyncContextManager[None]], ...] = ()
