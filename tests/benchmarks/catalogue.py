"""Every bench: its figures, how it is measured, and what both sides are set to."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from deploy.local.aci import progress
from deploy.local.stack import Stack
from tests.benchmarks import (
    acceptances,
    aci,
    aci_cast,
    backlog,
    chain,
    fuzz,
    growth,
    http_load,
    isolation,
    national_year,
    outbox_relay,
    rebuilding,
    relays,
    sharing,
    slots,
    slots_cast,
    watching,
)
from tests.benchmarks.measuring import PARTITIONS, Figure, Sample, Sizes

Measure = Callable[[Stack, Path, Sizes, int], AsyncIterator[dict[str, Sample]]]

PRODUCER = "idempotent, acks=all, zstd, linger 0"
COLLECTOR = "uvloop, gc frozen, threshold 50000"
COMMIT = "synchronous_commit=on"


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that are measured together. `measure` gives each run's samples by their ids.

    Without a `baseline` they are held against limits.
    """

    name: str
    what: str
    figures: tuple[Figure, ...]
    measure: Measure
    ours: str
    baseline: str = ""

    def is_asked(self, asked: Sequence[str]) -> bool:
        """Whether an id on the command line means this bench, or one of its figures."""
        known = {self.name, *(one.id for one in self.figures)}
        return not asked or any(
            wanted in known or any(one.startswith(f"{wanted}-") for one in known)
            for wanted in asked
        )


def settings_of(bench: Bench, sizes: Sizes) -> dict[str, Any]:
    """What a reader needs to judge the figures of a bench."""
    return {
        "what": bench.what,
        "ours": bench.ours,
        "baseline": bench.baseline,
        "partitions": PARTITIONS,
        "sizes": msgspec.to_builtins(sizes),
    }


def _backlog(figure: Figure, measure: Measure, events: str) -> Bench:
    return Bench(
        name=figure.id,
        what=f"{figure.id[3:]} takes a backlog of {events}, its relay held off",
        figures=(figure,),
        measure=measure,
        ours=f"the service's process: group membership, batches <= 1000, {COMMIT}, {COLLECTOR}",
        baseline="aiokafka getmany(1000), msgspec, the recorded SQL of the same batches in one "
        f"transaction each: manual assignment, {COMMIT}, {COLLECTOR}",
    )


def _chain(name: str) -> Bench:
    rate = chain.RATES[name]
    return Bench(
        name=name,
        what=f"from an acceptance to its estimate at {rate}/s, open loop, Poisson",
        figures=chain.figures(name),
        measure=partial(chain.at, name),
        ours=f"three services, HTTP over {http_load.CONNECTIONS} connections: {PRODUCER}; "
        f"fetch_min 1; group membership; {COMMIT}; {COLLECTOR}",
        baseline="three bare processes: commit, send, consume, commit, send, consume, commit: "
        f"{PRODUCER}; fetch_min 1; manual assignment; {COMMIT}; {COLLECTOR}",
    )


def _watched(figure: Figure, measure: Measure, what: str) -> Bench:
    return Bench(
        name=figure.id,
        what=f"{what}: watched and not",
        figures=(figure,),
        measure=measure,
        ours="every trace kept, spans over OTLP to a process that takes them, /metrics asked for "
        f"every {watching.SCRAPE_EVERY_SECONDS:g} s; {COMMIT}; {COLLECTOR}",
        baseline=f"no exporter, nothing counted, nobody asks; {COMMIT}; {COLLECTOR}",
    )


