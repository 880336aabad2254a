"""Wake-ups from process to process over a channel of the PostgreSQL that holds the mail.

One connection a process, for telling and for hearing. What is told while it is away is lost: whoever listens anew looks
at everything first. Telling is no part of a write, since the server lets transactions that notify commit one by one.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from everpost.postgres import Fault, Server
from everpost.postgres.faults import told
from everpost.wakeup.port import LOOK_S, Topic

CHANNEL: Final = "everpost_wakeups"
ANSWER_S: Final = 2.0  # to a notification, and to a sign of life
BEAT_S: Final = 10.0  # between two signs of life: a connection may be dead without saying so
PAUSE_S_MIN: Final = 0.1  # before it is tried again
PAUSE_S_MAX: Final = 5.0
_TOPICS: Final = {topic.value: topic for topic in Topic}
_log = logging.getLogger(__name__)


class PostgresPeers:
    pause_s = 0.05

    def __init__(self, server: Server, beat_s: float = BEAT_S) -> None:
        self._server = server
        self._beat_s = beat_s
        self._link: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()  # at the connection, which does one thing at a time
        self._is_troubled = False

    async def tell(self, topic: Topic, in_s: float = 0.0) -> None:
        if in_s >= LOOK_S:
            return
        try:
            await self._run("SELECT pg_notify($1, $2)", CHANNEL, topic.value)
        except Fault as fault:
            self._note(fault)
        else:
            self._note()

    async def hear(self, heard: Callable[[Topic], None]) -> None:
        pause_s = PAUSE_S_MIN
        while True:
            try:
                ended = await self._listen(heard)
                self._note()
                pause_s = PAUSE_S_MIN
                for topic in Topic:
                    heard(topic)
                await self._watch(ended)
            except Fault as fault:
                self._note(fault)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_S_MAX)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await link.close(timeout=ANSWER_S)

    async def _listen(self, heard: Callable[[Topic], None]) -> asyncio.Event:
        """An event for the end of the connection."""
        ended = asyncio.Event()

        def take(link: asyncpg.Connection, process: int, _channel: str, word: object) -> None:
            topic = _TOPICS.get(str(word))
            if topic is not None and process != link.get_server_pid():
                heard(topic)

        async with self._turn:
            link = await self._connected()
            link.add_termination_listener(lambda _: ended.set())
            with told():
                async with asyncio.timeout(ANSWER_S):
                    await link.add_listener(CHANNEL, take)
        return ended

    async def _watch(self, ended: asyncio.Event) -> None:
        """Returns when the connection has ended."""
        while not ended.is_set():
            try:
                async with asyncio.timeout(self._beat_s):
                    await ended.wait()
            except TimeoutError:
                await self._run("SELECT 1")

    async def _run(self, sql: str, *values: Any) -> None:
        async with self._turn:
            link = await self._connected()
            try:
                with told():
                    async with asyncio.timeout(ANSWER_S):
                        await link.execute(sql, *values)
            except BaseException:
                link.terminate()
                raise

    async def _connected(self) -> asyncpg.Connection:
        if self._link is None or self._link.is_closed():
            self._link = await self._server.connect()
        return self._link

    def _note(self, fault: Fault | None = None) -> None:
        """Once for each change."""
        if fault is not None and not self._is_troubled:
            _log.warning("other processes can't be reached; they look by themselves", extra={"error": str(fault)})
        elif fault is None and self._is_troubled:
            _log.info("other processes are reached again")
        self._is_troubled = fault is not None
