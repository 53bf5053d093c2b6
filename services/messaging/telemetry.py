"""Traces: one span per batch and per request, exported when `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

Without it nothing is measured, and a trace context that comes in is still carried on: through the
cause of an event, the outbox and the headers of the log.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.recorded import Recorded
from services.messaging.codec import Breach

LINKS_MAX = 32
SERVER_ERRORS_FROM = 500

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("services.messaging")


def set_up_tracing(service: str) -> None:
    """Export spans over OTLP when an endpoint is set; otherwise leave OpenTelemetry idle."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def current_traceparent() -> str | None:
    """The trace context we are in, as a `traceparent` header; None outside any."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def _links(items: Sequence[tuple[Any, Any]]) -> list[Link]:
    """Links to the first traces of a batch, a bounded number of them."""
    seen: dict[str, None] = {}
    for _, said in items:
        if isinstance(said, Recorded) and said.traceparent:
            seen[said.traceparent] = None
            if len(seen) == LINKS_MAX:
                break
    contexts = (
        trace.get_current_span(_propagator.extract({"traceparent": one})).get_span_context()
        for one in seen
    )
    return [Link(context) for context in contexts if context.is_valid]


@contextmanager
def batch_span(items: Sequence[tuple[Any, Any]]) -> Iterator[None]:
    """The span of one batch. Without an exporter it costs next to nothing."""
    if not is_tracing():
        yield
        return
    with _tracer.start_as_current_span(
        "batch", kind=SpanKind.CONSUMER, links=_links(items)
    ) as span:
        span.set_attribute("messaging.system", "kafka")
        span.set_attribute("messaging.batch.message_count", len(items))
        span.set_attribute("cpts.breaches", sum(isinstance(said, Breach) for _, said in items))
        yield


def is_tracing() -> bool:
    """Whether spans go anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def tell_status(span: Span, status: int) -> None:
    """The outcome of a request; the server's own failures are errors, the caller's are not."""
    span.set_attribute("http.response.status_code", status)
    if status >= SERVER_ERRORS_FROM:
        span.set_status(StatusCode.ERROR)


def trace_requests(app: ASGIApp) -> ASGIApp:
    """The span of one HTTP request, in the trace that the caller names."""

    async def traced(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        context = _propagator.extract(headers)
        name = f"{scope['method']} {scope.get('path_template') or scope['path']}"
        with _tracer.start_as_current_span(name, context=context, kind=SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("http.route", scope.get("path_template") or "")

            async def send_and_tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    tell_status(span, message["status"])
                await send(message)

            await app(scope, receive, send_and_tell)

    return traced
