"""Our own protocol on a real socket."""

import asyncio

import uvicorn

from everpost.entrypoints.http.protocol import Protocol

TURNS_MAX = 100_000  # of the event loop, until something has happened


class Server(uvicorn.Server):
    """One whose protocols a test can reach."""

    def __init__(self, app):
        super().__init__(uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None))
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)

    @property
    def protocol(self):
        [protocol] = self.server_state.connections
        return protocol


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def answer(self, *, bodyless=False):
        """Status, header and body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = dict(field.split(": ", 1) for field in rest)
        body = b"" if bodyless else await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(line.split()[1]), headers, body

    async def ended(self):
        """What comes before the end."""
        return await self.reader.read()


async def until(condition):
    for _ in range(TURNS_MAX):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError
