"""Reading HTTP answers by tables: a provider states where its words and ids stand and what deviates; the rules that
hold for every provider are here."""

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.model.limits import PROVIDER_ID_CHARS_MAX, REASON_CHARS_MAX
from everpost.model.outcome import TAKEN, Kind, Outcome
from everpost.providers.contract import (
    DEFAULT_STATUSES,
    REFUSED_HERE,
    UNAVAILABLE,
    UNKNOWN,
    HttpResponse,
    Row,
    Verdict,
)

RETRY_AFTER_S_MAX: Final = 86_400.0
WORDS_CHARS_MAX: Final = 2000  # of an answer that are looked at: an expression may take time with their square

EDGE_STATUSES: Final = frozenset({403, 503, 521, 522, 523, 525, 526})
"""Statuses with which a firewall or proxy says that it has not passed the request on. 500, 502, 504, 520 and 524 are
not among them: there the request may have reached the provider."""


class Reading(Struct, frozen=True, kw_only=True):
    words: Callable[[HttpResponse], str | None]  # how the provider words its answer; None: these are not its words
    message_id: Callable[[HttpResponse], str | None]  # from a 2xx answer, if it says that the mail was taken
    rows: tuple[Row, ...]  # the first that fits decides; where none does: DEFAULT_STATUSES
    wait: re.Pattern[str] | None = None  # finds in its words how long to wait: group 1, seconds or a date
    wait_header: str = ""  # holds seconds, too, as Retry-After does


def read_answer(reading: Reading, response: HttpResponse) -> Outcome:
    """What an answer to a send means."""
    said = reading.words(response)
    words = said[:WORDS_CHARS_MAX] if said else said
    message_id = reading.message_id(response) if 200 <= response.status < 300 else None
    if message_id and len(message_id) <= PROVIDER_ID_CHARS_MAX:
        return _taken(reading, response, words, message_id)
    verdict = _verdict(reading, response, words)
    return Outcome(
        kind=verdict.kind,
        status=response.status,
        text=(words or _unread(response))[:REASON_CHARS_MAX],
        account_fault=verdict.account_fault,
        retry_after_s=_wait_s(reading, response, words, verdict) if verdict.kind is Kind.THROTTLED else None,
    )


def decoded(body: bytes) -> Any:
    """The value of a JSON body, or None."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def at(value: Any, *path: str) -> Any:
    """What stands below a JSON value, or None if nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def id_at(response: HttpResponse, *path: str) -> str | None:
    """The id at this place of a JSON answer; None where there is no text."""
    found = at(decoded(response.body), *path)
    return found if isinstance(found, str) and found else None


def _taken(reading: Reading, response: HttpResponse, words: str | None, message_id: str) -> Outcome:
    """A row may say that what was taken is parked there, or was taken for some of the recipients only."""
    row = _row(reading, response, words, taken=True)
    if row is None:
        return Outcome(kind=Kind.ACCEPTED, status=response.status, provider_message_id=message_id)
    text = (words or "")[:REASON_CHARS_MAX]
    return Outcome(kind=row.verdict.kind, status=response.status, text=text, provider_message_id=message_id)


def _row(reading: Reading, response: HttpResponse, words: str | None, *, taken: bool) -> Row | None:
    """The first that fits, among those of answers that took the mail or of those that did not."""
    among = (row for row in reading.rows if row.where == response.status and (row.verdict.kind in TAKEN) == taken)
    return next((row for row in among if re.search(row.text, words or "", re.IGNORECASE)), None)


def _verdict(reading: Reading, response: HttpResponse, words: str | None) -> Verdict:
    row = _row(reading, response, words, taken=False)
    if row is not None:
        return row.verdict
    if words is None and _is_html(response) and response.status in EDGE_STATUSES:
        return UNAVAILABLE
    verdict = DEFAULT_STATUSES.get(response.status, UNKNOWN)
    # What ends a mail for good must be the provider's own judgement, not that of a proxy before it.
    return REFUSED_HERE if verdict.kind is Kind.REJECTED and words is None else verdict


def _is_html(response: HttpResponse) -> bool:
    return "html" in response.headers.get("content-type", "") or response.body.lstrip()[:1] == b"<"


def _unread(response: HttpResponse) -> str:
    return "an HTML page instead of the provider's answer" if _is_html(response) else "no answer of the known form"


def _wait_s(reading: Reading, response: HttpResponse, words: str | None, verdict: Verdict) -> float | None:
    in_words = reading.wait.search(words) if reading.wait and words else None
    candidates = (
        _duration_s(response.headers.get("retry-after"), response),
        _duration_s(response.headers.get(reading.wait_header), response),
        _until_s(response.headers.get("x-ratelimit-reset"), response),
        _duration_s(in_words[1], response) if in_words else None,
    )
    found = next((wait_s for wait_s in candidates if wait_s is not None), verdict.retry_after_s)
    return None if found is None else min(max(found, 0.0), RETRY_AFTER_S_MAX)


def _duration_s(text: str | None, response: HttpResponse) -> float | None:
    """Seconds, or a date less the date of the answer: this room has no clock (RFC 9110 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    until, now = _date(text), _date(response.headers.get("date"))
    return (until - now).total_seconds() if until and now else None


def _until_s(text: str | None, response: HttpResponse) -> float | None:
    """An instant in epoch seconds, less the date of the answer."""
    now = _date(response.headers.get("date"))
    return float(text) - now.timestamp() if text and text.isdecimal() and now else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else None
