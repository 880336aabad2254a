"""A small HTTP/1.1 server (keep-alive, Content-Length and chunked bodies). It is our own because most faults are faults
of the transport: what is read, what is answered, and how a connection ends."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, cast

import httptools

from everpost.dialects.answers import Rendered
from everpost.dialects.contract import Submission
from everpost.sandbox.api import Api, submission_of
from everpost.sandbox.faults import FaultKind, FaultPlan, Faults

BODY_BYTES_MAX: Final = 40 * 1024 * 1024
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_PAGE: Final = b"<html><head><title>Sorry</title></head><body><h1>Sorry, you have been blocked</h1></body></html>"
_SILENT: Final = frozenset({FaultKind.ACCEPT_HANG, FaultKind.ACCEPT_RESET})


class Connections:
    """The open connections of one port."""

    def __init__(self, api: Api, faults: Faults | None = None) -> None:
        self.api = api
        self.faults = faults
        self.open: set[Connection] = set()

    def __call__(self) -> "Connection":
        return Connection(self)

    def close(self) -> None:
        for connection in list(self.open):
            connection.close()


class Connection(asyncio.Protocol):
    def __init__(self, port: Connections) -> None:
        self._port = port
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Submission, FaultPlan | None, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._dead = False  # nothing is read or answered any more

    # --- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._port.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        self._port.open.discard(self)
        self._dead = True
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._dead:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._give_up(400)

    def close(self) -> None:
        """Ends the connection, after the answer that is under way if there is one."""
        if self._task:
            self._dead = True
        else:
            self._transport.close()

    # --- httptools ---------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._plan: FaultPlan | None = None

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        path = self._url.decode("latin-1").partition("?")[0]
        if self._port.faults and not path.startswith("/_sandbox/"):
            self._plan = self._port.faults.draw(self._port.api.target(self._parser.get_method().decode(), path))
        if self._plan and self._plan.kind is FaultKind.HANG:
            self._dead = True
            self._transport.pause_reading()
        elif self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._plan and self._plan.kind is FaultKind.RESET:
            self._reset()
        elif not self._dead:
            self._body += body
            if len(self._body) > BODY_BYTES_MAX:
                self._give_up(413)

    def on_message_complete(self) -> None:
        if self._dead:
            return
        if self._plan and self._plan.kind is FaultKind.RESET:
            self._reset()
            return
        method, url = self._parser.get_method().decode(), self._url.decode("latin-1")
        request = submission_of(method, url, self._headers, bytes(self._body))
        self._waiting.append((request, self._plan, self._parser.should_keep_alive()))
        self._answer_next()

    # --- answers -----------------------------------------------------------------------------------------------------

    def _answer_next(self) -> None:
        while self._waiting and not self._task and not self._dead:
            request, plan, keep_alive = self._waiting.popleft()
            answer = self._answer(request, plan)
            if plan and plan.kind in _SILENT:
                self._dead = True
                if plan.kind is FaultKind.ACCEPT_RESET:
                    self._reset()
            elif not isinstance(answer, Rendered) or (plan and plan.delay_s):
                self._task = asyncio.create_task(self._answer_later(answer, plan, keep_alive))
            else:
                self._write(answer, keep_alive)

    def _answer(self, request: Submission, plan: FaultPlan | None) -> Rendered | Awaitable[Rendered]:
        api, kind = self._port.api, plan.kind if plan else None
        if plan and kind is FaultKind.STATUS:
            refused = api.refusal(plan)
            extra = {"retry-after": plan.retry_after} if plan.retry_after else {}
            return Rendered(status=refused.status, headers=refused.headers | extra, body=refused.body)
        if plan and kind is FaultKind.HTML:
            return Rendered(status=plan.status or 503, headers={"content-type": "text/html"}, body=_PAGE)
        answer = api.answer(request, lose=kind is FaultKind.LOSE)
        if kind is FaultKind.GARBAGE:
            return Rendered(status=200, headers={"content-type": "text/plain"}, body=b"\x00%%nonsense%%")
        return answer

    async def _answer_later(
        self,
        answer: Rendered | Awaitable[Rendered],
        plan: FaultPlan | None,
        keep_alive: bool,  # noqa: FBT001 - private
    ) -> None:
        await asyncio.sleep(plan.delay_s if plan else 0)
        rendered = answer if isinstance(answer, Rendered) else await answer
        self._task = None
        self._write(rendered, keep_alive and not self._dead)
        self._answer_next()

    def _write(self, answer: Rendered, keep_alive: bool) -> None:  # noqa: FBT001 - private
        reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Unknown"
        head = f"HTTP/1.1 {answer.status} {reason}\r\ndate: {formatdate(usegmt=True)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head += f"content-length: {len(answer.body)}\r\nconnection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        self._transport.write(head.encode("latin-1") + answer.body)
        if not keep_alive:
            self._dead = True
            self._transport.close()

    def _give_up(self, status: int) -> None:
        self._write(Rendered(status=status), keep_alive=False)

    def _reset(self) -> None:
        self._dead = True
        reset(self._transport)


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection with RST instead of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
