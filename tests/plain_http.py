"""A bare HTTP/1.1 client: one request, one connection, and what came of it on the wire."""

import asyncio
from urllib.parse import urlsplit

from everpost.providers.contract import HttpRequest, HttpResponse


def raw_request(request: HttpRequest) -> bytes:
    parts = urlsplit(request.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    head = f"{request.method} {target} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(request.body)}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in request.headers.items()) + "\r\n").encode() + (
        request.body
    )


async def read_response(reader: asyncio.StreamReader) -> HttpResponse:
    """Raises IncompleteReadError if the server closes first."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return HttpResponse(status=int(head[0].split()[1]), headers=headers, body=body)


async def exchange(request: HttpRequest) -> HttpResponse:
    parts = urlsplit(request.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(raw_request(request))
        return await read_response(reader)
    finally:
        writer.close()
