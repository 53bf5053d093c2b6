"""`/metrics`: goal, that what it tells is so, is told in this page's form, and has a limit.

Method: the meters alone, each service's families against `docs/metrics.md`, then the toys on the
real Kafka and PostgreSQL.
"""

import asyncio
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from contracts.recorded import Cause
from services.messaging import scraping
from services.messaging.clock import RealClock
from services.messaging.codec import Breach, Unknown
from services.messaging.database import open_reading_pool
from services.messaging.dead_letters import KeptRecord
from services.messaging.declared import Service
from services.messaging.meters import Duration, Fate, Meters
from services.messaging.scraping import SERIES_MAX, Scraper, Taken
from tests.exposed import SERVICES, loaded
from tests.messaging.raw import counted
from tests.messaging.toy import POISON
from tests.scraped import Samples, samples, scraped

PAGE = Path(__file__).parent.parent.parent / "docs" / "metrics.md"
TOOK = Duration(name="cpts_toy_seconds", help="How long.")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def record(offset: int, key: bytes = b"93") -> KeptRecord:
    return KeptRecord(topic="t", partition=0, offset=offset, key=key, value=b"", headers=())


def test_each_fate_is_counted_under_a_type_that_is_understood() -> None:
    meters = Meters()
    first, second = counted("a", 1), counted("b", 1, departement="95")
    items: list[Any] = [
        (record(0), first),
        (record(1), second),
        (record(2), Unknown("things.Surprise.v9")),
        (record(3, b"\xff"), Breach("bad", "things.Invented.v1")),
        (record(4), Breach("bad", "things.Counted.v1")),
    ]
    known = {str(second.id): Fate.KNOWN}
    meters.hears(items, frozenset({"things.Counted.v1"}), known)
    meters.hears(items[:3], frozenset({"things.Counted.v1"}), Fate.NOT_NOW)
    assert meters.events_in == {
        ("93", "things.Counted.v1", "done"): 1,
        ("95", "things.Counted.v1", "known"): 1,
        ("93", "other", "ignored"): 1,
        ("unknown", "other", "dead_letter"): 1,
        ("93", "things.Counted.v1", "dead_letter"): 1,
        ("93", "things.Counted.v1", "not_now"): 1,
        ("95", "things.Counted.v1", "not_now"): 1,
        ("93", "other", "not_now"): 1,
    }


def test_a_duration_names_its_trace_only_if_it_is_kept_and_needs_a_clock_that_is_real() -> None:
    meters = Meters((TOOK,))
    now = datetime.now(UTC)
    kept, left = (f"00-{n * 32}-{n * 16}-0{flag}" for n, flag in (("a", 1), ("b", 0)))
    meters.took(TOOK, "93", Cause(id="x", recorded_at=now, traceparent=kept))
    assert b"trace_id" not in generate_openmetrics(meters.registry)
    meters.is_live = True
    for traceparent in (kept, left, None):
        meters.took(TOOK, "93", Cause(id="x", recorded_at=now, traceparent=traceparent))
    text = generate_openmetrics(meters.registry).decode()
    assert re.findall(r'trace_id="(\w+)"', text) == ["a" * 32]
    assert samples(generate_latest(meters.registry).decode())["cpts_toy_seconds_count"] == {
        ("93",): 3
    }


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.name)
def test_a_service_has_fewer_series_than_its_limit(service: Service) -> None:
    text = generate_latest(Taken(loaded(service)))
    series = [line for line in text.splitlines() if not line.startswith(b"#")]
    assert 3_000 < len(series) < SERIES_MAX


def test_the_page_tells_of_each_metric_and_of_no_other() -> None:
    told = set(re.findall(r"^\| `(cpts_\w+)`", PAGE.read_text("utf-8"), re.MULTILINE))
    named = {
        family.name + ("_total" if family.type == "counter" else "")
        for service in SERVICES
        for family in loaded(service)
    }
    source = Path(scraping.__file__).read_text("utf-8")
    read = set(re.findall(r'"(cpts_(?:ready|reading_timestamp_seconds))"', source))
    assert told == named | read | {"cpts_reading_failures_total"}
    assert f"{SERIES_MAX:,}".replace(",", " ") in PAGE.read_text("utf-8")


