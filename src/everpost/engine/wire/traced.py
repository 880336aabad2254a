"""Tells a trace which requests are made to providers."""

from urllib.parse import urlsplit

from everpost.core.masking import masked
from everpost.engine.wire import Wire
from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse, Request, SmtpReply
from everpost.traces.port import Tracer


class TracedWire:
    """Sends as another wire does. Of a request, a trace has its method and where it goes to: what stands in a query may
    be an address."""

    def __init__(self, wire: Wire, tracer: Tracer) -> None:
        self._wire = wire
        self._tracer = tracer

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        span = self._tracer.call(*_target(request))
        try:
            answer = await self._wire.send(request, timeouts, not_after)
        except BaseException as error:
            span.end(type(error).__name__)
            raise
        match answer:
            case HttpResponse():
                span.end(status=answer.status)
            case SmtpReply():
                span.end(f"{answer.stage} {answer.code}" if answer.code >= 400 else "")
            case Fault():
                span.end(answer.phase.value)
        return answer

    async def close(self) -> None:
        await self._wire.close()


def _target(request: Request) -> tuple[str, str]:
    if not isinstance(request, HttpRequest):
        return "SMTP", f"smtp://{request.host}:{request.port}"
    parts = urlsplit(request.url)
    return request.method, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{masked(parts.path)}"
