"""Why a call has failed, as exceptions that tell who was at fault and how to mend it."""

from typing import Final

import msgspec
from msgspec import Struct


class FieldError(Struct, frozen=True):
    field: str  # a path into the request, as in `to[1]`
    message: str  # what is wrong and how to mend it


class EverpostError(Exception):
    """A call that has failed. Of one that would send: with the same `idempotency_key` it may be repeated at any time,
    for as long as the server keeps keys (7 days by default), and sends one mail."""

    idempotency_key: str | None = None


class NoAnswer(EverpostError):
    """No answer came in time, or none of Everpost's. Nobody here can tell whether the request was taken."""


class Problem(Struct, frozen=True):
    """The body of a refusal (RFC 9457), or as much of it as is there."""

    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    code: str = ""
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class Refused(EverpostError):
    """An answer that says no. Its words are the server's, and say how to mend it."""

    def __init__(self, status: int, problem: Problem) -> None:
        self.status = status
        self.type = problem.type
        self.code = problem.code
        """Stable, to branch on; the API's documentation lists all of them."""
        self.title = problem.title
        self.detail = problem.detail
        self.errors = problem.errors
        self.request_id = problem.request_id
        super().__init__(_told(status, problem))


class Invalid(Refused):
    """The request is faulty: `errors` names each fault (400, 413, 415, 422)."""


class Unauthorized(Refused):
    """The key is missing, wrong or revoked (401)."""


class Forbidden(Refused):
    """The key may not do this (403)."""


class NotFound(Refused):
    """There is no such thing (404)."""


class Conflict(Refused):
    """It can't be done as things are: too late, or done otherwise before (409, 412)."""


class Unavailable(Refused):
    """The server can't now (429, 5xx), and could not until the deadline."""


_CLASSES: Final = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
}
_PROBLEM: Final = msgspec.json.Decoder(Problem)


def refusal(status: int, body: bytes, location: str = "") -> Refused:
    """Of an answer that is no success. `location`: where it points to, if it does."""
    try:
        problem = _PROBLEM.decode(body)
    except msgspec.DecodeError:  # of a proxy between us
        problem = Problem(
            title=f"it leads to {location}: is the address right?" if location else "no words of Everpost"
        )
    return _CLASSES.get(status, Unavailable if status >= 500 else Refused)(status, problem)


def _told(status: int, problem: Problem) -> str:
    said = [problem.title, problem.detail, *(f"{one.field}: {one.message}" for one in problem.errors)]
    words = f"{status} {problem.code}".strip() + ": " + "; ".join(filter(None, said))
    return f"{words} (request {problem.request_id})" if problem.request_id else words
