"""What carries requests to AWS: the engine's own wire. And what signs those that go there by way of a provider."""

import asyncio
import math

from msgspec.structs import replace

from everpost.aws import Credentials, Lost, Request, Response, Transport
from everpost.aws.signing import Scope, signed
from everpost.engine.wire import Wire
from everpost.model.account import Timeouts
from everpost.providers.aws import AwsSigning
from everpost.providers.contract import Fault, HttpRequest, HttpResponse


def aws_transport(wire: Wire) -> Transport:
    """The wire to the providers as what carries requests to AWS: it knows as well how far a request got."""

    async def carry(request: Request, seconds: float) -> Response | Lost:
        asked = HttpRequest(method=request.method, url=request.url, headers=dict(request.headers), body=request.body)
        timeouts = Timeouts(connect_s=seconds / 2, write_s=seconds, answer_s=seconds)
        try:
            async with asyncio.timeout(seconds):
                answer = await wire.send(asked, timeouts, math.inf)
        except TimeoutError:
            return Lost(maybe_sent=True, text=f"no answer within {seconds:g} s")
        if isinstance(answer, HttpResponse):
            return Response(status=answer.status, headers=answer.headers, body=answer.body)
        return Lost(maybe_sent=not isinstance(answer, Fault) or answer.maybe_sent, text=str(answer))

    return carry


def signed_request(request: HttpRequest, signing: AwsSigning, credentials: Credentials, at: float) -> HttpRequest:
    """The request with the headers that prove who makes it; `at` is wall-clock time."""
    bare = Request(method=request.method, url=request.url, headers=request.headers, body=request.body)
    proven = signed(bare, credentials, Scope(signing.region, signing.service), at)
    return replace(request, headers=dict(proven.headers), secret=credentials.session_token or "")
