"""Opens connections, and names the phase that failed: DNS, the connection, or TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from everpost.engine.wire.guard import Guard
from everpost.engine.wire.stream import Stream, words
from everpost.providers.contract import Fault, Phase

NO_WAY: Final = "the name leads to no address that may be called"
StreamT = TypeVar("StreamT", bound=Stream)


async def dial(
    make: Callable[[], StreamT],
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    within_s: float,
    guard: Guard | None = None,
) -> StreamT | Fault:
    """A connection, in TLS if a context is given; to nothing that the guard does not let through. A fault names the
    phase that failed; nothing has been sent."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + within_s
    phase = Phase.DNS
    try:
        async with asyncio.timeout_at(ends_at):
            addresses = [str(info[4][0]) for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
            if guard is not None:
                addresses = [address for address in addresses if guard.lets(address)]
                if not addresses:
                    return Fault(phase=phase, maybe_sent=False, text=NO_WAY)
            phase = Phase.CONNECT
            stream = await _connected(make, addresses, port, ends_at)
            phase = Phase.TLS
            if tls is not None:
                await stream.secure(tls, host)
            return stream
    except TimeoutError:
        return Fault(phase=phase, maybe_sent=False, text=f"not done within {within_s:g} s")
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could have
        return Fault(phase=phase, maybe_sent=False, text=words(error))


async def _connected(make: Callable[[], StreamT], addresses: Sequence[str], port: int, ends_at: float) -> StreamT:
    """To the first address that takes us. Each has its share of the time, so that a dead one does not hide the next."""
    loop = asyncio.get_running_loop()
    for left in range(len(addresses), 0, -1):
        try:
            async with asyncio.timeout((ends_at - loop.time()) / left):
                _, stream = await loop.create_connection(make, addresses[-left], port)
                return stream
        except OSError:
            if left == 1:
                raise
    raise socket.gaierror("the name has no address")
