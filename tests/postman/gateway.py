"""What stands in front of servers elsewhere, as far as callers notice: it is found by its name, and has a stage."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from server_kit import HOST

NAME = "api.example.com"
STAGE = "dev"
_CHUNK_BYTES = 65_536
_STAGED = re.compile(rf"([A-Z]+ )/{STAGE}(/.*\r\nhost: {NAME}\r\n)".encode(), re.DOTALL | re.IGNORECASE)


@asynccontextmanager
async def in_front_of(url: str) -> AsyncIterator[Mapping[str, str]]:
    """The variables that lead to it. A request that does not name it and its stage is not answered."""
    address = urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(address.hostname, address.port)
        back = asyncio.create_task(_pump(answers, writer))
        while data := await reader.read(_CHUNK_BYTES):
            if re.match(rb"[A-Z]+ /", data):
                data, staged = _STAGED.subn(rb"\1\2", data, count=1)
                if not staged:
                    break
            requests.write(data)
        requests.close()
        await back

    async with await asyncio.start_server(carry, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield {"baseUrl": f"http://{HOST}:{port}/{STAGE}", "hostHeader": NAME, "gateway": "1"}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
    writer.close()
