"""What a sandbox server serves: an API turns a request into an answer and knows no sockets."""

from collections.abc import Awaitable, Mapping
from random import Random
from typing import Final, Protocol
from urllib.parse import parse_qsl

from msgspec import Struct

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.sandbox.faults import FaultPlan, Target

_ID_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Conduct(Struct):
    """How the sandbox providers behave when they are well. May be changed at any time."""

    rejected_keys: frozenset[str] = frozenset()  # API keys and passwords that are not let in; all others are
    authorized_recipients: frozenset[str] = frozenset()  # of Mailgun's sandbox domains
    inactive_recipients: frozenset[str] = frozenset()  # whom providers that keep a list do not deliver to any more
    lookup_lag_s: float = 0.0  # for how long a new mail shows in no log


class Api(Protocol):
    def target(self, method: str, path: str) -> Target: ...

    def answer(self, request: Submission, *, lose: bool = False) -> Rendered | Awaitable[Rendered]:
        """`lose`: answer as if the mail had been taken, and drop it."""
        ...

    def refusal(self, plan: FaultPlan) -> Rendered:
        """The error that a `status` fault asks for, in the provider's own form."""
        ...


def submission_of(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Submission:
    path, _, query = url.partition("?")
    return Submission(
        method=method, path=path, query=dict(parse_qsl(query, keep_blank_values=True)), headers=dict(headers), body=body
    )


def random_id(random: Random, chars: int = 22) -> str:
    return "".join(random.choices(_ID_ALPHABET, k=chars))


def not_found() -> Rendered:
    return render_json(404, {"message": "not found"})
