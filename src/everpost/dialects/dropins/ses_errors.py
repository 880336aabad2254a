"""What is wrong, in the words of AWS: the name in the header is what an SDK makes the class of its error of."""

from collections.abc import Mapping
from typing import Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.dropins.reading import first_words
from everpost.model.problem import Problem

BAD_TOKEN: Final = "invalid_next_token"  # noqa: S105  a code of ours, for a place in a list
_UNKNOWN_KEY: Final = "The security token included in the request is invalid."
_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "unauthorized": (403, "UnrecognizedClientException"),
    "no_account_can_carry": (400, "MessageRejected"),
    "idempotency_mismatch": (409, "ConflictException"),
    "idempotency_expired": (409, "ConflictException"),
    "idempotency_running": (429, "TooManyRequestsException"),
    "overloaded": (429, "TooManyRequestsException"),
    BAD_TOKEN: (400, "InvalidNextTokenException"),
}
"""Status and name by our code: what differs from the status alone. SDKs come again by themselves after 429 and 5xx."""
_NAMES: Final[Mapping[int, str]] = {
    403: "AccessDeniedException",
    404: "NotFoundException",
    405: "UnknownOperationException",
    413: "RequestEntityTooLargeException",
    500: "InternalServiceErrorException",
    503: "ServiceUnavailableException",
}
_STATUSES: Final[Mapping[str, str]] = {
    "MessageRejected": "MESSAGE_REJECTED",
    "BadRequestException": "INVALID_PARAMETER",
    "TooManyRequestsException": "ACCOUNT_THROTTLED",
    "ServiceUnavailableException": "TRANSIENT_FAILURE",
}
"""What is said of one entry of many."""


def _named(problem: Problem) -> tuple[int, str]:
    known = _ERRORS.get(problem.code)
    if known is not None:
        return known
    name = _NAMES.get(problem.status, "BadRequestException")
    return (400 if name == "BadRequestException" else problem.status), name


def refuse(problem: Problem) -> Rendered:
    status, name = _named(problem)
    words = _UNKNOWN_KEY if problem.code == "unauthorized" else first_words(problem)
    return render_json(status, {"__type": name, "message": words}, {"x-amzn-errortype": name})


def status_of(problem: Problem) -> str:
    return _STATUSES.get(_named(problem)[1], "FAILED")
