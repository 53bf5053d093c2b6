"""Spans: one a batch, with a bounded number of links, and one a request."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from services.messaging import telemetry
from tests.messaging.raw import counted


def exporting(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(telemetry, "is_tracing", lambda: True)
    return exporter


def traceparent(number: int) -> str:
    return f"00-{number + 1:032x}-{number + 1:016x}-01"


def test_a_batch_is_one_span_with_few_links(monkeypatch) -> None:
    exporter = exporting(monkeypatch)
    items = [(None, counted(f"s{n}", 1, traceparent=traceparent(n // 2))) for n in range(200)]
    with telemetry.batch_span(items):
        pass
    (span,) = exporter.get_finished_spans()
    assert len(span.links) == telemetry.LINKS_MAX
    assert len({link.context.trace_id for link in span.links}) == telemetry.LINKS_MAX
    assert span.attributes["messaging.batch.message_count"] == 200


def test_without_an_exporter_a_batch_makes_no_span() -> None:
    assert not telemetry.is_tracing()


async def test_a_request_is_one_span_in_its_callers_trace(speaker, web, monkeypatch) -> None:
    exporter = exporting(monkeypatch)
    order = {"subject": "a", "number": 1}
    await web.post("/things", json=order, headers={"traceparent": traceparent(7)})
    (span,) = exporter.get_finished_spans()
    assert span.name == "POST /things"
    assert span.context.trace_id == 8
    carried = await speaker.pool.fetchval("select traceparent from outbox")
    assert carried == f"00-{8:032x}-{span.context.span_id:016x}-01"


async def test_the_span_of_a_request_tells_its_outcome(speaker, web, monkeypatch) -> None:
    exporter = exporting(monkeypatch)
    for path, status, is_error in (("/broken/one", 500, True), ("/health/live", 200, False)):
        await web.get(path)
        (span,) = exporter.get_finished_spans()
        assert span.attributes["http.response.status_code"] == status
        assert (span.status.status_code is StatusCode.ERROR) == is_error
        exporter.clear()
