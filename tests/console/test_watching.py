"""The console's memory: goal, that the picture never looks better than things are.

Method: rounds of answers made by hand, and pages of metrics as Prometheus' client writes them.
"""

from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from services.console.domain.counting import Window, quantiles
from services.console.domain.freshness import Level, Thresholds
from services.console.domain.incidents import KEPT, Kind, Wrong, follow
from services.console.domain.picture import DepartementShown, Picture, State
from services.console.domain.reading import (
    Behind,
    Counts,
    Letter,
    Seen,
    Trouble,
    read,
    together,
)
from services.console.domain.watching import Watch
from services.console.outside.asking import parse

NOW = 1_000_000.0
PAIR = ("membership", "indicators")
LAG = ("membership", "93")
LETTER = Letter(
    service="indicators",
    id=7,
    departement="95",
    reason="bad",
    recorded_at="2026-03-02T08:00:00+00:00",
)


def seen(
    lag: dict[tuple[str, str], Behind] | None = None,
    sent: dict[str, float] | None = None,
    **more: Any,
) -> Seen:
    told: dict[str, Any] = {"lag": lag or {}, "outbox": {}, "counts": Counts(sent=sent or {})}
    return Seen(**told | more)


class Rounds:
    """A watch on membership and indicators, one process each, asked every second."""

    def __init__(self) -> None:
        self.watch, self.now = Watch(PAIR, NOW), NOW

    def take(
        self, membership: Seen | None, indicators: Seen | None, *, after: float = 1
    ) -> Picture:
        self.now += after
        self.watch.take(
            {"membership": {"m": membership}, "indicators": {"i": indicators}}, self.now
        )
        return self.watch.picture(self.now)


def only(picture: Picture, code: str) -> DepartementShown:
    return next(one for one in picture.departements if one.code == code)


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(4.9, "fresh"), (5, "late"), (59, "late"), (60, "grave"), (599, "grave"), (600, "critical")],
)
def test_an_age_has_its_level(seconds: float, level: str) -> None:
    assert Thresholds().level(seconds) is Level(level)


def test_a_departement_is_as_old_as_the_oldest_that_waits_there_for_anybody() -> None:
    picture = Rounds().take(
        seen(outbox={"93": Behind(1, 80)}),
        seen({LAG: Behind(4, 30), ("referrals", "93"): Behind(2)}),
    )
    found = only(picture, "93")
    assert (found.level, found.seconds, found.oldest) == (Level.GRAVE, 80, ("membership", ""))
    assert found.behind["indicators"] == Behind(6, 30)
    assert picture.elsewhere is Level.FRESH
    assert [one.code for one in picture.departements] == ["93"]


def test_what_is_sent_to_a_service_that_is_silent_waits_for_it_and_grows_old() -> None:
    rounds = Rounds()
    rounds.take(seen(sent={"93": 10, "95": 3}), seen())
    calm = rounds.take(seen(sent={"93": 10, "95": 3}), None)
    assert calm.departements == ()
    rounds.take(seen(sent={"93": 12, "95": 3}), None)
    late = rounds.take(seen(sent={"93": 13, "95": 3}), None, after=20)
    found = only(late, "93")
    assert found.behind["indicators"] == Behind(3, 20, is_estimated=True)
    assert (found.level, found.oldest) == (Level.LATE, ("indicators", "membership"))
    assert "95" not in {one.code for one in late.departements if one.behind}
    healed = rounds.take(seen(sent={"93": 13, "95": 3}), seen())
    assert only(healed, "93").level is Level.FRESH
    assert not only(healed, "93").behind


def test_what_a_service_was_behind_when_it_fell_silent_goes_on_waiting() -> None:
    rounds = Rounds()
    rounds.take(seen(), seen({LAG: Behind(4, 30)}, outbox={"59": Behind(1, 2)}))
    picture = rounds.take(seen(sent={"93": 1}), None, after=60)
    assert only(picture, "93").behind["indicators"] == Behind(5, 90, is_estimated=True)
    assert only(picture, "59").outbox["indicators"] == Behind(1, 62, is_estimated=True)
    assert only(picture, "59").level is Level.GRAVE


def test_a_service_that_cannot_read_the_log_is_not_taken_for_up_to_date() -> None:
    rounds = Rounds()
    rounds.take(seen(sent={"93": 1}), seen())
    blind = msgspec.structs.replace(seen(), lag=None)
    rounds.take(seen(sent={"93": 2}), blind)
    picture = rounds.take(seen(sent={"93": 2}), blind, after=10)
    assert only(picture, "93").level is Level.LATE


def test_where_a_service_never_told_nobody_is_said_to_be_fresh() -> None:
    picture = Rounds().take(seen(sent={"93": 1}, letters=(LETTER,)), None)
    assert picture.elsewhere is Level.UNKNOWN
    assert only(picture, "95").level is Level.UNKNOWN
    assert picture.services[1].state is State.UNKNOWN