async def test_a_service_tells_what_it_heard_said_and_put_aside(listener, log, toy) -> None:
    await log.say(counted("a", 1), counted("b", 2, departement="95"), counted("c", POISON))
    await log.write(b"", [("ce_type", b"things.Named.v1")])
    await listener.caught_up()
    await listener.relayed()
    found = await scraped(listener)
    assert found["cpts_events_in_total"] == {
        ("93", "done", "things.Counted.v1"): 1,
        ("95", "done", "things.Counted.v1"): 1,
        ("93", "dead_letter", "things.Counted.v1"): 1,
        ("93", "ignored", "other"): 1,
    }
    for how in ("said", "sent"):
        assert found["cpts_events_out_total"]["95", how, "totals.Totalled.v1"] == 1
    assert found["cpts_dead_letters"] == {("93", "things"): 1}
    assert found["cpts_lag_events"]["93", "things"] == 0
    assert found["cpts_lag_seconds"]["93", "things"] == 0
    assert found["cpts_invariant"] == {("offsets_never_go_back",): 1}
    assert found["cpts_ready"] == {(): 1}
    assert found["cpts_batch_events_count"][()] >= 2
    assert found["cpts_transaction_seconds_count"]["committed",] >= 2


async def test_what_is_not_taken_shows_its_number_and_its_age(listener, log, database) -> None:
    """Offsets put back behind the service's back are behind the log, and an invariant broken."""
    before = time.time()
    await log.say(*(counted(f"s{n}", n) for n in range(3)))
    await listener.caught_up()
    scraper = Scraper(listener, listener.pool, RealClock())
    try:
        await scraper._read_log()
        await database.execute("update stored_offset set next_offset = 0 where topic = 'things'")
        events, seconds = await scraper._read_log()
        text = samples(generate_latest(Taken(list(scraper._families()))).decode())
    finally:
        await scraper.close()
    lags = {one.labels["departement"]: one.value for one in events.samples}
    ages = {one.labels["departement"]: one.value for one in seconds.samples}
    assert (lags["93"], lags["95"]) == (3, 0)
    assert 0 < ages["93"] <= time.time() - before + 1
    assert ages["95"] == 0
    assert text["cpts_invariant"] == {("offsets_never_go_back",): 0}


async def test_what_cannot_leave_is_counted_with_its_age(listener, log) -> None:
    listener.desk.relay.halt()
    await log.say(counted("a", 1))
    await listener.caught_up()
    found = await scraped(listener)
    assert found["cpts_outbox_events"] == {("93",): 1}
    assert found["cpts_outbox_age_seconds"]["93",] >= 0


async def test_a_service_whose_database_is_away_still_tells_what_it_counted(listener, log) -> None:
    """It counts what it could not read, and shows nothing old in its place."""
    await log.say(counted("a", 1))
    await listener.caught_up()
    pool = await open_reading_pool(listener.settings)
    scraper = Scraper(listener, pool, RealClock())

    async def read() -> Samples:
        await asyncio.gather(*(task for one in scraper._readings if (task := one.refresh())))
        text, _ = await scraper.scrape("")
        return samples(text.decode())

    try:
        assert (await read())["cpts_lag_events"]["93", "things"] == 0
        await pool.close()
        for one in scraper._readings:
            one._next_at = 0.0
        found = await read()
    finally:
        await scraper.close()
    failures = found["cpts_reading_failures_total"]
    assert failures == {("database",): 1, ("invariants",): 0, ("log",): 1}
    assert "cpts_lag_events" not in found
    assert found["cpts_events_in_total"] == {("93", "done", "things.Counted.v1"): 1}
    assert found["cpts_ready"] == {(): 1}


async def test_openmetrics_is_given_to_who_asks_for_it(speaker, web) -> None:
    plain = await web.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    asked = await web.get("/metrics", headers={"accept": OPENMETRICS})
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
    assert asked.text.endswith("# EOF\n")
