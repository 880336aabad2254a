"""What a provider's adapter states: data and pure functions, and no more.

The wire carries a Request and brings back an Answer; `outcome_of` turns that into an Outcome by the provider's tables
and, where they are silent, by the rules that hold for every provider.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from everpost.model import capability
from everpost.model.account import Account
from everpost.model.limits import REASON_CHARS_MAX
from everpost.model.message import Draft
from everpost.model.outcome import Kind, Outcome
from everpost.providers.aws import AwsSigning
from everpost.providers.history import History
from everpost.providers.hooks import Webhook

# --- what goes out ---------------------------------------------------------------------------------------------------


class HttpRequest(Struct, frozen=True, kw_only=True):
    method: str
    url: str  # absolute
    headers: dict[str, str]  # without Host and Content-Length, which the wire adds
    body: bytes = b""
    signing: AwsSigning | None = None
    secret: str = ""  # what proves who is asking, if it stands elsewhere than in Authorization


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SmtpSession(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    security: Security
    username: str | None
    password: str | None


class SmtpProbe(SmtpSession, frozen=True, kw_only=True):
    """Greeting, encryption, login and NOOP: a session without a mail."""


class SmtpRequest(SmtpSession, frozen=True, kw_only=True):
    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes  # the message in RFC 5322 form, lines ended by CRLF, dots not yet stuffed


Request = HttpRequest | SmtpRequest | SmtpProbe


def secrets_of(request: Request) -> Iterator[str]:
    """What proves to the provider who is asking, in every form in which it goes out."""
    if isinstance(request, HttpRequest):
        login = request.headers.get("Authorization", "").rpartition(" ")[2]
        yield login
        yield request.secret
        with suppress(ValueError):  # it is no base64: the key itself
            yield b64decode(login, validate=True).decode().rpartition(":")[2]
    elif request.password:
        yield request.password
        yield b64encode(request.password.encode()).decode()
        yield b64encode(f"\0{request.username}\0{request.password}".encode()).decode()


# --- what comes back -------------------------------------------------------------------------------------------------


class HttpResponse(Struct, frozen=True, kw_only=True):
    status: int
    headers: dict[str, str]  # names in lower case; repeated ones joined by ", "
    body: bytes = b""


class SmtpStage(StrEnum):
    GREETING = "greeting"
    TLS = "tls"
    AUTH = "auth"
    NOOP = "noop"  # of a probe
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the reply to the command
    DOT = "dot"  # the reply to the final dot


class SmtpReply(Struct, frozen=True, kw_only=True):
    """The reply that decided the transaction: the first refusal, or the one to the final dot."""

    stage: SmtpStage
    code: int
    text: str
    recipient: str | None = None  # with stage RCPT: whose


class Phase(StrEnum):
    """How far a request got before the wire gave up."""

    DEADLINE = "deadline"  # the attempt's time was over before its first byte
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    WRITE = "write"
    ANSWER = "answer"


class Fault(Struct, frozen=True, kw_only=True):
    """No complete answer came."""

    phase: Phase
    maybe_sent: bool  # False only with proof that the provider can't have read a whole request
    text: str


Answer = HttpResponse | SmtpReply | Fault

# --- finding out what became of an attempt ---------------------------------------------------------------------------

CLOCK_OFF_S: Final = 60.0  # between two clocks that are right


class Sought(Struct, frozen=True, kw_only=True):
    """What a question is about."""

    delivery_id: str
    message: Draft
    account: Account
    started_at: float  # of the attempt
    clock_off_s: float = CLOCK_OFF_S  # how far the clock that dated it may have been off the provider's


class Found(Struct, frozen=True):
    """The provider has it."""

    provider_message_id: str | None


class Absent(Struct, frozen=True):
    """The provider's records, as it shows them now, do not have it."""


class Ask(Struct, frozen=True):
    """More requests are needed; found if one of them finds it, absent only if all say so."""

    requests: tuple[HttpRequest, ...]


class Unclear(Struct, frozen=True):
    """The provider can't or won't tell."""

    reason: str


Finding = Found | Absent | Ask | Unclear


class Lookup(Struct, frozen=True, kw_only=True):
    """Ask the provider by our id. Absence counts only after the attempt's deadline and `lag_s`, seen twice."""

    lag_s: float  # how long its records may take to show a mail
    kept_s: float  # how long they show it at least: of an older attempt, absence proves nothing
    start: Callable[[Sought], HttpRequest]
    read: Callable[[Sought, HttpResponse], Finding]
    """Reads the answer to `start` and those to every Ask; it may well ask again, so the caller bounds the number."""


class Replay(Struct, frozen=True, kw_only=True):
    """Make the same request again: the provider knows it by a key that `build` gives to each delivery, answers as it
    did and takes no second mail. It never proves that a mail is absent: whatever was not taken before is taken now."""

    kept_s: float  # how long it knows the key at least


