"""Fresh stores that several processes can share."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from aws_kit import client_of, environ_of, ministack
from dynamodb_kit import make_table
from everpost.engine.wire import NetworkWire
from postgres_kit import DURABLE, cluster, url_of

Environ = Mapping[str, str]


@contextmanager
def _sqlite(folder: Path) -> Iterator[Environ]:
    yield {}


@contextmanager
def _dynamodb(folder: Path) -> Iterator[Environ]:
    with ministack(folder / "ministack.log") as endpoint:
        name = asyncio.run(_made_table(endpoint))
        yield {**environ_of(endpoint), "EVERPOST_STORE": f"dynamodb:{name}?bodies={name}"}


@contextmanager
def _postgres(folder: Path) -> Iterator[Environ]:
    with cluster(folder, DURABLE) as own:
        yield {"EVERPOST_STORE": url_of(own.port), "EVERPOST_WAKEUP": "store"}


async def _made_table(endpoint: str) -> str:
    wire = NetworkWire()
    try:
        return await make_table(client_of(wire, endpoint))
    finally:
        await wire.close()


STORES: Final[Mapping[str, Callable[[Path], AbstractContextManager[Environ]]]] = {
    "sqlite": _sqlite,
    "postgres": _postgres,
    "dynamodb": _dynamodb,
}
"""By name: what says in the environment of the processes where it is."""
UNDER_LOAD: Final = ("sqlite", "postgres")  # AWS on loopback is too slow for it
