"""A proxy before AWS that does harm to requests as they pass: refuses them, or keeps their answers to itself."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from everpost.engine.wire import NetworkWire
from everpost.model.account import Timeouts
from everpost.providers.contract import HttpRequest, HttpResponse
from scripted_server import Peer, ScriptedServer

REFUSE = "refuse"
DROP = "drop"  # it is not carried out, and not answered
LOSE = "lose"  # it is carried out, and not answered
PASS = "pass"
THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}'
_OPERATION = re.compile(rb"(?i)\r\nx-amz-target: *\w+\.(\w+)")
_HOP = ("host", "content-length", "connection")

Harm = Callable[[str, int], str]
"""(operation, how often it was asked for before) -> what becomes of the request."""


@asynccontextmanager
async def harmed(endpoint: str, harm: Harm) -> AsyncIterator[ScriptedServer]:
    """What passed is in `requests` of the server."""
    wire = NetworkWire()
    asked: dict[str, int] = {}

    async def script(peer: Peer) -> None:
        while True:
            whole = await peer.request()
            match = _OPERATION.search(whole)
            operation = match[1].decode() if match else "object"
            fate = harm(operation, asked.get(operation, 0))
            asked[operation] = asked.get(operation, 0) + 1
            if fate == DROP:
                peer.cut()
                return
            if fate == REFUSE:
                peer.send(_answer(400, THROTTLED))
                continue
            answer = await wire.send(_forwarded(endpoint, whole), Timeouts(), float("inf"))
            assert isinstance(answer, HttpResponse)
            if fate == LOSE:
                peer.cut()
                return
            peer.send(_answer(answer.status, answer.body, answer.headers.get("content-range")))

    try:
        async with ScriptedServer(script) as server:
            yield server
    finally:
        await wire.close()


def _forwarded(endpoint: str, whole: bytes) -> HttpRequest:
    head, _, body = whole.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    method, target, _ = line.split(" ")
    headers = dict(one.split(": ", 1) for one in lines)
    kept = {name: value for name, value in headers.items() if name.lower() not in _HOP}
    return HttpRequest(method=method, url=endpoint + target, headers=kept, body=body)


def _answer(status: int, body: bytes, piece: str | None = None) -> bytes:
    named = f"Content-Range: {piece}\r\n" if piece else ""
    return f"HTTP/1.1 {status} X\r\n{named}Content-Length: {len(body)}\r\n\r\n".encode() + body
