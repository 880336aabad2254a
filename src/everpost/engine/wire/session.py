"""One SMTP session (RFC 5321): a command, its reply, and nothing that is not one's answer to the other."""

import asyncio
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from everpost.engine.wire.stream import Broken, Stream

REPLY_BYTES_MAX: Final = 32 * 1024
QUIT_S: Final = 1.0

_LINE: Final = re.compile(r"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    code: int
    text: str  # its lines, joined by \n


class Session(Stream):
    def __init__(self) -> None:
        super().__init__()
        self._rest = b""  # of what has come: a line that is not complete yet
        self._size = 0  # of the reply so far
        self._lines: list[str] = []
        self._reply: Reply | None = None
        self._expecting = True  # the server speaks first
        self._on_left: Callable[[], None] | None = None
        self._patience: asyncio.TimerHandle | None = None

    @property
    def own_name(self) -> str:
        """An address literal (RFC 5321 4.1.3): to look up a name would take time, and prove nothing."""
        return f"[IPv6:{self._own_address}]" if ":" in self._own_address else f"[{self._own_address}]"

    async def command(self, line: str) -> Reply:
        """Raises Broken if no reply can come any more."""
        self.expect()
        self.write(line.encode() + b"\r\n")
        return await self.reply()

    def expect(self) -> None:
        """From now on a reply may come."""
        self._expecting = True
        self._size = 0

    async def reply(self) -> Reply:
        """The one that is expected; raises Broken."""
        while self._reply is None:
            if self._lost is not None:
                raise Broken(self._lost)
            await self._change()
        reply, self._reply = self._reply, None
        return reply

    def leave(self, on_left: Callable[[], None]) -> None:
        """Says goodbye and hangs up when the server has said it too, or after a moment. Nobody has to wait for it.
        Raises Broken."""
        self.write(b"QUIT\r\n")
        self._on_left = on_left
        self._patience = asyncio.get_running_loop().call_later(QUIT_S, self.abort)

    # --- asyncio's side -----------------------------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._patience is not None:
            self._patience.cancel()
        if self._on_left is not None:
            self._on_left()

    def data_received(self, data: bytes) -> None:
        if self._on_left is not None:
            self.abort()
            return
        self._size += len(data)
        if self._size > REPLY_BYTES_MAX:
            self._give_up(f"a reply of more than {REPLY_BYTES_MAX} bytes")
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._read(line.decode(errors="replace").rstrip("\r"))
        if self._rest and not self._expecting:
            self._give_up("a reply that nobody has asked for")

    def _read(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        if self._lost is not None:
            return
        if not self._expecting:
            self._give_up(f"a reply that nobody has asked for: {line[:200]}")
        elif found is None:
            self._give_up(f"not an SMTP reply: {line[:200]}")
        else:
            self._lines.append((found[3] or "").strip())
            if found[2] != "-":
                self._reply = Reply(int(found[1]), "\n".join(self._lines))
                self._lines = []
                self._answer_is_there()
