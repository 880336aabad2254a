"""The events as they come: server-sent events, as browsers know them (WHATWG HTML, 9.2)."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from everpost.dialects.native.render import render_event
from everpost.engine.feed import Reader
from everpost.engine.search import Sought
from everpost.entrypoints.http import headers
from everpost.entrypoints.http.call import Call, Reply, encode
from everpost.entrypoints.http.problems import problem
from everpost.model.event import Recorded
from everpost.model.limits import STREAMS_MAX
from everpost.model.problem import Problem
from everpost.store.port import StoreUnavailable

EVENT_STREAM: Final = b"text/event-stream"
HEARTBEAT_S: Final = 15.0  # so that proxies see life, and so do we
RETRY_AFTER_S: Final = 5.0
FIELDS: Final = (
    (b"connection", b"close"),  # with the body, whose end nothing else marks
    (b"x-accel-buffering", b"no"),  # for proxies such as nginx
)
_HEARTBEAT: Final = b":\n\n"
_AGAIN: Final = b"retry: 2000\n\n"  # milliseconds after which a reader comes back
_SEQUENCE: Final = re.compile(r"0*[0-9]{1,18}")


def is_wanted(call: Call) -> bool:
    """Whether the caller asks for a stream. A HEAD is answered as that of a page."""
    return call.incoming.method == "GET" and any(
        EVENT_STREAM.decode() in accepted for accepted in call.headers(b"accept")
    )


def last_id(call: Call) -> int | Problem | None:
    """The event that a reader who comes back has read last."""
    told = call.header(b"last-event-id")
    if told is None:
        return None
    if not _SEQUENCE.fullmatch(told):
        return problem("bad_header", "Last-Event-ID must be the id of an event of this stream")
    return int(told)


def follow(call: Call, after: int | None, sought: Sought) -> Reply | Problem:
    feed = call.services.feed
    if feed is None:
        return problem("no_streams", "ask for application/json, and go on from page to page with `after`")
    if feed.readers >= STREAMS_MAX:
        refused = problem("too_many_streams", f"at most {STREAMS_MAX} are open at a time")
        return replace(refused, retry_after_s=RETRY_AFTER_S)
    stream = EventStream(call, feed.open(after, sought.project, sought.message_id), sought)
    return Reply(status=200, body=b"", content_type=EVENT_STREAM, headers=FIELDS, stream=stream)


class EventStream:
    """Ends when its key does, when the store is away, and when the process stops. Whoever comes back with the id of
    the last event that it has read misses none."""

    last_words = _AGAIN

    def __init__(self, call: Call, reader: Reader, sought: Sought) -> None:
        self._call = call
        self._sought = sought
        self._reader = reader
        self._is_begun = False

    async def piece(self) -> bytes | None:
        if not self._is_begun:
            self._is_begun = True
            return _AGAIN
        try:
            events = [one for one in await self._reader.next(HEARTBEAT_S) if self._sought.matches(one)]
            is_allowed = await self._is_allowed()
        except StoreUnavailable:
            return None
        return rendered(events) if is_allowed else None

    def close(self) -> None:
        self._reader.close()

    async def _is_allowed(self) -> bool:
        """A key may be revoked at any time."""
        keyring = self._call.services.keyring
        if keyring is None:
            return True
        token = headers.read_token(self._call.header(b"authorization") or "")
        return token is not None and await keyring.find(token) == self._call.caller


def rendered(events: Sequence[Recorded]) -> bytes:
    """Without events: a comment, which nobody is told of."""
    told = [b"id: %d\ndata: %b\n\n" % (one.seq, encode(render_event(one))) for one in events]
    return b"".join(told) or _HEARTBEAT
