"""Pages of other origins that may call this API from a browser, and read what it answers (Fetch standard, CORS)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

Fields = Sequence[tuple[bytes, bytes]]

ASKED: Final = b"access-control-request-method"
"""A browser's question, ahead of the request itself, has this header."""

READABLE: Final = b"etag, idempotency-replayed, location, next-cursor, preference-applied, retry-after, x-request-id"
SENDABLE: Final = b"authorization, content-type, idempotency-key, if-match, prefer, traceparent, x-request-id"
ANSWER_HOLDS_S: Final = 600  # how long a browser need not ask again; Chromium keeps it for 7,200 s at most


class Origins:
    """Exactly those that are listed, as browsers write them: no patterns, no `*`, no cookies."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.fields: Mapping[str | None, Fields] = {None: ()} | {each: _fields(each) for each in allowed}
        """What an answer tells a page of this origin; None: any other caller."""
        self.are_listed = len(self.fields) > 1

    def told(self, origin: str | None) -> Fields:
        return self.fields.get(origin, ())

    def of(self, headers: Fields) -> str | None:
        """The origin that a request comes from, if it is listed."""
        if self.are_listed:
            for name, value in headers:
                if name == b"origin":
                    origin = value.decode("latin-1")
                    return origin if origin in self.fields else None
        return None


def preflight_fields(methods: str) -> Fields:
    """What a listed origin may send."""
    return (
        (b"access-control-allow-methods", methods.encode()),
        (b"access-control-allow-headers", SENDABLE),
        (b"access-control-max-age", b"%d" % ANSWER_HOLDS_S),
    )


def _fields(origin: str) -> Fields:
    return (
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-expose-headers", READABLE),
        (b"vary", b"origin"),
    )
