"""The few HTTP requests that commands make of a running server."""

import http.client
import json
import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from everpost.entrypoints.cli.command import USAGE, Stop
from everpost.model.limits import WAIT_S_MAX

DEFAULT_URL: Final = "http://127.0.0.1:8025"
TIMEOUT_S: Final = WAIT_S_MAX + 15.0
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
EVENT_STREAM: Final = "text/event-stream"
NO_STREAMS: Final = "no_streams"  # as a server says it
_DATA: Final = b"data: "
_FAULTY: Final = "validation_failed"
_HINTS: Final[Mapping[int, str]] = {
    401: "give a key with --key or EVERPOST_KEY; make one with: everpost keys create --scope admin",
    403: "this key's scope is too narrow; make another with: everpost keys create --scope admin",
    503: "the server can't do it now; try again in a moment",
}


VARIABLES: Final[Mapping[str, str]] = {
    "EVERPOST_URL": "Address of the server that commands talk to, where no --url is given.",
    "EVERPOST_KEY": "API key that commands use, where no --key is given.",
}


class Answer(Struct, frozen=True):
    status: int
    body: Any  # decoded JSON


def connection_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--url", default=environ.get("EVERPOST_URL") or DEFAULT_URL, help=f"the server (default: {DEFAULT_URL})"
    )
    parser.add_argument("--key", default=environ.get("EVERPOST_KEY"), help="an API key (default: EVERPOST_KEY)")


class Client:
    """Every method raises Stop when the server can't be reached or refuses."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Stop(f"{url!r} is not a server's address", f"like {DEFAULT_URL}", USAGE)
        self._url = url.rstrip("/")
        self._key = key

    @classmethod
    def of(cls, args: Namespace) -> "Client":
        return cls(args.url, args.key)

    def get(self, path: str, **query: str | int | None) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path).body

    def text(self, path: str) -> str:
        """What stands there, as it is."""
        with self._answered("GET", path, None, self._headers(None, {})) as response:
            content = response.read(ANSWER_BYTES_MAX)
            if response.status >= 400:
                self._read(response.status, content)
            return content.decode()

    def stream(self, path: str, **query: str | int | None) -> Iterator[Any]:
        """What a server sends as it comes, until it or the connection ends. Raises Stop with the error `no_streams`
        where no server can."""
        given = {name: value for name, value in query.items() if value is not None}
        headers = self._headers(None, {"Accept": EVENT_STREAM})
        with self._answered("GET", f"{path}?{urlencode(given)}", None, headers) as response:
            if response.getheader("Content-Type") != EVENT_STREAM:
                self._read(response.status, response.read(ANSWER_BYTES_MAX))
                raise Stop(f"{self._url} has no streams", error=NO_STREAMS)
            try:
                yield from (json.loads(line[len(_DATA) :]) for line in response if line.startswith(_DATA))
            except (OSError, http.client.HTTPException):
                return  # cut off: whoever comes back misses nothing

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask("POST", path, json.dumps(body).encode(), headers or {})

    def put(self, path: str, body: Any) -> Answer:
        return self._ask("PUT", path, json.dumps(body).encode())

    def patch(self, path: str, body: Any) -> Answer:
        return self._ask("PATCH", path, json.dumps(body).encode())

    def delete(self, path: str) -> Answer:
        return self._ask("DELETE", path)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        with self._answered(method, path, body, self._headers(body, headers or {})) as response:
            return self._read(response.status, response.read(ANSWER_BYTES_MAX))

    def _read(self, status: int, content: bytes) -> Answer:
        try:
            answer = json.loads(content) if content else None
        except ValueError:
            raise Stop(f"{self._url} answered {status} without JSON", "is this an Everpost server?") from None
        if status >= 400:
            raise _refusal(status, answer if isinstance(answer, dict) else {})
        return Answer(status, answer)

    def _headers(self, body: bytes | None, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "everpost-cli"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers | dict(more)

    @contextmanager
    def _answered(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer whose head is there."""
        connection = _connection(self._url)
        try:
            connection.request(method, urlsplit(self._url).path + path, body, headers)
            yield connection.getresponse()
        except ConnectionRefusedError:
            raise Stop(f"no server answers at {self._url}", "start one with: everpost dev") from None
        except (OSError, http.client.HTTPException) as error:
            raise Stop(f"{self._url} gave no answer: {str(error) or type(error).__name__}") from None
        except ValueError as error:  # a header or path that HTTP can't carry
            raise Stop(f"this can't be sent: {error}", code=USAGE) from None
        finally:
            connection.close()


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)


def _refusal(status: int, problem: Mapping[str, Any]) -> Stop:
    """An RFC 9457 problem in words, or the original API's `message`."""
    title, detail = problem.get("title"), problem.get("detail")
    named = [f"{error.get('field')}: {error.get('message')}" for error in problem.get("errors") or ()]
    if problem.get("code") == _FAULTY:
        detail = None  # it only says where the faults are named
    words = f"{title}: {detail}" if title and detail else title or problem.get("message")
    return Stop(
        str(words or f"the server answered {status}"),
        _HINTS.get(status, ""),
        error=str(problem.get("code") or ""),
        details=named if title else (),  # the original API's message names the fields itself
    )
