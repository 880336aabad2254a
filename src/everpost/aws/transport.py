"""What carries a request to AWS and back."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    method: str
    url: str  # absolute; path and query percent-encoded
    headers: Mapping[str, str]  # without Host and Content-Length, which the transport adds
    body: bytes = b""


class Response(Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""


class Lost(Struct, frozen=True, kw_only=True):
    """No complete answer came."""

    maybe_sent: bool  # False only with proof that nobody can have read a whole request
    text: str


Transport = Callable[[Request, float], Awaitable[Response | Lost]]
"""(request, seconds): makes the request once, and gives up after so many seconds. Never raises for what the network
does."""
