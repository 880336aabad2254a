"""Spans by OpenTelemetry, exported as OTLP over HTTP.

Names and attributes follow the semantic conventions for HTTP and messaging
(https://opentelemetry.io/docs/specs/semconv/): a request is a SERVER span, the acceptance of a mail the PRODUCER span
that its creation context is taken from, an attempt or a question a CONSUMER span below it, a call of a provider a
CLIENT span. Everything is configured by OpenTelemetry's own variables (`OTEL_…`).
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from everpost.model.delivery import Delivery
from everpost.model.event import Event
from everpost.model.message import Message
from everpost.traces.port import NO_SPAN, Span

CLOSE_S: Final = 3.0  # what no collector has taken by then is lost
ERROR_FROM: Final = {SpanKind.SERVER: 500, SpanKind.CLIENT: 400}  # statuses of HTTP that are errors
_TOLD: Final = ("number", "outcome", "verdict", "status", "action", "code", "asks", "retry_after_s")
"""What of an event's data goes along: numbers and words of fixed lists. Words of providers do not."""


class OtelSpan:
    def __init__(self, span: trace.Span, kind: SpanKind) -> None:
        self._span = span
        self._kind = kind

    @property
    def traceparent(self) -> str | None:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def here(self) -> AbstractContextManager[object]:
        return trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def told(self, events: Sequence[Event]) -> None:
        if not self._span.is_recording():
            return
        for event in events:
            facts = {f"everpost.{name}": event.data[name] for name in _TOLD if name in event.data}
            self._span.add_event(event.type.value, facts)

    def end(self, fault: str = "", status: int | None = None) -> None:
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
            if not fault and status >= ERROR_FROM.get(self._kind, status + 1):
                fault = str(status)
        if fault:
            self._span.set_attribute("error.type", fault)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OtelTracer:
    """A thread of its own brings spans to the collector, many at once. If it does not keep up, spans are dropped."""

    def __init__(self, version: str) -> None:
        ours = Resource({SERVICE_NAME: "everpost", SERVICE_VERSION: version})
        resource = Resource.create(ours.merge(OTELResourceDetector().detect()).attributes)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("everpost", version)

    def request(self, method: str, route: str, parent: str | None) -> Span:
        about = {"http.request.method": method, "http.route": route}
        return self._start(f"{method} {route}", SpanKind.SERVER, _remote(parent), about)

    def accept(self, message: Message) -> Span:
        parent = None if trace.get_current_span().get_span_context().is_valid else _remote(message.origin.trace)
        about = _message("accept", "send", message) | {"everpost.recipients": len(message.recipients)}
        return self._start("email accept", SpanKind.PRODUCER, parent, about)

    def hand_over(self, message: Message, delivery: Delivery) -> Span:
        return self._consume("hand over", message, delivery)

    def resolve(self, message: Message, delivery: Delivery) -> Span:
        return self._consume("resolve", message, delivery)

    def call(self, method: str, url: str) -> Span:
        if not trace.get_current_span().get_span_context().is_valid:
            return NO_SPAN
        parts = urlsplit(url)
        about: dict[str, AttributeValue] = {"server.address": parts.hostname or ""}
        if parts.port is not None:
            about["server.port"] = parts.port
        if parts.scheme in ("http", "https"):
            about |= {"http.request.method": method, "url.full": url}
        else:
            about["network.protocol.name"] = parts.scheme
        return self._start(method, SpanKind.CLIENT, None, about)

    async def close(self) -> None:
        """In a thread that nobody has to wait for: a collector may take its time."""
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody has waited: the loop is closed
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=close, name="everpost-traces", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S):
                await ended.wait()
        except TimeoutError:
            return

    def _consume(self, operation: str, message: Message, delivery: Delivery) -> Span:
        about = _message(operation, "process", message)
        about |= {
            "everpost.delivery": delivery.id,
            "everpost.account": delivery.account or "",
            "everpost.number": delivery.attempts,
        }
        return self._start(f"email {operation}", SpanKind.CONSUMER, _remote(message.origin.trace), about)

    def _start(self, name: str, kind: SpanKind, parent: Context | None, about: Mapping[str, AttributeValue]) -> Span:
        """`parent`: None for what goes on in this task."""
        return OtelSpan(self._tracer.start_span(name, parent, kind, about), kind)


def _message(operation: str, type_: str, message: Message) -> dict[str, AttributeValue]:
    return {
        "messaging.system": "everpost",
        "messaging.operation.name": operation,
        "messaging.operation.type": type_,
        "messaging.destination.name": message.route,
        "messaging.message.id": message.id,
    }


def _remote(traceparent: str | None) -> Context:
    """The context that a valid traceparent names; without one, that of a new trace."""
    if traceparent is None:
        return Context()
    _, trace_id, span_id, flags = (int(part, 16) for part in traceparent.split("-")[:4])
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
