"""The command that follows one referral to its euro: trace.

By what the databases and the log know of it, whether or not spans are kept: the instants at which
transactions were committed (`track_commit_timestamp`) and at which Kafka took each event.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from deploy.local.amounts import euros
from deploy.local.lifecycle import find_running
from deploy.local.topics import Said, instants_in_log

SAID = """
    select id, type, departement, recorded_at, traceparent,
        pg_xact_commit_timestamp(history.xmin) as committed_at
    from history left join (select id, traceparent from outbox) as sent using (id)
    where subject = %s order by sequence
"""
# The revision of each figure that first counted the referral, and what was said of it then.
COUNTED = """
    with counted as (
        select distinct on (cpts_id, indicator, starts_on)
            cpts_id, indicator, starts_on, revision, xmin as written_by,
            pg_xact_commit_timestamp(xmin) as committed_at
        from figure_fact where fact_id = 'referral:' || %s and is_counted
        order by cpts_id, indicator, starts_on, revision
    )
    select counted.cpts_id, indicator, starts_on, revision, committed_at, history.id,
        history.departement
    from counted join history on history.xmin = written_by
        and subject = concat_ws('/', counted.cpts_id, indicator, starts_on)
    order by cpts_id, starts_on, indicator
"""
# The first estimate that read that revision, or a later one.
PRICED = """
    select previous_cents, variable_cents, pg_xact_commit_timestamp(xmin) as committed_at
    from estimate
    where cpts_id = %s and starts_on = %s and indicator = %s and figure_revision >= %s
    order by sequence limit 1
"""
ACCEPTED = "referrals.ReferralAccepted.v1"
# Where the clock is a driven one, an order's own instant is not of this time.
ORDER_LASTS_AT_MOST = timedelta(minutes=1)
BAR_WIDTH = 36


class Place(Protocol):
    """Where to look: the brokers, what the names of topics begin with, each service's database."""

    @property
    def kafka(self) -> str: ...  # noqa: D102
    @property
    def namespace(self) -> str: ...  # noqa: D102
    @property
    def database_urls(self) -> Mapping[str, str]: ...  # noqa: D102


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a service, or the way between two, did from one instant to another."""

    service: str
    what: str
    begins_at: datetime
    ends_at: datetime


class Funded(msgspec.Struct, frozen=True, kw_only=True):
    """What an acceptance moved: a figure of a contract year, the variable part before and after,
    and the steps that led there.
    """

    cpts_id: str
    indicator: str
    starts_on: date
    previous_cents: int
    variable_cents: int
    steps: tuple[Step, ...]


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A referral's events by their types, and what its acceptance moved; `trace_id` while the
    outbox still holds it.
    """

    events: tuple[str, ...]
    is_accepted: bool
    trace_id: str | None
    funded: tuple[Funded, ...]


@contextmanager
def _rows_of(url: str) -> Iterator[Any]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


def follow(place: Place, referral_id: str) -> Followed:
    """Everything that is known of a referral on its way; no events when it is unknown."""
    with _rows_of(place.database_urls["referrals"]) as rows:
        said = rows(SAID, referral_id)
    accepted = next((row for row in reversed(said) if row["type"] == ACCEPTED), None)
    funded: tuple[Funded, ...] = ()
    if accepted is not None:
        funded = _funded(place, referral_id, accepted)
    traces = [row["traceparent"] for row in said if row["traceparent"]]
    return Followed(
        events=tuple(row["type"] for row in said),
        is_accepted=accepted is not None,
        trace_id=traces[-1].split("-")[1] if traces else None,
        funded=funded,
    )


def _funded(place: Place, referral_id: str, accepted: Mapping[str, Any]) -> tuple[Funded, ...]:
    with _rows_of(place.database_urls["indicators"]) as rows:
        counted = rows(COUNTED, referral_id)
    with _rows_of(place.database_urls["payments"]) as rows:
        priced = [
            rows(PRICED, row["cpts_id"], row["starts_on"], row["indicator"], row["revision"])
            for row in counted
        ]
    known = [(figure, found[0]) for figure, found in zip(counted, priced, strict=True) if found]
    in_log = instants_in_log(
        place.kafka,
        [
            _as_said(place, "referrals", accepted),
            *(_as_said(place, "indicators", figure) for figure, _ in known),
        ],
    )
    return tuple(
        Funded(
            cpts_id=figure["cpts_id"],
            indicator=figure["indicator"],
            starts_on=figure["starts_on"],
            previous_cents=estimate["previous_cents"],
            variable_cents=estimate["variable_cents"],
            steps=tuple(_steps(accepted, figure, estimate, in_log)),
        )
        for figure, estimate in known
    )


