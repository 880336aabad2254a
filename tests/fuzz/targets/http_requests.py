"""A client's bytes on a connection of the real server: a request is the same in whatever pieces it comes, and none is
answered by an error of ours.

The input is a byte that chooses the pieces, and what the client says.
"""

import asyncio
import re
from collections import deque

import uvicorn
from msgspec.structs import replace
from uvicorn.server import ServerState

from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.inbox_operations import inbox_operations
from everpost.entrypoints.http.mail_operations import MAIL, ORIGINAL
from everpost.entrypoints.http.other_operations import VITALS
from everpost.entrypoints.http.protocol import Protocol
from everpost.entrypoints.http.steering_operations import STEERING
from everpost.entrypoints.http.suppression_operations import SUPPRESSIONS
from fuzz.pieces import pieces
from http_kit import OneMailInbox, ScriptedWire, running

OPERATIONS = (*MAIL, *ORIGINAL, *STEERING, *SUPPRESSIONS, *VITALS, *inbox_operations(OneMailInbox()))
TURNS = 300  # of the loop after the last piece, within which every answer is there
HEADERS = (b"host", b"content-type", b"idempotency-key", b"prefer", b"authorization", b"x-odd")
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

    def abort(self):
        self.closing = True

    def set_write_buffer_limits(self, high=None, low=None): ...

    def is_reading(self):
        return not self.paused


class Heard:
    """A call whose body is written down as it is read."""

    def __init__(self, call, bodies):
        object.__setattr__(self, "_told", (call, bodies))

    def __getattr__(self, name):
        return getattr(self._told[0], name)

    def __setattr__(self, name, value):
        setattr(self._told[0], name, value)

    async def body(self):
        call, bodies = self._told
        bodies.append(await call.body())
        return bodies[-1]


def recorded(operation, asked):
    """The operation, and what it is asked for."""

    async def handle(call):
        headers = [call.header(name) for name in HEADERS]
        asked.append((operation.id, dict(call.query), headers, bodies := [], dealt_with := []))
        answer = await operation.handle(Heard(call, bodies))
        dealt_with.append(True)
        return answer

    return replace(operation, handle=handle)


def check(data):
    how, said = data[:1], data[1:]
    asked, written = asyncio.run(served([said]))
    again, _ = asyncio.run(served(pieces(said, how)))
    statuses = [int(status) for status in STATUS.findall(written)]
    assert not {500, 501} & set(statuses)
    # Nonsense after a request may end the connection before that request was answered, or even begun.
    ended = statuses[-1:] and statuses[-1] in (400, 408, 413, 417, 431, 503)
    assert ended or len(statuses) >= len([one for one in asked if one[4]])
    for one, other in zip(asked, again, strict=not ended):
        assert one[:3] == other[:3]
        assert one[3] == other[3] or ended


async def served(chunks):
    """What the operations were asked, and what was written."""
    wire, asked = ScriptedWire(), []
    wire.released.set()
    async with running(wire, inbox=OneMailInbox()) as (services, _):
        door = Door(services, [recorded(operation, asked) for operation in OPERATIONS])
        config = uvicorn.Config(door, log_config=None, access_log=False, lifespan="off", proxy_headers=False)
        config.load()
        protocol, socket, waiting = Protocol(config, ServerState(), {}), Socket(), deque(chunks)
        protocol.connection_made(socket)
        for _ in range(len(waiting) + TURNS):
            if waiting and not socket.paused and not socket.closing:
                protocol.data_received(waiting.popleft())
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return asked, socket.written
