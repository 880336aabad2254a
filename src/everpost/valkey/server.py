"""The server, or the node of a cluster, that holds our key: found, connected to, and left alone while it is in trouble.

A cluster names the right node itself (MOVED, ASK), so that one key needs no map of slots. Nothing is repeated but what
a node has sent elsewhere.
"""

import asyncio
import math
import re
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Final

from msgspec import Struct

from everpost.valkey.link import Heard, Link, LinkLost
from everpost.valkey.login import Login, ValkeyUnavailable
from everpost.valkey.resp import Command, Refusal, Reply

REDIRECTS_MAX: Final = 3
_TROUBLE: Final = (OSError, LinkLost, TimeoutError, ValkeyUnavailable, OverflowError)  # the last: a port that is none
_ELSEWHERE: Final = re.compile(r"(MOVED|ASK) \d+ (.*):(\d{1,5})")


class Patience(Struct, frozen=True, kw_only=True):
    """How long mail may wait for what it can do without."""

    answer_s: float = 0.1
    connect_s: float = 0.5  # name, connection, TLS and login
    pause_s_min: float = 1.0  # after a failure, nobody asks for so long …
    pause_s_max: float = 8.0  # … and while it goes on failing, twice as long each time, up to this
    beat_s: float = 5.0  # a connection that only listens is asked so often whether it is still there
    idle_s: float = 20.0  # a connection that was idle for longer is not trusted: its function may have been frozen


PATIENCE: Final = Patience()


class _Node(Struct, frozen=True):
    host: str
    port: int
    asking: bool = False  # it does not own the key yet, and must be told that it was asked on purpose


class Server:
    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        login: Login | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """`tls` None: no encryption; `login` None: nobody asks who we are."""
        self._configured = _Node(host, port)
        self._node = self._configured
        self._tls = tls
        self._login = login
        self._link: Link | None = None
        self._known_until = 0.0  # when the login ends
        self._connecting = asyncio.Lock()
        self._trusted_at = 0.0  # when it may be asked again
        self.patience = patience
        self._pause_s = patience.pause_s_min
        self._trouble = ""

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The answers in order; all commands are about one key. Raises ValkeyUnavailable, soon."""
        try:
            replies = await self._asked(commands)
        except _TROUBLE as error:
            raise self._failed(str(error) or "no answer in time") from error
        refused = next((reply for reply in replies if isinstance(reply, Refusal)), None)
        if refused is not None:
            raise self._failed(refused.text)
        self._pause_s = self.patience.pause_s_min
        return replies

    async def listen(self, channel: str, subscribed: Callable[[], None], heard: Heard) -> None:
        """On a connection of its own, until that has to log in again: from the call of `subscribed` on, `heard` is
        given all that is published there. Raises ValkeyUnavailable when it can't be made soon, or is lost."""
        node, lasts_s = self._configured, self._login.lasts_s if self._login is not None else math.inf
        try:
            async with asyncio.timeout(self.patience.connect_s):
                link = await Link.open(node.host, node.port, self._tls, heard)
            with closing(link):
                async with asyncio.timeout(self.patience.connect_s):
                    await _subscribe(link, self._login, channel)
                subscribed()
                with suppress(TimeoutError):
                    async with asyncio.timeout(lasts_s if math.isfinite(lasts_s) else None):
                        await link.watched(self.patience.beat_s, self.patience.connect_s)
        except _TROUBLE as error:
            raise ValkeyUnavailable(f"{node.host}:{node.port}: {str(error) or 'no answer in time'}") from error

    async def close(self) -> None:
        self._forget_link("closed")

    @property
    def _is_paused(self) -> bool:
        """By wall-clock time, since the other halts with a frozen function. A clock that was set back ends it."""
        return 0 < self._trusted_at - time.time() <= self.patience.pause_s_max

    async def _asked(self, commands: Sequence[Command]) -> list[Reply]:
        replies: list[Reply] = []
        for _ in range(REDIRECTS_MAX + 1):
            replies = await self._asked_once(commands)
            node = _named(replies, self._node)
            if node is None:
                break
            if node != self._node:  # else another caller has been sent there before
                self._node, link, self._link = node, self._link, None
                if link is not None:
                    link.retire()
        return replies

    async def _asked_once(self, commands: Sequence[Command]) -> list[Reply]:
        link, is_asking = await self._connected(), self._node.asking
        asked = [each for command in commands for each in (("ASKING",), command)] if is_asking else commands
        try:
            async with asyncio.timeout(self.patience.answer_s):
                replies = await link.ask(asked)
        except TimeoutError:
            link.close("no answer in time")
            raise
        return replies[1::2] if is_asking else replies

    async def _connected(self) -> Link:
        """A connection that knows us. Many callers open one."""
        async with asyncio.timeout(self.patience.connect_s), self._connecting:
            if self._is_paused:
                raise LinkLost(self._trouble)
            link, now = self._usable_link(), time.time()
            if link is None:
                self._forget_link("idle")
                link = self._link = await Link.open(self._node.host, self._node.port, self._tls)
                self._known_until = now
            if self._login is not None and self._known_until <= now:
                await _introduce(link, self._login)
                self._known_until = now + self._login.lasts_s
            return link

    def _usable_link(self) -> Link | None:
        link = self._link
        if link is None or not link.is_usable or not 0 <= time.time() - link.used_at <= self.patience.idle_s:
            return None
        return link

    def _failed(self, reason: str) -> ValkeyUnavailable:
        """The next one to ask begins anew at the address that was configured: its name may lead elsewhere by then."""
        if self._is_paused:  # many have asked, and one failure has reached them all
            return ValkeyUnavailable(self._trouble)
        self._trouble = f"{self._node.host}:{self._node.port}: {reason}"
        self._trusted_at = time.time() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self.patience.pause_s_max)
        self._forget_link(reason)
        self._node = self._configured
        return ValkeyUnavailable(self._trouble)

    def _forget_link(self, reason: str) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close(reason)


async def _introduce(link: Link, login: Login) -> None:
    user, password = await login()
    (reply,) = await link.ask([("AUTH", user, password) if user else ("AUTH", password)])
    if isinstance(reply, Refusal):
        raise LinkLost(f"the login was refused: {reply.code}")


async def _subscribe(link: Link, login: Login | None, channel: str) -> None:
    if login is not None:
        await _introduce(link, login)
    (reply,) = await link.ask([("SUBSCRIBE", channel)])
    if isinstance(reply, Refusal):
        raise LinkLost(reply.text)


def _named(replies: Sequence[Reply], asked: _Node) -> _Node | None:
    """The node that holds the key, if this one does not. Where none is named, it is on the same host."""
    for reply in replies:
        if isinstance(reply, Refusal) and (elsewhere := _ELSEWHERE.fullmatch(reply.text)):
            kind, host, port = elsewhere.groups()
            return _Node(host or asked.host, int(port), asking=kind == "ASK")
    return None
