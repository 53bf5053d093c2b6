"""Traces: each step of a referral hangs on one, from the order to the euro.

A request, a row that is sent and a message that is taken have a span each; a batch has one of its
own, to which the steps of its messages are linked. What follows from a message names the step of
that message as its parent in the outbox, and its sending in the headers of the log, so that
restarts and replays stay on the trace, and a collector sees which service sends to which.

Spans leave as the standard `OTEL_*` variables say. Without them nothing is measured, and a trace
context that comes in is still carried on.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import entry_points
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.recorded import Recorded
from services.messaging.codec import Breach, Heard, Record

LINKS_MAX = 32
SERVER_ERRORS_FROM = 500
# The names of `OTEL_TRACES_EXPORTER`, and under which the packages register their exporters.
REGISTERED = {"otlp": "otlp_proto_http", "zipkin": "zipkin_json"}
EXPORTERS = "opentelemetry_traces_exporter"

Item = tuple[Record, Heard]

KAFKA: Mapping[str, str] = {"messaging.system": "kafka"}

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("services.messaging")
_steps: ContextVar["Steps | None"] = ContextVar("steps", default=None)


def _asked() -> list[str]:
    """The exporters that the environment asks for."""
    default = "otlp" if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else "none"
    said = os.environ.get("OTEL_TRACES_EXPORTER") or default
    return [name for one in said.split(",") if (name := one.strip()) not in ("", "none")]


def set_up_tracing(service: str) -> None:
    """Export spans as `OTEL_TRACES_EXPORTER` says: `otlp` (the default once an OTLP endpoint is
    set), `zipkin`, `console`, `none`, or several; with none, OpenTelemetry is left idle.

    Raises `ValueError` for an exporter that is not installed.
    """
    names = _asked()
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or not names:
        return
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    for name in names:
        found = entry_points(group=EXPORTERS, name=REGISTERED.get(name, name))
        if not found:
            raise ValueError(f"OTEL_TRACES_EXPORTER: no exporter is called {name}")
        provider.add_span_processor(BatchSpanProcessor(next(iter(found)).load()()))
    trace.set_tracer_provider(provider)


def current_traceparent() -> str | None:
    """The trace context we are in, as a `traceparent` header; None outside any."""
    return _written()


def _written(context: Context | None = None) -> str | None:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier.get("traceparent")


def _named(span: Span) -> str | None:
    """A span as what its children name as their parent."""
    return _written(trace.set_span_in_context(span))


def _links(items: Sequence[Item]) -> list[Link]:
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


def _kept(traceparent: str | None) -> Context | None:
    """The context of a trace whose spans are kept; None without one, and for one that is not."""
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    flags = trace.get_current_span(context).get_span_context().trace_flags if context else None
    return context if flags is not None and flags.sampled else None


def _told(record: Record, said: Recorded[Any], topic: str) -> dict[str, str | int]:
    """What a span tells of a message that is heard, by OpenTelemetry's messaging conventions, and
    where in France it belongs; nothing of its content.
    """
    return {
        **KAFKA,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.message.id": str(said.id),
        **_place(said.type, said.subject, said.departement),
    }


def _place(type_: str, subject: str, departement: str) -> dict[str, str | int]:
    return {"cpts.event": type_, "cpts.subject": subject, "cpts.departement": departement}


class Steps:
    """The spans of messages that are being taken: each in its own trace, linked to the batch's."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, int, int], Span] = {}

    def begin(self, item: Item, names: Mapping[str, str], batch: Span) -> Item:
        """Begin the step of a message, if its trace is kept and few have begun.

        Answers the message with that step as the one that caused what follows from it.
        """
        record, said = item
        if not isinstance(said, Recorded) or len(self._spans) >= LINKS_MAX:
            return item
        if (context := _kept(said.traceparent)) is None:
            return item
        span = _tracer.start_span(
            f"process {said.type}",
            context=context,
            kind=SpanKind.CONSUMER,
            links=[Link(batch.get_span_context())],
            attributes=_told(record, said, names.get(record.topic, record.topic)),
        )
        self._spans[record.topic, record.partition, record.offset] = span
        return record, msgspec.structs.replace(said, traceparent=_named(span))

    def tell_fate(self, record: Record, fate: str) -> None:
        """What became of one message."""
        if span := self._spans.pop((record.topic, record.partition, record.offset), None):
            span.set_attribute("cpts.fate", fate)
            span.end()

    def end(self, fate: str, error: BaseException | None = None) -> None:
        """End the steps that have no fate of their own with this one."""
        for span in self._spans.values():
            span.set_attribute("cpts.fate", fate)
            if error is not None:
                span.set_status(StatusCode.ERROR, type(error).__name__)
            span.end()


@contextmanager
def batch_span(items: Sequence[Item], names: Mapping[str, str]) -> Iterator[Sequence[Item]]:
    """The span of one batch, and one in the trace of each of its first messages.

    Gives the messages to take instead. Without an exporter it costs next to nothing.
    """
    if not is_tracing():
        yield items
        return
    steps = Steps()
    with _tracer.start_as_current_span(
        "batch", kind=SpanKind.CONSUMER, links=_links(items), attributes=KAFKA
    ) as span:
        span.set_attribute("messaging.batch.message_count", len(items))
        span.set_attribute("cpts.breaches", sum(isinstance(said, Breach) for _, said in items))
        token = _steps.set(steps)
        try:
            yield [steps.begin(item, names, span) for item in items]
        except BaseException as error:
            steps.end("rolled_back", error)
            raise
        else:
            steps.end("done")
        finally:
            _steps.reset(token)


def tell_fate(record: Record, fate: str) -> None:
    """Say in its trace what became of one message of the batch that is being taken."""
    if steps := _steps.get():
        steps.tell_fate(record, fate)


@contextmanager
def transaction_span() -> Iterator[None]:
    """The span of one transaction, from its begin to its commit or rollback, where something is
    being traced.
    """
    if not trace.get_current_span().is_recording():
        yield
        return
    with _tracer.start_as_current_span(
        "transaction", kind=SpanKind.CLIENT, attributes={"db.system.name": "postgresql"}
    ):
        yield


class Sending:
    """The spans of rows that are being sent, few at a time, each in its own trace."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._spans: dict[int, Span] = {}

    def begin(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row is given to the broker. Answers it as the log is to know it: caused by its sending,
        if that has a span.
        """
        if not is_tracing() or len(self._spans) >= LINKS_MAX:
            return row
        if (context := _kept(row["traceparent"])) is None:
            return row
        span = self._spans[row["position"]] = _tracer.start_span(
            f"send {row['type']}",
            context=context,
            kind=SpanKind.PRODUCER,
            attributes={
                **KAFKA,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": self._topic,
                "messaging.destination.partition.id": str(row["partition"]),
                "messaging.message.id": str(row["id"]),
                **_place(row["type"], row["subject"], row["departement"]),
            },
        )
        return {**row, "traceparent": _named(span)}

    def end(self, position: int, offset: int | None, error: BaseException | None) -> None:
        """The broker has answered for a row: where it stands in the log, or why it does not."""
        if span := self._spans.pop(position, None):
            if offset is not None:
                span.set_attribute("messaging.kafka.offset", offset)
            if error is not None:
                span.set_status(StatusCode.ERROR, type(error).__name__)
            span.end()


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
