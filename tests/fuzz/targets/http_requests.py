"""A client's bytes on a connection of the real server: a request is the same in whatever pieces it comes, and none is
answered by an error of ours.

The input is a byte that chooses the pieces, and what the client says.
"""

import asyncio
import re
from collections import deque

import uvicorn
from uvicorn.server import ServerState

from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.mail_operations import MAIL, ORIGINAL
from everpost.entrypoints.http.other_operations import OPERATE, VITALS, inbox_operations
from everpost.entrypoints.http.protocol import Protocol
from fuzz.pieces import pieces
from http_kit import OneMailInbox, ScriptedWire, running

OPERATIONS = (*MAIL, *ORIGINAL, *OPERATE, *VITALS, *inbox_operations(OneMailInbox()))
TURNS = 300  # of the loop after the last piece, within which every answer is there
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Socket:
    """What the server asks of a transport, without a network."""

    def __init__(self):
        self.written = b""
        self.closing = False
        self.paused = False

    def write(self, data):
        self.written += b"" if self.closing else data

    def close(self):
        self.closing = True

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def get_extra_info(self, name):
        return None

    def set_protocol(self, protocol):
        raise AssertionError("there is no other protocol")


class Recorder:
    """The application, and what it was asked."""

    def __init__(self, app):
        self.app = app
        self.asked = []

    async def __call__(self, scope, receive, send):
        heard = [scope["method"], scope["raw_path"], scope["query_string"], scope["headers"], b""]
        self.asked.append(heard)

        async def listening():
            message = await receive()
            heard[4] += message.get("body", b"")
            return message

        await self.app(scope, listening, send)


def check(data):
    how, said = data[:1], data[1:]
    asked, written = asyncio.run(served([said]))
    again, _ = asyncio.run(served(pieces(said, how)))
    # Nonsense after a request may end the connection before that request was answered, or even begun.
    for one, other in zip(asked, again, strict=False):
        assert one[:4] == other[:4]
        assert one[4].startswith(other[4]) or other[4].startswith(one[4])
    if b"400 Bad Request\r\ncontent-type: text/plain" not in written:
        assert asked == again
    statuses = [int(status) for status in STATUS.findall(written)]
    assert not [status for status in statuses if status in (500, 501)]


async def served(chunks):
    """What the application was asked, and what was written."""
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire, inbox=OneMailInbox()) as (services, _):
        recorder = Recorder(Door(services, OPERATIONS))
        config = uvicorn.Config(recorder, log_config=None, access_log=False, lifespan="off", proxy_headers=False)
        config.load()
        protocol, socket, waiting = Protocol(config, ServerState(), {}), Socket(), deque(chunks)
        protocol.connection_made(socket)
        for _ in range(len(waiting) + TURNS):
            if waiting and not socket.paused and not socket.closing:
                protocol.data_received(waiting.popleft())
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        for task in list(protocol.tasks):
            await asyncio.wait([task])
        protocol._unset_keepalive_if_required()
        return recorder.asked, socket.written
