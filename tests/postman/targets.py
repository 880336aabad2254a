"""Servers that the collection runs against: with keys in front of a sandbox, and without on loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from crash.processes import Process, installation
from server_kit import EVERPOST, HOST, free_ports

SCOPES = ("admin", "send", "read")


@asynccontextmanager
async def with_keys(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """The variables that lead there."""
    async with installation(folder) as place:
        server = place.add_server()
        await server.start()
        keys = {f"{scope}Key": await place.new_key(scope) for scope in SCOPES}
        yield {"baseUrl": server.url, "controlUrl": place.sandbox.url, **keys}


@asynccontextmanager
async def without_keys(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """`everpost dev`, with all that `make run` has and no control address."""
    port, smtp = free_ports(2)
    words = (*EVERPOST, "dev", "--port", str(port), "--smtp-port", str(smtp), "--data", str(folder / "data"))
    server = Process(words, folder / "dev.log", f"http://{HOST}:{port}", "/readyz")
    try:
        await server.start()
        yield {"baseUrl": server.url}
    finally:
        await server.kill()