def _as_said(place: Place, topic: str, row: Mapping[str, Any]) -> Said:
    return Said(
        id=row["id"],
        topic=f"{place.namespace}{topic}",
        departement=row["departement"],
        after=row["committed_at"],
    )


def _steps(
    accepted: Mapping[str, Any],
    figure: Mapping[str, Any],
    estimate: Mapping[str, Any],
    in_log: Mapping[UUID, datetime],
) -> Iterator[Step]:
    """From the order to the estimate, without gap; a send that the log does not tell is left in
    what follows it.
    """
    at: datetime = accepted["committed_at"]
    if timedelta() <= at - accepted["recorded_at"] < ORDER_LASTS_AT_MOST:
        yield Step(
            service="referrals", what="accepte", begins_at=accepted["recorded_at"], ends_at=at
        )
    for sender, receiver, row, verb, until in (
        ("referrals", "indicators", accepted, "compte", figure["committed_at"]),
        ("indicators", "payments", figure, "estime", estimate["committed_at"]),
    ):
        # Kafka's clock has milliseconds: what it took may seem older than its commit.
        if (sent_at := in_log.get(row["id"])) is not None:
            sent_at = min(max(sent_at, at), until)
            yield Step(service=sender, what="envoie", begins_at=at, ends_at=sent_at)
            at = sent_at
        yield Step(service=receiver, what=verb, begins_at=at, ends_at=until)
        at = until


def _milliseconds(length: timedelta) -> float:
    return length / timedelta(milliseconds=1)


def waterfall(steps: Sequence[Step]) -> Table:
    """The steps one under the other, each with when it began, how long it took, and its bar."""
    first, last = steps[0].begins_at, steps[-1].ends_at
    whole = max(_milliseconds(last - first), 0.001)
    table = Table("service", "étape", "à (ms)", "durée (ms)", "", box=None)
    for column in (2, 3):
        table.columns[column].justify = "right"
    for step in steps:
        begins = _milliseconds(step.begins_at - first)
        took = _milliseconds(step.ends_at - step.begins_at)
        start = round(begins / whole * BAR_WIDTH)
        bar = " " * start + ("█" * round(took / whole * BAR_WIDTH) or "▏")
        table.add_row(step.service, step.what, f"{begins:.1f}", f"{took:.1f}", bar)
    return table


def show(place: Place, referral_id: str, console: Console, traces_page: str | None = None) -> bool:
    """Print a referral's way to its euro; answers whether the referral is known."""
    found = follow(place, referral_id)
    if not found.events:
        return False
    console.print(f"{referral_id} : {' → '.join(found.events)}", soft_wrap=True)
    if found.trace_id:
        where = f"{traces_page}traces/" if traces_page else ""
        console.print(f"trace : {where}{found.trace_id}", soft_wrap=True)
    if not found.is_accepted:
        console.print("aucune CPTS ne l'a acceptée : elle ne change aucun montant")
    elif not found.funded:
        console.print(
            "aucune estimation ne la compte : elle ne compte pas, ou elle est encore en chemin"
        )
    for one in found.funded:
        took = _milliseconds(one.steps[-1].ends_at - one.steps[0].begins_at)
        console.print(
            f"\n{one.cpts_id}, {one.indicator}, année du {one.starts_on:%d/%m/%Y} : part variable "
            f"{euros(one.previous_cents)} → {euros(one.variable_cents)}, en {took:.1f} ms",
            soft_wrap=True,
        )
        console.print(waterfall(one.steps))
    return True


def trace(options: Namespace) -> int:
    """Print the way of one referral from its order to its euro; answers 1 when it is unknown."""
    stack = find_running(options.instance)
    if show(stack, options.referral_id, Console(highlight=False), stack.traces_page):
        return 0
    print(f"aucune demande ne s'appelle {options.referral_id}")
    return 1
