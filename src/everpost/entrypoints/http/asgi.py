"""Requests of any ASGI server."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from everpost.entrypoints.http.admission import Permit
from everpost.entrypoints.http.asgi_types import Receive, Scope, Send
from everpost.entrypoints.http.call import Call, Disconnected, Headers, Reply, Stream


class AsgiRequest:
    """A request as ASGI hands it over."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self.permit: Permit | None = None
        self._receive = receive

    async def piece(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message.get("body", b""), message.get("more_body", False)


async def answer(call: Call, fields: Sequence[tuple[bytes, bytes]], reply: Reply, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": fields})
    if reply.stream is not None:
        await _pour(call, reply.stream, send)
    await send({"type": "http.response.body", "body": b"" if call.incoming.method == "HEAD" else reply.body})


async def _pour(call: Call, stream: Stream, send: Send) -> None:
    """Until it ends, or the caller goes."""
    gone = asyncio.ensure_future(_until_gone(call))
    while not gone.done():
        piece = asyncio.ensure_future(stream.piece())
        await asyncio.wait([gone, piece], return_when=asyncio.FIRST_COMPLETED)
        if not piece.done():
            piece.cancel()
            await asyncio.wait([piece])
        elif (data := piece.result()) is None:
            break
        else:
            await send({"type": "http.response.body", "body": data, "more_body": True})
    gone.cancel()


async def _until_gone(call: Call) -> None:
    with suppress(Disconnected):
        while True:
            await call.incoming.piece()


async def turn_away(send: Send) -> None:
    """A websocket, which nothing here speaks."""
    await send({"type": "websocket.close", "code": 1000})
