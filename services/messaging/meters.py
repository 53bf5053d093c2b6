"""What a process counts while it works: plain counters for events, histograms for durations.

Labels are closed sets (départements, types that the service understands, fates), so that the number
of series has a limit whatever comes over the log; see `docs/metrics.md`.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics import disable_created_metrics

from contracts.departements import departements_by_code
from contracts.recorded import Cause, Recorded, type_name
from services.messaging.codec import Breach, Heard, Record
from services.messaging.database import Connection

# They would double the series, and `process_start_time_seconds` tells it.
disable_created_metrics()  # type: ignore[no-untyped-call]

DEPARTEMENTS = frozenset(departements_by_code())
UNKNOWN_DEPARTEMENT = "unknown"
OTHER_TYPE = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
CHAIN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Fate(StrEnum):
    """What became of an event that was heard; see `batch`. `NOT_NOW` comes again."""

    DONE = "done"
    KNOWN = "known"
    REFUSED = "refused"
    DEAD_LETTER = "dead_letter"
    IGNORED = "ignored"
    NOT_NOW = "not_now"


class Leaving(StrEnum):
    """How far an event of the service's own came: committed in the outbox, or known there before;
    then taken by the log, or not, and tried again.
    """

    SAID = "said"
    KNOWN = "known"
    SENT = "sent"
    FAILED = "failed"


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """A time from the record of a cause to the commit of what follows, by département, in seconds.

    `name` ends in `_seconds`.
    """

    name: str
    help: str


class Gauge(msgspec.Struct, frozen=True, kw_only=True):
    """A number by département that a service reads from its tables. `query` gives rows
    (departement, value); `$1` in it is the present instant.
    """

    name: str
    help: str
    query: str


# What must always hold, each by its name, read from the rows.
Invariants = Callable[[Connection], Awaitable[Mapping[str, bool]]]

Told = tuple[str, str, str]  # département, type, fate


class Meters:
    """One process's numbers. `is_live` lets durations be measured: not under a driven clock."""

    def __init__(self, durations: Iterable[Duration] = ()) -> None:
        self.counters: Counter[str] = Counter()
        self.events_in: Counter[Told] = Counter()
        self.events_out: Counter[Told] = Counter()
        self.fenced: Counter[str] = Counter()
        self.is_live = False
        self.registry = CollectorRegistry(auto_describe=False)
        self.batch_events = Histogram(
            "cpts_batch_events",
            "Events of a batch that was committed.",
            buckets=EVENTS,
            registry=self.registry,
        )
        self.pool_wait = Histogram(
            "cpts_pool_wait_seconds",
            "How long a transaction waited for a connection.",
            buckets=SECONDS,
            registry=self.registry,
        )
        transactions = Histogram(
            "cpts_transaction_seconds",
            "From the begin of a transaction to its commit or rollback.",
            ["outcome"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.committed = transactions.labels("committed")
        self.rolled_back = transactions.labels("rolled_back")
        self._durations = {
            one.name: Histogram(
                one.name, one.help, ["departement"], buckets=CHAIN_SECONDS, registry=self.registry
            )
            for one in durations
        }

    def hears(
        self,
        items: Sequence[tuple[Record, Heard]],
        understood: frozenset[str],
        fates: Mapping[str, Fate] | Fate,
    ) -> None:
        """Count what became of events: the fate of all, or by their ids of those not done."""
        named = {} if isinstance(fates, Fate) else fates
        default = fates if isinstance(fates, Fate) else None
        plain: Counter[tuple[str, type[Any], Fate]] = Counter()
        for record, said in items:
            if isinstance(said, Recorded):
                fate = default or (named.get(str(said.id), Fate.DONE) if named else Fate.DONE)
                plain[said.departement, type(said.event), fate] += 1
            else:
                fate = Fate.DEAD_LETTER if isinstance(said, Breach) else Fate.IGNORED
                type_ = said.type if said.type in understood else None
                told = departement_of(record.key), type_ or OTHER_TYPE, str(default or fate)
                self.events_in[told] += 1
        for (departement, event_class, fate), count in plain.items():
            self.events_in[departement, type_name(event_class), str(fate)] += count

    def fences(self, items: Sequence[tuple[Record, Heard]]) -> None:
        """Count a batch that the fence refused, once for each of its départements."""
        self.fenced.update({departement_of(record.key) for record, _ in items})

    def leaves(self, row: Mapping[str, Any], how: Leaving) -> None:
        """Count how far an event of the service's own came, by its row in the outbox."""
        self.events_out[row["departement"], row["type"], str(how)] += 1

    def took(self, duration: Duration, departement: str, cause: Cause) -> None:
        """Measure from the record of a cause until now, with its trace as an exemplar."""
        if not self.is_live:
            return
        seconds = max(0.0, time.time() - cause.recorded_at.timestamp())
        self._durations[duration.name].labels(departement).observe(
            seconds, exemplar=exemplar_of(cause.traceparent)
        )


def departement_of(key: bytes | None) -> str:
    """The département that a record's key names, if it names one."""
    code = (key or b"").decode("ascii", errors="replace")
    return code if code in DEPARTEMENTS else UNKNOWN_DEPARTEMENT


def exemplar_of(traceparent: str | None) -> dict[str, str] | None:
    """The id of a trace whose spans are kept; None for any other."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or not int(parts[3], 16) & 1:  # noqa: PLR2004 - W3C's four parts
        return None
    return {"trace_id": parts[1]}