ACI = Bench(
    name="aci",
    what="the ACI at its size: one question after the other, why a year is worth what it is, and "
    "what it may be worth at its end; then all that is to settle in one run",
    figures=aci.FIGURES,
    measure=aci.measure,
    ours=f"the service's process, its relay at work, over HTTP; {aci_cast.YEARS} contract years "
    f"a CPTS, all over, of {aci_cast.LINES} lines and validated values; `just aci settle` settles "
    f"them {progress.AT_ONCE} at once; an explanation has all lines, each with its first hundred "
    "facts, and a past one (`known_at`) is made of what was recorded until then. The database is "
    "filled as a rebuild from the log fills it: events heard by the handlers, own events applied; "
    "facts told twenty at a time, an account priced twice; "
    f"{COMMIT}; {COLLECTOR}",
)
REBUILD = Bench(
    name="P5",
    what="a part of a national year of 20 million demands is rebuilt from the log, each service "
    "alone, and comes to the same figures and cents; minutes for the whole year, by proportion",
    figures=rebuilding.FIGURES,
    measure=rebuilding.measure,
    ours="`python -m services.<name> rebuild`, from its start to its end, beside Kafka and "
    f"PostgreSQL on the same cores; {national_year.DEMANDS_OF_A_CPTS} demands a CPTS in a year; "
    "each demand that counts has its own event of a figure and its own estimate and accrual",
)
SLOTS = Bench(
    name="slots",
    what=f"searches of free slots over mutual TLS at {slots.RATE:.0f}/s, open loop, Poisson: 1 to "
    f"{slots.IDENTIFIERS_MAX} professionals, to the end of the day after next, both flows in turn",
    figures=slots.FIGURES,
    measure=slots.measure,
    ours=f"the gateway's process over {http_load.CONNECTIONS} connections; {COMMIT}; {COLLECTOR}; "
    f"{slots_cast.SLOTS_OF_EACH} slots a professional, five a working day, one in "
    f"{slots_cast.BOOKED_EVERY} booked, one professional in {slots_cast.TWO_PLACES_EVERY} at two "
    "places; the client on the same machine",
)
FUZZ = Bench(
    name="fuzz",
    what="bad inputs over HTTP to the doors and orders of the gateway and to the door of the Hub's "
    "messages, with good ones among them",
    figures=fuzz.FIGURES,
    measure=fuzz.measure,
    ours=f"two services' processes; {fuzz.AT_ONCE} inputs at once; accounts, searches and "
    "envelopes by Hypothesis, every documented operation by schemathesis, up to "
    f"{fuzz.DRAWN_MAX}; then those crossed with each other; one account and one message after "
    f"each {fuzz.GOOD_EVERY}, looked for at the end",
)
BENCHES = (
    _backlog(backlog.INDICATORS_FIGURE, backlog.indicators, "lives of demands"),
    _backlog(backlog.PAYMENTS_FIGURE, backlog.payments, "figures that grow"),
    _chain("P3"),
    _chain("P4"),
    REBUILD,
    _watched(
        watching.BACKLOG_FIGURE, watching.backlog, "indicators takes a backlog of lives of demands"
    ),
    _watched(
        watching.CHAIN_FIGURE,
        watching.latency,
        f"from an acceptance to its estimate at {watching.RATE}/s, open loop, Poisson",
    ),
    Bench(
        name="P7",
        what=f"acceptances over HTTP: at {acceptances.RATE}/s, open loop, Poisson; then "
        f"{acceptances.CONCURRENCY} at once",
        figures=acceptances.FIGURES,
        measure=acceptances.measure,
        ours=f"the service's process, its relay at work; pool of 10; {COMMIT}; {COLLECTOR}",
        baseline="asyncpg, the recorded SQL of the same orders in one transaction each, without "
        f"HTTP and relay; pool of 10; {COMMIT}; {COLLECTOR}",
    ),
    Bench(
        name="P8",
        what=f"indicators takes a backlog of lives of demands: {growth.TIMES} times the CPTS, "
        f"the départements (each its partition), the days before it",
        figures=growth.FIGURES,
        measure=growth.measure,
        ours="the service's process, its relay held off, 128 partitions; the last 4/5 of an "
        f"eighth of the events; resident memory at their end; {COMMIT}; {COLLECTOR}",
        baseline=f"the same with {growth.DEPARTEMENTS} départements of {growth.CPTS_OF_EACH} CPTS; "
        "the first day of ten",
    ),
    Bench(
        name="P9",
        what=f"the p99 of an acceptance to its estimate at {isolation.OTHERS_RATE}/s in eleven "
        f"départements: beside a storm of {isolation.STORM_RATE}/s in a twelfth, and beside days "
        f"of {isolation.DAY_EVENTS} events that it reads from the log",
        figures=(isolation.STORM_FIGURE, isolation.REPLAY_FIGURE),
        measure=isolation.measure,
        ours="three services, one process each, a partition a département; open loop, Poisson, "
        f"all on this machine: {PRODUCER}; {COMMIT}; {COLLECTOR}",
        baseline="the same acceptances alone, in the same processes just before",
    ),
    Bench(
        name="share",
        what=f"from an acceptance to its estimate at {sharing.RATE}/s, open loop, Poisson, two "
        "processes a service: in peace, then the longest while a département moves from one to the "
        "other and a process goes and comes back",
        figures=sharing.FIGURES,
        measure=sharing.measure,
        ours="two processes of each service, one database a service: indicators and payments by "
        f"--departements, referrals balanced; all is counted, once: {PRODUCER}; {COMMIT}; "
        f"{COLLECTOR}",
        baseline="one process of each service",
    ),
    Bench(
        name="R1",
        what="relays the same rows: a backlog; then each from its commit to a reader of the "
        f"topic at {relays.RATE}/s, open loop, Poisson",
        figures=relays.FIGURES,
        measure=relays.measure,
        ours=f"messaging's relay, order of each aggregate kept: {PRODUCER}; {COMMIT}; {COLLECTOR}",
        baseline=f"faststream-outbox {version('faststream-outbox')}, no order kept: "
        f"{outbox_relay.WORKERS} workers, {outbox_relay.FETCH} rows a fetch, deletions "
        f"{outbox_relay.DELETE_AT_ONCE} at once, LISTEN; {PRODUCER}; {COMMIT}; {COLLECTOR}",
    ),
    ACI,
    SLOTS,
    FUZZ,
)
