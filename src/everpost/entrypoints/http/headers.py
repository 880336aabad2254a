"""Reads request headers: pure functions from what was sent to what is meant."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from everpost.entrypoints.http.problems import problem
from everpost.model.limits import IDEMPOTENCY_KEY_CHARS_MAX, WAIT_S_MAX
from everpost.model.problem import Problem

LOOPBACK: Final = re.compile(r"(?:https?://)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{1,128})?"
)
_KEY: Final = re.compile(rf"[!-~]{{1,{IDEMPOTENCY_KEY_CHARS_MAX}}}")
_QUOTED_KEY: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_WAIT: Final = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)
_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,18})"')


def read_request_id(given: str | None) -> str | None:
    """The caller's own id of a request, if it is fit for a log."""
    return given if given and _REQUEST_ID.fullmatch(given) else None


def read_trace(given: str | None) -> str | None:
    """A `traceparent` (W3C Trace Context, level 1); an invalid one is left out, as the standard asks."""
    match = _TRACEPARENT.fullmatch(given) if given else None
    return given if match and (match[1] != "00" or match[2] is None) else None


def read_idempotency_key(values: Sequence[str]) -> str | Problem | None:
    """A key, bare or as a structured-field string (RFC 9651 3.3.3)."""
    if not values:
        return None
    quoted = _QUOTED_KEY.fullmatch(values[0])
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else values[0]
    unclosed = quoted is None and key.startswith('"')
    if len(values) > 1 or unclosed or not _KEY.fullmatch(key):
        detail = (
            f"Idempotency-Key must be given once and have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters"
        )
        return problem("bad_header", detail)
    return key


def read_wait(values: Sequence[str]) -> int | None:
    """The seconds of `Prefer: wait=N` (RFC 7240 4.3), at most WAIT_S_MAX. What is not understood is ignored, as the
    standard asks."""
    preferences = (preference.partition(";")[0].strip() for value in values for preference in value.split(","))
    match = next(filter(None, map(_WAIT.fullmatch, preferences)), None)
    return min(int(match[1]), WAIT_S_MAX) or None if match else None


def read_token(authorization: str) -> str | None:
    """The API key of `Authorization: Bearer KEY`, or of Basic with the key as password."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, ValueError):
        return None


def read_version(if_match: str | None) -> int | Problem | None:
    """The version in `If-Match: "3"`."""
    if if_match is None:
        return None
    match = _ETAG.fullmatch(if_match)
    return int(match[1]) if match else problem("bad_header", 'If-Match must be the ETag of the route, as in "3"')
