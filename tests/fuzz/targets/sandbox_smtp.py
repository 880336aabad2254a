"""The sandbox's mail server: whatever a client says, in whatever pieces, the session ends with the client, no error of
ours is told, and a mail is taken only where a line of one dot, ended by CRLF on both sides, has closed it.

The input is a byte that chooses the pieces, and what the client says.
"""

import asyncio
import contextlib
from random import Random

from everpost.sandbox.api import Conduct
from everpost.sandbox.faults import Faults
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.smtp import FAILED, MailPort
from fuzz.pieces import pieces

PATIENCE_S = 20.0


def check(data):
    how, said = data[:1], data[1:]
    whole, replies = asyncio.run(spoken([said]))
    in_pieces, _ = asyncio.run(spoken(pieces(said, how)[:100]))
    assert whole == in_pieces or len(pieces(said, how)) > 100
    assert whole <= said.count(b"\r\n.\r\n")
    for line in replies.split(b"\r\n"):
        assert not line or line[:3].isdigit(), line
        assert not line.startswith(FAILED.encode()), line


async def heard(reader, writer):
    """All that was replied until the server hung up, which it may do first."""
    replies = b""
    with contextlib.suppress(OSError):
        writer.write_eof()
        while piece := await reader.read(4096):
            replies += piece
    writer.close()
    return replies


async def spoken(chunks):
    """How many mails were taken, and what was replied."""
    chance = Random(1)
    inbox = Inbox(lambda: 0.0)
    port = MailPort(inbox, Conduct(), Faults(chance), chance)
    server = await asyncio.get_running_loop().create_server(port, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for chunk in chunks:
                writer.write(chunk)
                await asyncio.sleep(0)
            replies = await heard(reader, writer)
            return len(inbox.list()), replies
    finally:
        server.close()
        port.close()
        await asyncio.sleep(0)
