"""Asks a provider something that sends nothing: whether it is there, and takes an account's credentials."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from everpost.core.masking import masked, without_secrets
from everpost.engine.wire import Wire
from everpost.model.account import Account, Timeouts
from everpost.providers.contract import (
    Answer,
    Fault,
    HttpRequest,
    HttpResponse,
    Provider,
    Request,
    SmtpStage,
    secrets_of,
)

TIMEOUTS: Final = Timeouts(connect_s=5.0, write_s=5.0, answer_s=10.0)


class Verdict(StrEnum):
    WORKS = "works"
    REFUSED = "refused"  # the credentials, for certain
    UNREACHABLE = "unreachable"  # no whole answer came
    UNCLEAR = "unclear"  # an answer that says nothing of the credentials
    UNASKED = "unasked"  # the provider has nothing that could be asked


class Probed(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    text: str  # in words, with the provider's own: without addresses and secrets
    status: int | None = None  # HTTP status or SMTP code
    latency_ms: float | None = None


async def probe(wire: Wire, account: Account, provider: Provider, monotonic: Callable[[], float]) -> Probed:
    """One question, which tells nothing to the account's circuit: its key may be another one than that which sends."""
    if provider.probe is None:
        text = f"{provider.title} offers no way to try credentials without sending"
        return Probed(verdict=Verdict.UNASKED, text=text)
    request = provider.probe(account)
    began_at = monotonic()
    answer = await wire.send(request, TIMEOUTS, began_at + TIMEOUTS.total_s)
    latency_ms = round(1000 * (monotonic() - began_at), 1)
    if isinstance(answer, Fault):
        text = _discreet(f"{_host(request)} can't be reached: {answer.phase}: {answer.text}", request)
        return Probed(verdict=Verdict.UNREACHABLE, text=text, latency_ms=latency_ms)
    status = answer.status if isinstance(answer, HttpResponse) else answer.code
    verdict = _verdict(provider, answer, status)
    text = f"{provider.title} {_WORDS[verdict].format(status)}"
    if verdict is not Verdict.WORKS and (said := provider.read(answer, account).text):
        text = f"{text}. It says: {said}"
    return Probed(verdict=verdict, text=_discreet(text, request), status=status, latency_ms=latency_ms)


_WORDS: Final = {
    Verdict.WORKS: "accepts the credentials",
    Verdict.REFUSED: "refuses the credentials ({})",
    Verdict.UNCLEAR: "answered {}: that says nothing of the credentials",
}


def _verdict(provider: Provider, answer: Answer, status: int) -> Verdict:
    if status < 300:
        return Verdict.WORKS
    if isinstance(answer, HttpResponse):
        is_refused = status in provider.probe_refused
    else:
        is_refused = not isinstance(answer, Fault) and answer.stage is SmtpStage.AUTH and status >= 500
    return Verdict.REFUSED if is_refused else Verdict.UNCLEAR


def _host(request: Request) -> str:
    return urlsplit(request.url).hostname or "" if isinstance(request, HttpRequest) else request.host


def _discreet(text: str, request: Request) -> str:
    return masked(without_secrets(text, filter(None, secrets_of(request))))