def test_one_missed_answer_is_slow_and_two_are_silence() -> None:
    rounds = Rounds()
    rounds.take(seen(), seen(troubles=(Trouble("relay", "starting"),)))
    assert rounds.take(seen(), None).services[1].state is State.NOT_READY
    silent = rounds.take(seen(), None).services[1]
    assert (silent.state, silent.since, silent.troubles) == (State.SILENT, NOW + 1, ())
    assert rounds.take(seen(), seen()).services[1].state is State.READY


def test_a_process_that_began_anew_counts_from_nothing() -> None:
    rounds = Rounds()
    for sent in (100, 130, 6):
        picture = rounds.take(seen(sent={"93": sent}), seen())
    assert picture.services[0].sent == pytest.approx(36 / 3)


def test_of_several_processes_counts_add_up_and_the_worst_reading_stands() -> None:
    watch = Watch(("membership",), NOW)
    for n in (0, 3):
        one = seen({LAG: Behind(1, 1)}, {"93": n}, invariants={"holds": True})
        other = seen({LAG: Behind(5, 9)}, {"93": 2 * n}, invariants={"holds": n == 0})
        watch.take({"membership": {"a": one, "b": other, "c": None}}, NOW + 1 + n)
    (service,) = watch.picture(NOW + 4).services
    assert service.sent == pytest.approx(9 / 4)
    assert service.invariants == {"holds": False}
    assert together([one, other]).lag == {LAG: Behind(5, 9)}


def test_incidents_begin_end_and_are_forgotten_the_oldest_first() -> None:
    silent, late = (
        Wrong(kind=Kind.SILENT, service="payments"),
        Wrong(kind=Kind.LATE, departement="93"),
    )
    found = follow((), {silent}, 1)
    found = follow(found, {silent, late}, 2)
    found = follow(found, {late}, 3)
    assert [(one.wrong, one.began_at, one.ended_at) for one in found] == [
        (late, 2, None),
        (silent, 1, 3),
    ]
    for now in range(4, 4 + 2 * KEPT):
        found = follow(found, {late, silent} if now % 2 else {late}, now)
    assert len(found) == KEPT
    assert found[-1].wrong == late, "what goes on is kept, however old"


def test_a_picture_tells_what_went_wrong_while_a_service_was_away_too() -> None:
    rounds = Rounds()
    broken = seen(letters=(LETTER,), invariants={"ledger_sums_to_zero": False})
    for indicators in (broken, None, None):
        picture = rounds.take(seen(), indicators)
    kinds = {one.wrong.kind for one in picture.incidents if one.ended_at is None}
    assert kinds == {Kind.SILENT, Kind.DEAD_LETTERS, Kind.INVARIANT}


def test_a_window_forgets_and_quantiles_are_upper_bounds() -> None:
    assert quantiles({"0.1": 50, "1.0": 98, "5.0": 99, "+Inf": 100}).most == 5
    assert quantiles({"0.1": 50, "1.0": 98, "+Inf": 100}).most is None
    assert quantiles({}).half is None
    window = Window()
    window.take(0, 1, Counts(heard={"93": 60}, funded={"0.1": 1, "+Inf": 1}))
    assert window.flows(1)[0] == {"93": 60}
    window.take(1, 100, Counts())
    assert window.flows(100)[0] == {}
    assert window.funded().count == 1
    window.take(100, 302, Counts())
    assert window.funded().count == 0


def test_a_page_of_metrics_is_read_and_its_zeros_are_not() -> None:
    registry = CollectorRegistry()
    keys = ["topic", "departement"]
    events = Gauge("cpts_lag_events", "h", keys, registry=registry)
    seconds = Gauge("cpts_lag_seconds", "h", keys, registry=registry)
    events.labels("membership", "93").set(4)
    seconds.labels("membership", "93").set(12.5)
    for code in ("01", "02"):
        events.labels("membership", code).set(0)
    told = ["departement", "type", "fate"]
    heard = Counter("cpts_events_in", "h", told, registry=registry)
    for fate, times in (("done", 3), ("known", 1), ("not_now", 9)):
        heard.labels("93", "x", fate).inc(times)
    invariants = Gauge("cpts_invariant", "h", ["invariant"], registry=registry)
    invariants.labels("ledger_sums_to_zero").set(0)
    name = "cpts_acceptance_to_funding_seconds"
    took = Histogram(name, "h", ["departement"], buckets=(0.1, 1), registry=registry)
    took.labels("93").observe(0.01, exemplar={"trace_id": "a" * 32})
    took.labels("95").observe(0.5, exemplar={"trace_id": "b" * 32})
    Gauge("cpts_pool_connections", "h", registry=registry).set(3)

    families, samples = parse(generate_latest(registry).decode())
    assert len([one for one in samples if one.name == "cpts_lag_events"]) == 1
    assert "cpts_pool_connections" not in families
    found = read(families, samples)
    assert found.lag == {LAG: Behind(4, 12.5)}
    assert found.outbox is None, "a page without the family is of a service that could not read it"
    assert found.counts == Counts(heard={"93": 4}, funded={"0.1": 1, "1.0": 2, "+Inf": 2})
    assert found.invariants == {"ledger_sums_to_zero": False}
    assert found.slowest_trace == "b" * 32
