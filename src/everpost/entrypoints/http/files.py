"""Lists as callers want them: JSON, or a file in pieces, each of them a page."""

from collections.abc import Sequence
from typing import Final

from everpost.entrypoints.http.call import Call, Reply

CSV: Final = b"text/csv"
LINES: Final = b"application/jsonl"
NEXT_CURSOR: Final = b"next-cursor"
NEXT: Final = {"Next-Cursor": "Of a file: where its next piece begins. Left out: this was the last."}
"""As an answer's header is told."""


def wanted(call: Call, offered: Sequence[bytes]) -> bytes | None:
    """The form of a file that the caller asks for; None: it is JSON."""
    accepted = [each.partition(";")[0].strip() for line in call.headers(b"accept") for each in line.split(",")]
    return next((form for form in offered if form.decode() in accepted), None)


def piece(form: bytes, body: bytes, following: str | None) -> Reply:
    """Pieces can be put together as they are: only the first one has titles."""
    fields = () if following is None else ((NEXT_CURSOR, following.encode()),)
    return Reply(status=200, body=body, content_type=form + b"; charset=utf-8", headers=fields)
