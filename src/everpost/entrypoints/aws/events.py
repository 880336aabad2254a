"""AWS's events to requests, and answers to AWS's results: pure.

Read are the events of REST APIs (payload format 1.0), HTTP APIs and function URLs (2.0), each of which has its own ways
with paths, repeated headers and bodies.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlencode

from msgspec import Struct

Fields = Sequence[tuple[bytes, bytes]]

_TEXTUAL: Final = re.compile(rb"text/|application/(?:[\w.+-]+\+)?json|application/openmetrics-text")
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"content-length", b"transfer-encoding", b"keep-alive"})
_XRAY: Final = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)")
_XRAY_PARENT: Final = re.compile(r"Parent=([0-9a-f]{16})(?:;|$)")
_USUAL_HOST: Final = ".execute-api."


class BrokenEvent(Exception):
    """The function was called with something that it can't read; says with what, and what it reads."""


class Asked(Struct, frozen=True, kw_only=True):
    """A request, in the terms of HTTP."""

    version: str  # of the payload format, in which it has to be answered
    method: str
    path: str  # decoded
    query: bytes  # as in a URL
    headers: list[tuple[bytes, bytes]]  # names in lower case
    body: bytes


class Answered(Struct, frozen=True, kw_only=True):
    status: int
    headers: Fields
    body: bytes


class Queued(Struct, frozen=True, kw_only=True):
    """A message of SQS."""

    id: str
    queue: str  # its name
    body: bytes


def read_request(event: Any, base_path: str = "") -> Asked:
    """`base_path` stands before every path, where clients reach the API below one. Raises BrokenEvent."""
    if not isinstance(event, dict):
        raise BrokenEvent(f"the event is no JSON object but {type(event).__name__}")
    try:
        read = _read_1 if "httpMethod" in event else _read_2
        return read(event, base_path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenEvent(
            f"the event is no request of API Gateway or a function URL, payload format 1.0 or 2.0: {_told(error)}"
        ) from None


def read_nudges(event: Any) -> list[str]:
    """The ids of the SQS messages that have called, which may be none: a clock sends no messages. Raises
    BrokenEvent."""
    if not isinstance(event, dict):
        raise BrokenEvent(f"the event is no JSON object but {type(event).__name__}")
    try:
        return [str(record["messageId"]) for record in event.get("Records", ())]
    except (KeyError, TypeError) as error:
        raise BrokenEvent(f"the event has Records, but they are no messages of SQS: {_told(error)}") from None


def is_of_a_queue(event: Any) -> bool:
    return isinstance(event, dict) and "Records" in event


def read_queued(event: Any) -> list[Queued]:
    """The SQS messages that have called, whole. Raises BrokenEvent."""
    try:
        return [
            Queued(
                id=str(record["messageId"]),
                queue=_text(record["eventSourceARN"]).rpartition(":")[2],
                body=_text(record["body"]).encode(errors="surrogatepass"),
            )
            for record in event["Records"]
        ]
    except (KeyError, TypeError) as error:
        raise BrokenEvent(f"the event has Records, but they are no messages of SQS: {_told(error)}") from None


def render(answered: Answered, version: str) -> dict[str, Any]:
    """The result that stands for an answer. What is no text goes out in base64."""
    fields = [(name.decode(), value.decode("latin-1")) for name, value in _of_the_answer(answered.headers)]
    body, is_encoded = _body(answered)
    told = {"statusCode": answered.status, "body": body, "isBase64Encoded": is_encoded}
    if version == "1.0":
        return {**told, "multiValueHeaders": _gathered(fields)}
    cookies = [value for name, value in fields if name == "set-cookie"]
    joined = {name: ", ".join(values) for name, values in _gathered(fields).items() if name != "set-cookie"}
    return {**told, "headers": joined, **({"cookies": cookies} if cookies else {})}


def _read_1(event: Mapping[str, Any], base_path: str) -> Asked:
    query = event.get("multiValueQueryStringParameters") or _each(event.get("queryStringParameters"))
    headers = event.get("multiValueHeaders") or _each(event.get("headers"))
    pairs = ((name, value) for name, values in headers.items() for value in values)
    return Asked(
        version="1.0",
        method=_text(event["httpMethod"]),
        path=_path(event["path"], base_path),
        query=urlencode(query, doseq=True).encode(),
        **_content(event, pairs),
    )


def _read_2(event: Mapping[str, Any], base_path: str) -> Asked:
    context = event["requestContext"]
    pairs = [*event["headers"].items(), *(("cookie", cookie) for cookie in event.get("cookies", ()))]
    return Asked(
        version="2.0",
        method=_text(context["http"]["method"]),
        path=_path(_without_stage(event["rawPath"], context), base_path),
        query=event.get("rawQueryString", "").encode(),
        **_content(event, pairs),
    )


def _content(event: Mapping[str, Any], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Headers and body: the length is that of the body as it is here."""
    body = event.get("body") or ""
    content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in pairs]
    fields = [field for field in headers if field[0] not in _OF_THE_CONNECTION]
    if content:
        fields.append((b"content-length", b"%d" % len(content)))
    return {"headers": [*fields, *_traced(fields)], "body": content}


def _traced(fields: Fields) -> Iterator[tuple[bytes, bytes]]:
    """X-Ray's trace in W3C's form, where the caller has given none."""
    given = {name: value.decode("latin-1") for name, value in fields}
    header = given.get(b"x-amzn-trace-id", "")
    root, parent = _XRAY.search(header), _XRAY_PARENT.search(header)
    if root and b"traceparent" not in given:
        span = parent[1] if parent else root[2][:16]
        yield b"traceparent", f"00-{root[1]}{root[2]}-{span}-{'01' if 'Sampled=1' in header else '00'}".encode()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"where there should be text there is {type(value).__name__}")
    return value


def _without_stage(path: str, context: Mapping[str, Any]) -> str:
    """The name of the stage stands before the path, unless the API has a domain of its own or the stage no name."""
    stage = f"/{context.get('stage', '$default')}"
    if _USUAL_HOST in context.get("domainName", "") and (path == stage or path.startswith(f"{stage}/")):
        return path.removeprefix(stage)
    return path


def _path(raw: str, base_path: str) -> str:
    inner = raw.removeprefix(base_path) if raw == base_path or raw.startswith(f"{base_path}/") else raw
    return unquote(inner) or "/"


def _each(values: Mapping[str, str] | None) -> dict[str, list[str]]:
    return {name: [value] for name, value in (values or {}).items()}


def _gathered(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in fields:
        gathered.setdefault(name, []).append(value)
    return gathered


def _of_the_answer(headers: Fields) -> Iterator[tuple[bytes, bytes]]:
    return (field for field in headers if field[0] not in _OF_THE_CONNECTION)


def _body(answered: Answered) -> tuple[str, bool]:
    told = dict(answered.headers)
    is_text = b"content-encoding" not in told and _TEXTUAL.match(told.get(b"content-type", b""))
    if not answered.body or is_text:
        return answered.body.decode(), False
    return base64.b64encode(answered.body).decode(), True


def _told(error: Exception) -> str:
    match error:
        case KeyError():
            return f"{error} is missing"
        case binascii.Error():
            return "its body is said to be base64, and is not"
    return str(error)
