"""Every key of everpost.toml: what it may hold, its default, what it means. The reader and the reference page rest on
these tables; what a provider's accounts have of their own stands in the provider's file."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from msgspec import Struct

from everpost.model.account import Account, Timeouts
from everpost.model.limits import ACTIVE_MAX, EXPIRES_AHEAD_S_MAX, RESOLVE_WITHIN_S_MAX
from everpost.model.message import OnUnknown
from everpost.model.route import Route
from everpost.settings.forms import PORT_MAX
from everpost.settings.values import HttpSettings, Retention

T = TypeVar("T")  # of the value: None is among them where the key may be left out


class Text(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    choices: tuple[str, ...] = ()
    required: bool = False


class Whole(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    low: int
    high: int


class Number(Struct, Generic[T], frozen=True, kw_only=True):
    name: str
    help: str
    default: T
    low: float
    high: float


class Entries(Struct, frozen=True, kw_only=True):
    """A list."""

    name: str
    help: str
    of: str  # what its entries are
    default: str = "empty"  # in words


class Flag(Struct, frozen=True, kw_only=True):
    name: str
    help: str
    default: bool


Key = (
    Flag
    | Text[str]
    | Text[str | None]
    | Whole[int]
    | Whole[int | None]
    | Number[float]
    | Number[float | None]
    | Entries
)


class Table(Struct, frozen=True):
    help: str
    keys: tuple[Key, ...]


_HTTP: Final = HttpSettings()
_ACCOUNT: Final = Account(name="", provider="")
_TIMEOUTS: Final = Timeouts()
_ROUTE: Final = Route(name="", accounts=())
_RETENTION: Final = Retention()
_QUOTA_MAX: Final = 10**12
_SECONDS_MIN: Final = 0.001
_TIMEOUT_S_MAX: Final = 600.0
_DAYS_MAX: Final = 3650

DATA: Final = Text(
    name="data", default="/var/lib/everpost", help="Folder of the store. It is made where it is missing."
)

STORE: Final = Text(
    name="store",
    default="sqlite",
    help="Where mail is kept: files in the data folder, or `dynamodb:TABLE`, with `?bodies=BUCKET` for large mail.",
)
HEALTH: Final = Text(
    name="health",
    default="store",
    help="Where workers share what they know of accounts: beside the store, or `valkey://HOST:PORT` (`valkeys` with "
    "TLS; `?iam=USER,CACHE`, for a serverless cache also `&serverless=true`: ElastiCache's login).",
)
HEALTH_PASSWORD: Final[Text[str | None]] = Text(
    name="health_password", default=None, help="Password for that server; best set by its variable."
)
WAKEUP: Final = Text(
    name="wakeup",
    default="memory",
    help="How functions call for deliveries: `sqs:URL-OF-THE-QUEUE`. A server needs none.",
)

HTTP_HOST: Final = Text(name="host", default=_HTTP.host, help="Address to listen on.")
HTTP_PORT: Final = Whole(name="port", default=_HTTP.port, low=1, high=PORT_MAX, help="Port to listen on.")
HTTP_PUBLIC_URL: Final[Text[str | None]] = Text(
    name="public_url", default=None, help="Address by which clients reach it, where that is not http://host:port."
)
PAGE_ORIGINS: Final = Entries(
    name="page_origins",
    of="origins, such as `https://mail.example.com`",
    default="none",
    help="Where else the web page is served from: browsers let these pages, and no others, call the API.",
)

PROVIDER: Final[Text[str | None]] = Text(
    name="provider", default=None, required=True, help="Which provider the account is at."
)
MAX_CONCURRENCY: Final = Whole(
    name="max_concurrency", default=_ACCOUNT.max_concurrency, low=1, high=ACTIVE_MAX, help="Requests at the same time."
)
RECIPIENTS: Final = Entries(
    name="recipients",
    of="addresses, `*` standing for any letters",
    default="everybody",
    help="Whom the account may write to, as with a provider's sandbox.",
)
SENDERS: Final = Entries(
    name="senders", of="domains", default="every domain", help="Which domains the account may send from."
)
LOOKUP_LAG_S: Final[Number[float | None]] = Number(
    name="lookup_lag_s",
    default=None,
    low=0,
    high=86_400.0,
    help="How late the provider's records may show a mail. Left out: the provider's own figure.",
)

PER_SECOND: Final[Whole[int | None]] = Whole(
    name="per_second", default=None, low=1, high=_QUOTA_MAX, help="Recipients a second."
)
PER_DAY: Final[Whole[int | None]] = Whole(
    name="per_day", default=None, low=1, high=_QUOTA_MAX, help="Recipients a day."
)
PER_MONTH: Final[Whole[int | None]] = Whole(
    name="per_month", default=None, low=1, high=_QUOTA_MAX, help="Recipients a month."
)
ZONE: Final = Text(name="zone", default=_ACCOUNT.quota.zone, help="Time zone in which days and months begin.")

CONNECT_S: Final = Number(
    name="connect_s",
    default=_TIMEOUTS.connect_s,
    low=_SECONDS_MIN,
    high=_TIMEOUT_S_MAX,
    help="Until the connection stands, TLS included.",
)
WRITE_S: Final = Number(
    name="write_s",
    default=_TIMEOUTS.write_s,
    low=_SECONDS_MIN,
    high=_TIMEOUT_S_MAX,
    help="Until the request has gone out.",
)
ANSWER_S: Final = Number(
    name="answer_s",
    default=_TIMEOUTS.answer_s,
    low=_SECONDS_MIN,
    high=_TIMEOUT_S_MAX,
    help="From then until the answer is here. A short one costs questions, not time: the caller has been answered.",
)

ROUTE_ACCOUNTS: Final = Entries(
    name="accounts",
    of="names of accounts, or tables",
    default="all accounts, in the order of the file",
    help="Who may carry the mail: the first one does, the next ones step in.",
)
ON_UNKNOWN: Final = Text(
    name="on_unknown",
    default=_ROUTE.on_unknown.value,
    choices=tuple(OnUnknown),
    help="When nobody can tell in time whether a provider has a mail: send it again, or hold it for a person.",
)
RESOLVE_WITHIN_S: Final = Number(
    name="resolve_within_s",
    default=_ROUTE.resolve_within_s,
    low=0,
    high=RESOLVE_WITHIN_S_MAX,
    help="How long to look for certainty before `on_unknown` applies.",
)
GIVE_UP_AFTER_S: Final = Number(
    name="give_up_after_s",
    default=_ROUTE.give_up_after_s,
    low=1,
    high=EXPIRES_AHEAD_S_MAX,
    help="How long to try before a mail fails.",
)
MEMBER_ACCOUNT: Final[Text[str | None]] = Text(name="account", default=None, required=True, help="Name of the account.")
MEMBER_WEIGHT: Final[Number[float | None]] = Number(
    name="weight",
    default=None,
    low=0.001,
    high=1e6,
    help="With weights, chance picks who carries a mail first.",
)

SINKS: Final = Entries(
    name="sinks",
    of="`stdout`, `file:` and a path, or `kinesis:STREAM` (`?dlq=URL-OF-A-QUEUE`)",
    help="Where events go as JSON, CloudEvents 1.0.",
)

ALLOW: Final = Entries(
    name="allow",
    of="networks, such as `10.0.0.0/8`",
    default="none: only what is public",
    help="Networks of your own that webhooks may be posted to.",
)
PLAIN_HTTP: Final = Flag(name="plain_http", default=False, help="Let webhooks have addresses without TLS (`http://`).")

MESSAGES_DAYS: Final = Whole(
    name="messages_days",
    default=_RETENTION.messages_days,
    low=1,
    high=_DAYS_MAX,
    help="How long messages are kept after they were accepted. Mail that is not final stays.",
)
KEYS_DAYS: Final = Whole(
    name="keys_days",
    default=_RETENTION.keys_days,
    low=1,
    high=_DAYS_MAX,
    help="How long idempotency keys are remembered.",
)

LOG_LEVEL: Final = Text(
    name="level", default="info", choices=("debug", "info", "warning", "error"), help="The least that is logged."
)

TABLES: Final[Mapping[str, Table]] = {
    "": Table("Above all tables.", (DATA, STORE, HEALTH, HEALTH_PASSWORD, WAKEUP)),
    "http": Table("The HTTP server.", (HTTP_HOST, HTTP_PORT, HTTP_PUBLIC_URL, PAGE_ORIGINS)),
    "accounts.NAME": Table(
        "One set of credentials at one provider. The name is yours: small letters, digits, `-` and `_`.",
        (PROVIDER, MAX_CONCURRENCY, RECIPIENTS, SENDERS, LOOKUP_LAG_S),
    ),
    "accounts.NAME.quota": Table(
        "What the account may send. A key that is left out is no limit.", (PER_SECOND, PER_DAY, PER_MONTH, ZONE)
    ),
    "accounts.NAME.timeouts": Table("How long an attempt may take.", (CONNECT_S, WRITE_S, ANSWER_S)),
    "routes.NAME": Table(
        "Which accounts carry a mail. The route `default` is always there.",
        (ROUTE_ACCOUNTS, ON_UNKNOWN, RESOLVE_WITHIN_S, GIVE_UP_AFTER_S),
    ),
    "routes.NAME.accounts[]": Table("An account with a weight.", (MEMBER_ACCOUNT, MEMBER_WEIGHT)),
    "events": Table("The audit trail's way out.", (SINKS,)),
    "webhooks": Table("What [webhooks](../webhooks.md) may be posted to.", (ALLOW, PLAIN_HTTP)),
    "retention": Table("How long things are kept.", (MESSAGES_DAYS, KEYS_DAYS)),
    "log": Table("Logs, as JSON lines on standard error.", (LOG_LEVEL,)),
}
"""By the path of the table."""
