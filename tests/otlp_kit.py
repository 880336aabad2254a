"""A collector of traces: OTLP over HTTP on a real socket."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told
from opentelemetry.proto.trace.v1.trace_pb2 import Status

HOST = "127.0.0.1"
GIVEN_UP_S = 30.0


@dataclass(frozen=True)
class Span:
    trace_id: str
    id: str
    parent: str  # empty: a root
    name: str
    kind: str
    attributes: Mapping[str, Any]
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    failed: bool
    service: str


@dataclass
class Collector:
    endpoint: str
    bodies: list[bytes] = field(default_factory=list)  # of all requests
    spans: list[Span] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    answers: threading.Event = field(default_factory=threading.Event)  # while it is not set, nobody gets an answer
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def environ(self) -> dict[str, str]:
        """What makes a process export to it, and soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def take(self, body: bytes) -> None:
        with self._news:
            self.bodies.append(body)
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self._news.notify_all()

    def wait_for(self, holds: Callable[[list[Span]], bool]) -> list[Span]:
        """All spans, when that holds of them."""
        with self._news:
            assert self._news.wait_for(lambda: holds(self.spans), GIVEN_UP_S), self.spans
            return list(self.spans)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    collector: Collector


@contextmanager
def collector() -> Iterator[Collector]:
    with _Server((HOST, 0), _Handler) as server:
        collector = server.collector = Collector(f"http://{HOST}:{server.server_port}")
        collector.answers.set()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield collector
        finally:
            collector.answers.set()
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.collector.asked.set()
        server.collector.answers.wait()
        assert self.path == "/v1/traces"
        server.collector.take(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def tree(spans: list[Span], parent: str) -> Any:
    """What stands below a span, in the order of names and accounts: {label: what stands below that}."""
    below = [span for span in spans if span.parent == parent]
    return {label(span): tree(spans, span.id) for span in sorted(below, key=label)}


def label(span: Span) -> str:
    account = span.attributes.get("everpost.account")
    return f"{span.name} ({account})" if account else span.name


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for told in scope.spans:
                yield _span(told, service)


def _span(told: Told, service: str) -> Span:
    return Span(
        trace_id=told.trace_id.hex(),
        id=told.span_id.hex(),
        parent=told.parent_span_id.hex(),
        name=told.name,
        kind=Told.SpanKind.Name(told.kind).removeprefix("SPAN_KIND_"),
        attributes=_values(told.attributes),
        events=tuple((event.name, _values(event.attributes)) for event in told.events),
        failed=told.status.code == Status.STATUS_CODE_ERROR,
        service=service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
