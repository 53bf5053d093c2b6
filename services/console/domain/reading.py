"""What one answer of a service says: its metrics, its health and its dead letters, by département.

Instants are seconds since 1970 on the console's clock; ages are seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

CHAIN_METRIC = "cpts_acceptance_to_funding_seconds"
WANTED = (
    *("cpts_lag_events", "cpts_lag_seconds", "cpts_outbox_events", "cpts_outbox_age_seconds"),
    *("cpts_events_in", "cpts_events_out", "cpts_invariant", CHAIN_METRIC),
)
"""The families that the console reads; the others stay unread."""
HEARD_FATES = frozenset({"done", "known", "refused", "dead_letter", "ignored"})
ENDLESS = "+Inf"


class Sample(NamedTuple):
    """One line of a page of metrics; `trace_id` is its exemplar's, if it has one."""

    name: str
    labels: Mapping[str, str]
    value: float
    trace_id: str | None = None


class Behind(msgspec.Struct, frozen=True):
    """Events that wait, and how long the oldest has waited: None when that is not known.

    `is_estimated` when whom they wait for does not say it itself.
    """

    events: float
    seconds: float | None = None
    is_estimated: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What only grows until the process ends: events by département, the chain's buckets."""

    heard: Mapping[str, float] = {}
    sent: Mapping[str, float] = {}
    funded: Mapping[str, float] = {}


class Trouble(msgspec.Struct, frozen=True):
    """Why a part of a service does not work, and the command that mends it, if one does."""

    part: str
    reason: str
    command: str | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A service's dead letter without its body, which is asked for when a person opens it."""

    service: str
    id: int
    departement: str
    reason: str
    recorded_at: str
    type: str | None = None
    topic: str = ""
    trace_id: str | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay that somebody asked a service for, and what came of it."""

    service: str
    letter_id: int
    outcome: str
    asked_at: str
    type: str | None = None
    asked_by: str | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one process, or a service by all of its processes, says at one moment.

    `lag` (by topic and département) and `outbox` are None when it could not read them. Only what
    waits is in them. `slowest_trace` is one of the slowest of the chain that kept its spans.
    """

    troubles: tuple[Trouble, ...] = ()
    lag: Mapping[tuple[str, str], Behind] | None = None
    outbox: Mapping[str, Behind] | None = None
    counts: Counts = Counts()
    invariants: Mapping[str, bool] = {}
    slowest_trace: str | None = None
    letters: tuple[Letter, ...] = ()
    replays: tuple[Replay, ...] = ()


def read(
    families: Iterable[str],
    samples: Iterable[Sample],
    *,
    troubles: Sequence[Trouble] = (),
    letters: Sequence[Letter] = (),
    replays: Sequence[Replay] = (),
) -> Seen:
    """One answer. `families` are the names of those that the page has, also without a sample."""
    known = set(families)
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)

    def values(name: str, *labels: str) -> dict[Any, float]:
        found = by_name.get(name, ())
        if len(labels) == 1:
            return {one.labels[labels[0]]: one.value for one in found}
        return {tuple(one.labels[label] for label in labels): one.value for one in found}

    keys = ("topic", "departement")
    lag = _behind(values("cpts_lag_events", *keys), values("cpts_lag_seconds", *keys))
    outbox = _behind(
        values("cpts_outbox_events", "departement"),
        values("cpts_outbox_age_seconds", "departement"),
    )
    buckets = by_name.get(f"{CHAIN_METRIC}_bucket", ())
    return Seen(
        troubles=tuple(troubles),
        lag=lag if "cpts_lag_events" in known else None,
        outbox=outbox if "cpts_outbox_events" in known else None,
        counts=Counts(
            heard=_added(by_name.get("cpts_events_in_total", ()), HEARD_FATES),
            sent=_added(by_name.get("cpts_events_out_total", ()), frozenset({"sent"})),
            funded=add(*({one.labels["le"]: one.value} for one in buckets)),
        ),
        invariants={
            name: value == 1 for name, value in values("cpts_invariant", "invariant").items()
        },
        slowest_trace=_slowest(buckets),
        letters=tuple(letters),
        replays=tuple(replays),
    )


def _behind(events: Mapping[Any, float], seconds: Mapping[Any, float]) -> dict[Any, Behind]:
    return {key: Behind(count, seconds.get(key)) for key, count in events.items() if count}


def _added(samples: Iterable[Sample], fates: frozenset[str]) -> dict[str, float]:
    return add(
        *({one.labels["departement"]: one.value} for one in samples if one.labels["fate"] in fates)
    )


def _slowest(buckets: Iterable[Sample]) -> str | None:
    """The trace of the slowest bucket that has one."""
    traced = [one for one in buckets if one.trace_id is not None]
    return max(traced, key=lambda one: float(one.labels["le"])).trace_id if traced else None


def add(*counts: Mapping[str, float]) -> dict[str, float]:
    """The sum, key by key."""
    total: dict[str, float] = {}
    for one in counts:
        for key, value in one.items():
            total[key] = total.get(key, 0) + value
    return total


def together(seen: Sequence[Seen]) -> Seen:
    """What the processes of one service say between them: they read the same tables and logs, so
    the worst stands; an invariant holds when it does for all who told it. Counts are not here.
    """
    first, *others = seen
    if not others:
        return msgspec.structs.replace(first, counts=Counts())
    lags = [one.lag for one in seen if one.lag is not None]
    outboxes = [one.outbox for one in seen if one.outbox is not None]
    return Seen(
        troubles=tuple(trouble for one in seen for trouble in one.troubles),
        lag=_worst(lags) if lags else None,
        outbox=_worst(outboxes) if outboxes else None,
        invariants={
            name: all(one.invariants.get(name, True) for one in seen)
            for name in {name for one in seen for name in one.invariants}
        },
        slowest_trace=next((one.slowest_trace for one in seen if one.slowest_trace), None),
        letters=first.letters,
        replays=first.replays,
    )


def _worst(several: Sequence[Mapping[Any, Behind]]) -> dict[Any, Behind]:
    found: dict[Any, Behind] = {}
    for one in several:
        for key, behind in one.items():
            other = found.get(key)
            if other is None or (behind.seconds or 0) > (other.seconds or 0):
                found[key] = behind
    return found
