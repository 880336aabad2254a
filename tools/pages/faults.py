"""faults.md: what goes wrong on the way to a provider, and what is made of it.

An answer here is what the wire brings back. tests/contract/providers/test_faults.py hands over a mail through a real
socket for each cell of the table, and holds what comes of it against the page.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from pages import markdown

from everpost.model.account import Account
from everpost.model.outcome import Outcome
from everpost.providers.contract import Answer, Fault, HttpResponse, Phase, Provider, outcome_of
from everpost.sandbox.api import Conduct
from everpost.sandbox.faults import FaultKind, FaultPlan
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from everpost.wiring import PROVIDERS

_ACCOUNT: Final = Account(name="main", provider="any")
_HTML: Final = {"content-type": "text/html"}
_PAGE: Final = b"<html><body><h1>Sorry, you have been blocked</h1></body></html>"


def _lost(phase: Phase, *, maybe_sent: bool) -> Fault:
    return Fault(phase=phase, maybe_sent=maybe_sent, text="")


ON_THE_WAY: Final[dict[str, Fault]] = {
    "nobody listens": _lost(Phase.CONNECT, maybe_sent=False),
    "its name is unknown": _lost(Phase.DNS, maybe_sent=False),
    "its certificate is not trusted": _lost(Phase.TLS, maybe_sent=False),
    "the connection does not come about in time": _lost(Phase.CONNECT, maybe_sent=False),
    "reset in the middle of the body": _lost(Phase.WRITE, maybe_sent=False),
    "reset after the body": _lost(Phase.ANSWER, maybe_sent=True),
    "the head of the answer does not come in time": _lost(Phase.ANSWER, maybe_sent=True),
    "the answer is cut short": _lost(Phase.ANSWER, maybe_sent=True),
}
"""Of every protocol."""

OVER_SMTP: Final[dict[str, Fault]] = {"reset in the middle of the body": _lost(Phase.ANSWER, maybe_sent=True)}
"""Where SMTP differs: the end of a mail is a dot within it, so no byte of its content is known not to have ended it."""


def _said(status: int, headers: dict[str, str], body: bytes = b"") -> Callable[[str], Answer]:
    return lambda _: HttpResponse(status=status, headers=headers, body=body)


def _refused(status: int, retry_after: str = "") -> Callable[[str], Answer]:
    """The provider's own error of this status, in words that name no cause."""

    def answer(name: str) -> HttpResponse:
        api = APIS[name](Inbox(lambda: 0.0), Conduct(), lambda: 0.0, Random(0))
        refusal = api.refusal(FaultPlan(kind=FaultKind.STATUS, status=status))
        wait = {"retry-after": retry_after} if retry_after else {}
        return HttpResponse(status=refusal.status, headers=refusal.headers | wait, body=refusal.body)

    return answer


IN_ANSWERS: Final[Mapping[str, Callable[[str], Answer]]] = {
    "200 with garbage": _said(200, {"content-type": "text/plain"}, b"\0%%nonsense%%"),
    "200 without an id": _said(200, {"content-type": "application/json"}, b"{}"),
    "401": _refused(401),
    "403": _refused(403),
    "413": _refused(413),
    "429 that names a wait of 7 s": _refused(429, "7"),
    "429 that names none": _refused(429),
    "500": _refused(500),
    "502": _refused(502),
    "503": _refused(503),
    "504": _refused(504),
    "403 with a page of HTML, from an edge": _said(403, _HTML, _PAGE),
    "503 with a page of HTML, from an edge": _said(503, _HTML, _PAGE),
    "a redirect, which is never followed": _said(307, {"location": "http://127.0.0.1:9/"}),
}
"""Of those over HTTP, by the name of the provider."""


def page() -> str:
    providers = list(PROVIDERS.values())
    return markdown.page(
        "What goes wrong, and what is made of it",
        "One row a fault, one column a provider. The kinds are those of [providers](providers.md#what-the-kinds-mean); "
        "*account* marks a fault of the account, whose circuit opens; seconds are how long it is left alone.",
        markdown.table(
            ("", *(provider.title for provider in providers)),
            [(fault, *(_cell(provider, fault) for provider in providers)) for fault in (*ON_THE_WAY, *IN_ANSWERS)],
        ),
        "Errors by status are in the provider's own form, in words that name no cause: with other words some mean "
        "something else, as the table of each [provider](providers.md) says.",
    )


def _cell(provider: Provider, fault: str) -> str:
    over_http = provider.name in APIS
    if fault in ON_THE_WAY:
        lost = ON_THE_WAY if over_http else ON_THE_WAY | OVER_SMTP
        return _told(outcome_of(provider, lost[fault], _ACCOUNT))
    if not over_http:
        return ""
    return _told(outcome_of(provider, IN_ANSWERS[fault](provider.name), _ACCOUNT))


def _told(outcome: Outcome) -> str:
    words = [outcome.kind.value]
    words += ["account"] if outcome.account_fault else []
    words += [f"{outcome.retry_after_s:.0f} s"] if outcome.retry_after_s is not None else []
    return ", ".join(words)
