"""One trace from an order to what another service makes of it, and what spans tell of each step."""

import json
import logging

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from services.messaging import telemetry
from services.messaging.dead_letters import KeptRecord
from services.messaging.logs import JsonLines
from services.messaging.process import running
from tests.messaging.raw import counted
from tests.messaging.toy import POISON

NAMES = {"t.things": "things"}


@pytest.fixture
def exporter(monkeypatch) -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(telemetry, "is_tracing", lambda: True)
    return kept


def traceparent(number: int, flags: str = "01") -> str:
    return f"00-{number + 1:032x}-{number + 1:016x}-{flags}"


def heard(number: int, traced: str | None) -> telemetry.Item:
    record = KeptRecord(
        topic="t.things", partition=3, offset=number, key=b"93", value=b"", headers=()
    )
    return record, counted(f"s{number}", 1, traceparent=traced)


def called(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def lineage(spans: list[ReadableSpan], last: ReadableSpan) -> list[str]:
    """The names from the root of a trace to one of its spans."""
    by_id = {span.context.span_id: span for span in spans}
    names, span = [last.name], last
    while span.parent is not None and span.parent.span_id in by_id:
        span = by_id[span.parent.span_id]
        names.insert(0, span.name)
    return names


def test_a_batch_links_to_few_of_its_messages_and_each_of_these_has_its_step(exporter) -> None:
    items = [heard(n, traceparent(n // 2)) for n in range(200)]
    with telemetry.batch_span(items, NAMES) as taken:
        assert [(record, said.id) for record, said in taken] == [
            (record, said.id) for record, said in items
        ]
    (batch,) = called(exporter, "batch")
    assert len({link.context.trace_id for link in batch.links}) == telemetry.LINKS_MAX
    assert batch.attributes["messaging.batch.message_count"] == 200
    steps = called(exporter, "process things.Counted.v1")
    assert len(steps) == telemetry.LINKS_MAX
    assert {step.links[0].context.span_id for step in steps} == {batch.context.span_id}


def test_a_step_tells_what_was_heard_where_and_what_became_of_it(exporter) -> None:
    with telemetry.batch_span([heard(7, traceparent(1))], NAMES):
        pass
    (step,) = called(exporter, "process things.Counted.v1")
    assert step.context.trace_id == 2
    assert {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": "things",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
        "cpts.event": "things.Counted.v1",
        "cpts.subject": "s7",
        "cpts.departement": "93",
        "cpts.fate": "done",
    }.items() <= step.attributes.items()


def test_a_trace_that_is_not_kept_has_no_step_and_is_carried_on(exporter) -> None:
    items = [heard(0, traceparent(0, "00")), heard(1, None)]
    with telemetry.batch_span(items, NAMES) as taken:
        assert taken == items
    assert [span.name for span in exporter.get_finished_spans()] == ["batch"]


def test_a_batch_that_is_rolled_back_says_so_in_each_trace(exporter) -> None:
    with (
        pytest.raises(OSError, match="away"),
        telemetry.batch_span([heard(0, traceparent(0))], NAMES),
    ):
        raise OSError("away")
    (step,) = called(exporter, "process things.Counted.v1")
    assert step.attributes["cpts.fate"] == "rolled_back"
    assert step.status.status_code is StatusCode.ERROR


def test_without_an_exporter_a_batch_makes_no_span() -> None:
    assert not telemetry.is_tracing()


async def test_one_trace_leads_from_an_order_to_what_another_service_says(
    speaker, listener, web, exporter
) -> None:
    order = {"subject": "a", "number": 1}
    await web.post("/things", json=order, headers={"traceparent": traceparent(7)})
    await speaker.relayed()
    await listener.caught_up()
    await listener.relayed()
    spans = [one for one in exporter.get_finished_spans() if one.context.trace_id == 8]
    (last,) = (span for span in spans if span.name == "send totals.Totalled.v1")
    assert lineage(spans, last) == [
        "POST /things",
        "send things.Counted.v1",
        "process things.Counted.v1",
        "send totals.Totalled.v1",
    ]
    (sent,) = (span for span in spans if span.name == "send things.Counted.v1")
    (taken,) = (span for span in spans if span.name == "process things.Counted.v1")
    told = ("messaging.destination.partition.id", "messaging.kafka.offset", "messaging.message.id")
    assert [sent.attributes[name] for name in told] == [taken.attributes[name] for name in told]
    transactions = called(exporter, "transaction")
    assert {one.attributes["db.system.name"] for one in transactions} == {"postgresql"}


async def test_a_restart_and_a_replay_stay_on_the_trace(log, settings_of, toy, exporter) -> None:
    """What was said before a stop is taken after it; what was put aside is taken at its replay."""
    settings = settings_of("listener")
    await log.say(counted("a", POISON, traceparent=traceparent(7)))
    async with running(toy.service(), settings) as run:
        await run.caught_up()
    (put_aside,) = called(exporter, "process things.Counted.v1")
    assert put_aside.attributes["cpts.fate"] == "dead_letter"
    exporter.clear()
    toy.stumbles_over.clear()
    async with running(toy.service(), settings) as run:
        system = {"Acting-Role": "system"}
        async with httpx.AsyncClient(base_url=run.address, headers=system, timeout=20) as web:
            (letter,) = (await web.get("/dead-letters")).json()["items"]
            assert (await web.post(f"/dead-letters/{letter['id']}/replay")).is_success
        await run.relayed()
    spans = [one for one in exporter.get_finished_spans() if one.context.trace_id == 8]
    assert [span.name for span in spans] == [
        "process things.Counted.v1",
        "send totals.Totalled.v1",
    ]


async def test_the_span_of_a_request_tells_its_outcome(speaker, web, exporter) -> None:
    for path, status, is_error in (("/broken/one", 500, True), ("/health/live", 200, False)):
        await web.get(path)
        (span,) = exporter.get_finished_spans()
        assert span.attributes["http.response.status_code"] == status
        assert (span.status.status_code is StatusCode.ERROR) == is_error
        exporter.clear()


def test_a_json_line_of_the_log_names_the_trace_in_which_it_is_said(exporter) -> None:
    line = logging.LogRecord("a", logging.INFO, "", 1, "said", None, None)
    assert "trace_id" not in json.loads(JsonLines().format(line))
    with telemetry.batch_span([], NAMES):
        told = json.loads(JsonLines().format(line))
    (batch,) = called(exporter, "batch")
    assert told["trace_id"] == f"{batch.context.trace_id:032x}"
    assert told["span_id"] == f"{batch.context.span_id:016x}"


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "zipkin, console"}, ["zipkin", "console"]),
        (
            {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost"},
            [],
        ),
    ],
)
def test_the_environment_chooses_the_exporters(environment, asked, monkeypatch) -> None:
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert telemetry._asked() == asked


def test_an_exporter_that_is_not_installed_is_said_by_its_name(monkeypatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    with pytest.raises(ValueError, match="pigeon"):
        telemetry.set_up_tracing("toy")
