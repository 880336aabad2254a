"""Wake-ups from process to process over a channel of Valkey, Redis or ElastiCache.

What is published while nobody can listen is lost: whoever subscribes looks at everything first. In a cluster a channel
reaches all nodes, whichever one is asked.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from everpost.valkey import Reply, Server, ValkeyUnavailable
from everpost.wakeup.port import LOOK_S, Topic

CHANNEL: Final = "everpost:wakeups"
_TOPICS: Final = {topic.value: topic for topic in Topic}
_log = logging.getLogger(__name__)


class ValkeyPeers:
    pause_s = 0.05

    def __init__(self, server: Server, channel: str = CHANNEL) -> None:
        """Installations that share a server and a channel wake each other for nothing."""
        self._server = server
        self._channel = channel
        self._name = secrets.token_hex(8)
        self._troubled: set[str] = set()  # what can't be done now

    async def tell(self, topic: Topic, in_s: float = 0.0) -> None:
        if in_s >= LOOK_S:
            return
        try:
            await self._server.ask([("PUBLISH", self._channel, f"{topic} {self._name}")])
        except ValkeyUnavailable as error:
            self._note("told", error)
        else:
            self._note("told")

    async def hear(self, heard: Callable[[Topic], None]) -> None:
        pause_s = self._server.patience.pause_s_min

        def subscribed() -> None:
            nonlocal pause_s
            pause_s = self._server.patience.pause_s_min
            self._note("heard")
            for topic in Topic:
                heard(topic)

        while True:
            try:
                await self._server.listen(self._channel, subscribed, partial(self._take, heard))
            except ValkeyUnavailable as error:
                self._note("heard", error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._server.patience.pause_s_max)

    async def close(self) -> None:
        await self._server.close()

    def _take(self, heard: Callable[[Topic], None], said: Reply) -> None:
        word, _, name = said.decode(errors="replace").partition(" ") if isinstance(said, bytes) else ("", "", "")
        if word in _TOPICS and name != self._name:
            heard(_TOPICS[word])

    def _note(self, what: str, error: ValkeyUnavailable | None = None) -> None:
        """Once for each change."""
        if error is not None and what not in self._troubled:
            self._troubled.add(what)
            _log.warning("other processes can't be %s; they look by themselves", what, extra={"error": str(error)})
        elif error is None and what in self._troubled:
            self._troubled.discard(what)
            _log.info("other processes are %s again", what)
