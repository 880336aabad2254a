"""What is no sound request is refused at once: an ambiguous one could be read in another way by a proxy in front, and
carry a second request past it."""

from collections.abc import Sequence
from urllib.parse import unquote

import httptools
import msgspec

from everpost.entrypoints.http.call import PROBLEM_JSON
from everpost.entrypoints.http.exchange import written
from everpost.entrypoints.http.problems import bare
from everpost.model import limits

Fields = Sequence[tuple[bytes, bytes]]


class Refused(Exception):
    """Raised within the parser, which then gives up. The code is one of `problems.CODES`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def head_too_large() -> Refused:
    bytes_max, headers_max = limits.REQUEST_HEAD_BYTES_MAX, limits.REQUEST_HEADERS_MAX
    return Refused("head_too_large", f"at most {bytes_max} bytes and {headers_max} headers are read before a body")


def check_head(url: bytes, headers: Fields, received: int, *, is_old: bool) -> Refused | None:
    """What is wrong with a head of an HTTP/1.1 request, or of one of 1.0 (`is_old`). `received` bytes, of its body
    perhaps, have come so far."""
    if received > limits.REQUEST_HEAD_BYTES_MAX:
        size = len(url) + sum(len(name) + len(value) for name, value in headers)
        if size > limits.REQUEST_HEAD_BYTES_MAX:
            return head_too_large()
    hosts, codings = 0, []
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            codings.append(value.lower())
    if hosts > 1 or not (hosts or is_old):
        return Refused("bad_request", "a request has one Host header (RFC 9112 3.2)")
    if codings and (is_old or codings != [b"chunked"]):
        return Refused("bad_request", "the only transfer coding that is read is chunked, given once")
    return None


def target(url: bytes) -> tuple[str, bytes]:
    """Path, decoded, and query. Raises what httptools makes an error of the request of."""
    if url[:1] != b"/" or b"#" in url:
        parsed = httptools.parse_url(url)
        path, query = parsed.path or b"", parsed.query or b""
    else:
        path, _, query = url.partition(b"?")
    text = path.decode("ascii")
    return (unquote(text) if "%" in text else text), query


def refusal(refused: Refused, default: Fields) -> bytes:
    """The answer to what is refused; the connection ends with it."""
    given = bare(refused.code, refused.detail)
    body = msgspec.json.encode(given)
    told = (
        (b"content-type", PROBLEM_JSON),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    )
    return written(given["status"], [*default, *told], body)
