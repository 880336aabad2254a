"""Reading events by tables: what receiving servers say, and who opens mail, is the same at every provider."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from everpost.model.limits import HOOK_EVENTS_MAX, PROVIDER_ID_CHARS_MAX
from everpost.model.sighting import Bounce, Machine, Reason, Sighting, Unreadable
from everpost.providers.reading import at, decoded

NATIVE_CHARS_MAX: Final = 64  # of an event's name
TEXT_CHARS_MAX: Final = 2000  # of a diagnosis that are looked at
HARD: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"})
"""Enhanced status codes that concern the address alone (RFC 3463): nothing else about the mail was wrong."""

_REPLY: Final = re.compile(r"(?:smtp; ?)?([245][0-9]{2})(?:[ -]|$)")
_ENHANCED: Final = re.compile(r"(?<![0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_GENERAL: Final = re.compile(r"[245]\.0\.0")  # says no more than that it failed
_NO_SUCH_USER: Final = re.compile(
    r"user unknown|unknown (user|recipient|mailbox)|no such (user|recipient|mailbox|address|domain)|does not exist"
    r"|invalid (recipient|mailbox|address|domain)|domain (name )?not found",
    re.IGNORECASE,
)
_REASONS: Final = (
    (r"gr[ae]y.?list", Reason.GREYLISTED),
    (r"mailbox (is )?full|over ?quota|quota exceeded|insufficient storage", Reason.MAILBOX_FULL),
    (r"too large|size limit|message size", Reason.TOO_LARGE),
    (r"rate.?limit|too many (messages|connections)", Reason.RATE_LIMITED),
    (r"virus|malware", Reason.VIRUS),
    (r"reputation", Reason.REPUTATION),
    (r"block.?list|blacklist|blocked", Reason.BLOCKED),
    (r"spam|content", Reason.CONTENT),
    (r"timed? ?out", Reason.TIMEOUT),
)
_STATUS_REASONS: Final = (
    (r".\.1\.", Reason.INVALID_RECIPIENT),
    (r".\.2\.1$", Reason.MAILBOX_INACTIVE),
    (r".\.2\.2$", Reason.MAILBOX_FULL),
    (r".\.(2\.3|3\.4)$", Reason.TOO_LARGE),
    (r".\.2\.", Reason.MAILBOX_UNAVAILABLE),
    (r".\.4\.", Reason.UNREACHABLE),
    (r".\.6\.", Reason.CONTENT),
    (r".\.7\.", Reason.POLICY),
)
_LISTED: Final = (
    (r"unsubscri", Reason.SUPPRESSED_UNSUBSCRIBE),
    (r"complain|spam", Reason.SUPPRESSED_COMPLAINT),
    (r"bounce", Reason.SUPPRESSED_BOUNCE),
    (r"suppress|manual|inactive|black.?list|block.?list", Reason.SUPPRESSED_MANUAL),
)
_MACHINES: Final = (
    (r"Mozilla/5\.0\Z", Machine.APPLE_MPP),
    (r".*(GoogleImageProxy|YahooMailProxy)", Machine.IMAGE_PROXY),
)


def raws_of(body: bytes, *names: str) -> list[msgspec.Raw] | None:
    """The events of a body that is one of them, a list of them, or an object with a list of them by one of these
    names. None: it is no such thing."""
    try:
        whole = msgspec.json.decode(body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
        if isinstance(whole, list):
            return whole
        held = next((whole[name] for name in names if name in whole), None)
        return [msgspec.Raw(body)] if held is None else msgspec.json.decode(held, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_each(
    raws: list[msgspec.Raw], read: Callable[[Mapping[str, Any], bytes], Sighting | None]
) -> Iterator[Sighting | Unreadable]:
    """Event by event: one that makes no sense does not take the others with it. `read` gives None for that."""
    for raw in raws[:HOOK_EVENTS_MAX]:
        event = decoded(bytes(raw))
        sighting = read(event, bytes(raw)) if isinstance(event, dict) else None
        yield sighting or Unreadable(bytes(raw), "it names no event")
    if len(raws) > HOOK_EVENTS_MAX:
        left = f"{len(raws) - HOOK_EVENTS_MAX} events beyond the first {HOOK_EVENTS_MAX} of one request"
        yield Unreadable(bytes(raws[HOOK_EVENTS_MAX]), left)


def text(value: Any, chars_max: int = TEXT_CHARS_MAX) -> str:
    """Empty where there is no text."""
    return value[:chars_max] if isinstance(value, str) else ""


def name(value: Any) -> str | None:
    """A name or an id; None where there is none, or one that is no name."""
    return value if isinstance(value, str) and 0 < len(value) <= PROVIDER_ID_CHARS_MAX else None


def instant(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def paired(pairs: Any, key: str, wanted: str) -> str | None:
    """The `value` of the first of a list's pairs whose `key` is this, where that is a name."""
    found = (at(pair, "value") for pair in pairs if at(pair, key) == wanted) if isinstance(pairs, list) else ()
    return name(next(iter(found), None))


def iso_instant(value: Any) -> float | None:
    """Of a time in ISO 8601; where it names no zone, that is UTC."""
    try:
        told = datetime.fromisoformat(text(value, NATIVE_CHARS_MAX))
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def reply_code(words: str) -> int | None:
    """The SMTP code that a receiving server's words begin with."""
    found = _REPLY.match(words)
    return int(found[1]) if found else None


def enhanced_status(*words: str) -> str | None:
    """The first of these that names one."""
    found = next((found for each in words if (found := _ENHANCED.search(each))), None)
    return found[1] if found else None


def is_hard(status: str | None, words: str) -> bool:
    """Whether a permanent failure concerns the address, by the status or, where that says nothing, by the words."""
    if status is None or _GENERAL.fullmatch(status):
        return _NO_SUCH_USER.search(words) is not None
    return status in HARD


def reason(status: str | None, words: str) -> Reason:
    """Why a receiving server would not take a mail, or not yet."""
    if is_hard(status, words) and not (status or "").endswith(".2.1"):
        return Reason.INVALID_RECIPIENT
    by_words = (each for pattern, each in _REASONS if re.search(pattern, words, re.IGNORECASE))
    by_status = (each for pattern, each in _STATUS_REASONS if re.match(pattern, status or ""))
    return next(by_words, None) or next(by_status, Reason.OTHER)


def refusal(status: str | None, words: str, *, of_address: bool, named: Reason | None = None) -> dict[str, Any]:
    """`bounce` and `reason` of a refusal for good. `of_address`: the provider says that it concerns the address; that
    counts unless the receiving server's own words say otherwise. `named`: why, as the provider has it."""
    said = reason(status, words)
    is_silent = (status is None or _GENERAL.fullmatch(status) is not None) and said is Reason.OTHER
    if of_address and (is_silent or is_hard(status, words)):
        return {"bounce": Bounce.HARD, "reason": Reason.INVALID_RECIPIENT if is_silent else said}
    return {"bounce": Bounce.SOFT, "reason": named or said}


def listed(words: str) -> Reason:
    """Why a provider has the address on its own list of those that it does not write to."""
    return next((each for pattern, each in _LISTED if re.search(pattern, words, re.IGNORECASE)), Reason.OTHER)


def machine(user_agent: str) -> Machine | None:
    """Who loads pictures in place of people, by their own name."""
    return next((each for pattern, each in _MACHINES if re.match(pattern, user_agent)), None)
