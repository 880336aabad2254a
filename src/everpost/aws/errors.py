"""What AWS's refusals mean for whoever asked. Facts of the services' API references, in tables."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from everpost.aws.transport import Lost, Response

THROTTLES: Final = frozenset(
    {
        "LimitExceededException",  # too many changes of tables at once
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
"""AWS has not done it, and will if it is asked again later."""

CONFLICTS: Final = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "OperationAborted",
        "ReplicatedWriteConflictException",
    }
)
"""Somebody else was at it in this moment: not done either."""

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
"""The credentials were good; new ones are needed."""

PASSING_REASONS: Final = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Why an item has stopped a DynamoDB transaction, where the same transaction may pass in a moment."""

_XML_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_XML_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>")


class AwsError(Exception):
    """AWS has not done what it was asked, or nobody knows whether it has."""

    def __init__(self, code: str, text: str, *, repeatable: bool, maybe_done: bool, told: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code  # AWS's own; `Lost`: no answer came
        self.repeatable = repeatable  # the same call may go through in a moment
        self.maybe_done = maybe_done  # by this try or an earlier one of the same call
        self.told = told  # AWS's answer, decoded


def lost(answer: Lost) -> AwsError:
    return AwsError("Lost", answer.text, repeatable=True, maybe_done=answer.maybe_sent, told={})


def refused(answer: Response) -> AwsError:
    """What an answer that is no success says."""
    told = _decoded(answer.body)
    code = _code(answer, told)
    text = told.get("message") or told.get("Message") or ""
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in told.get("CancellationReasons", ())}
        return AwsError(code, text, repeatable=reasons <= PASSING_REASONS, maybe_done=False, told=told)
    is_passing = code in THROTTLES or code in CONFLICTS or code in EXPIRED
    is_fault = answer.status >= 500 and not is_passing
    return AwsError(code, text, repeatable=is_passing or is_fault, maybe_done=is_fault, told=told)


def _decoded(body: bytes) -> dict[str, Any]:
    if found := _XML_CODE.search(body):  # S3
        text = _XML_MESSAGE.search(body)
        return {"__type": found[1].decode(), "message": text[1].decode() if text else ""}
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(answer: Response, told: Mapping[str, Any]) -> str:
    named = told.get("__type") or answer.headers.get("x-amzn-errortype", "")
    return named.rpartition("#")[2].partition(":")[0] or f"status {answer.status}"