# --- the value that an adapter ends in -----------------------------------------------------------------------------


class Form(StrEnum):
    """What the text of a setting must look like; checked when the configuration is read, so that `build` can rely
    on it."""

    TEXT = "text"
    HOST = "host"
    DOMAIN = "domain"
    PORT = "port"
    URL = "url"


class Setting(Struct, frozen=True, kw_only=True):
    """One key of an account's table in everpost.toml."""

    name: str
    help: str
    form: Form = Form.TEXT
    required: bool = False
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()


Limits = capability.Limits
FileTypes = capability.FileTypes


class Verdict(Struct, frozen=True, kw_only=True):
    """What an answer means."""

    kind: Kind
    account_fault: bool = False
    retry_after_s: float | None = None  # where the provider names no time itself


REJECTED: Final = Verdict(kind=Kind.REJECTED)
REFUSED_HERE: Final = Verdict(kind=Kind.REFUSED)
REFUSED_ACCOUNT: Final = Verdict(kind=Kind.REFUSED, account_fault=True)
THROTTLED: Final = Verdict(kind=Kind.THROTTLED)
QUOTA_USED_UP: Final = Verdict(kind=Kind.THROTTLED, retry_after_s=3600.0)  # for a day or a month: looked at hourly
UNAVAILABLE: Final = Verdict(kind=Kind.UNAVAILABLE)
UNKNOWN: Final = Verdict(kind=Kind.UNKNOWN)
ACCEPTED: Final = Verdict(kind=Kind.ACCEPTED)
HELD: Final = Verdict(kind=Kind.HELD)

DEFAULT_STATUSES: Final[Mapping[int, Verdict]] = {
    400: REJECTED,
    401: REFUSED_ACCOUNT,
    402: REFUSED_ACCOUNT,
    403: REFUSED_ACCOUNT,
    404: REFUSED_ACCOUNT,
    405: REFUSED_ACCOUNT,
    413: REFUSED_HERE,
    422: REJECTED,
    429: THROTTLED,
    421: UNAVAILABLE,
    503: UNAVAILABLE,
}
"""Where a provider's own table is silent. What stands in neither is UNKNOWN: 500, 502 and 504 among them, since no
provider promises that they mean "not taken" and a question costs little."""


class Row(Struct, frozen=True):
    """A row of a provider's table of answers; the first that fits decides."""

    where: int | tuple[SmtpStage, ...]  # the HTTP status, or the stages of the SMTP dialogue; () stands for all stages
    text: str
    """A regular expression, in any case of letters: what an HTTP answer's words must hold, or what an SMTP reply must
    begin with (code, enhanced code, text)."""
    verdict: Verdict
    why: str = ""  # where the text alone does not say it


class Unsendable(Struct, frozen=True):
    """`build` can't express the mail at this provider; routing skips the account and says so."""

    reason: str


def no_fault(_: Draft) -> str | None:
    """Of a provider that can express every mail."""
    return None


class Provider(Struct, frozen=True, kw_only=True):
    name: str
    title: str
    docs: str  # address of the API's description
    settings: tuple[Setting, ...]
    limits: Limits
    rows: tuple[Row, ...] = ()  # answers that mean something else than DEFAULT_STATUSES says
    fault: Callable[[Draft], str | None] = no_fault
    """Why the mail can't be expressed; whatever it names, `build` refuses. It is asked before a mail is accepted, so it
    may not cost much."""
    build: Callable[[Draft, str, Account], "HttpRequest | SmtpRequest | Unsendable"]
    """(message, delivery id, account): deterministic; plants the delivery id where `resolve` can find it."""
    read: Callable[[Any, Account], Outcome]
    """(HttpResponse or SmtpReply, account): what the answer says. Faults of the wire never get here."""
    resolve: Lookup | Replay | None  # None: nobody can tell
    probe: Callable[[Account], HttpRequest | SmtpProbe] | None = None
    """A read-only request: any 2xx answer proves that the credentials work (SMTP: the reply to NOOP)."""
    probe_refused: frozenset[int] = frozenset()  # statuses of its answer that prove that they do not
    webhook: Webhook | None = None  # None: it sends no events
    history: History | None = None  # None: it lists no events


def outcome_of(provider: Provider, answer: Answer, account: Account) -> Outcome:
    """What an attempt's answer, or the lack of one, means."""
    if isinstance(answer, Fault):
        kind = Kind.UNKNOWN if answer.maybe_sent else Kind.UNAVAILABLE
        return Outcome(kind=kind, text=f"{answer.phase}: {answer.text}"[:REASON_CHARS_MAX])
    return provider.read(answer, account)
