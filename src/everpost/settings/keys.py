"""Every key of everpost.toml: what it may hold, its default, what it means. The reader and the reference page rest on
these tables; what a provider's accounts have of their own stands in its adapter."""

from collections.abc import Mapping
from typing import Final

from everpost.model.account import Account, Timeouts
from everpost.model.capability import Loss
from everpost.model.limits import ACTIVE_MAX, EXPIRES_AHEAD_S_MAX, RESOLVE_WITHIN_S_MAX, SAME_MAIL_WINDOW_S_MAX
from everpost.model.message import OnUnknown
from everpost.model.route import Route
from everpost.settings import submission
from everpost.settings.forms import PORT_MAX
from everpost.settings.key import Entries, Flag, Number, Table, Text, Whole
from everpost.settings.values import HttpSettings, Retention, WorkSettings

_HTTP: Final = HttpSettings()
_WORK: Final = WorkSettings()
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
    help="Where mail is kept: files in the data folder; `postgres://USER@HOST:PORT/DATABASE`, with "
    "`?sslmode=` as libpq has it (`verify-full` where it is left out; `&sslrootcert=PATH` for an authority of your "
    "own); or `dynamodb:TABLE`, with `?bodies=BUCKET` for large mail.",
)
STORE_PASSWORD: Final[Text[str | None]] = Text(
    name="store_password",
    default=None,
    help="Password for PostgreSQL: best `$NAME`, `file:PATH`, `ssm:/NAME` or `secretsmanager:NAME`, as an account's.",
)
ATTACHMENTS: Final = Text(
    name="attachments",
    default="store",
    help="Where large attachments lie: with the mail, in `file:FOLDER`, or in `s3:BUCKET`, with `?prefix=NAME/` and, "
    "for what speaks S3's protocol elsewhere, `?endpoint=URL`.",
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
    help="How processes tell each other of mail and events: not at all, `store` (PostgreSQL), `sqs:URL-OF-THE-QUEUE` "
    "(to functions), or as `health` has it: `valkey://HOST:PORT`, `valkeys`. Who is not told looks every few seconds.",
)
WAKEUP_PASSWORD: Final[Text[str | None]] = Text(
    name="wakeup_password",
    default=None,
    help="Password for that server. Left out: `health_password`, where both are the same server and user.",
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
SAME_MAIL_WINDOW_S: Final = Whole(
    name="same_mail_window_s",
    default=_HTTP.same_mail_window_s,
    low=0,
    high=SAME_MAIL_WINDOW_S_MAX,
    help="For how long the very same mail, sent again with the same key through a drop-in door and without a name of "
    "its own, is a repetition of the first one. 0: it never is.",
)

WORK_HOST: Final = Text(name="host", default=_WORK.host, help="Address to listen on.")
WORK_PORT: Final = Whole(name="port", default=_WORK.port, low=1, high=PORT_MAX, help="Port to listen on.")

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
    name="senders",
    of="domains",
    default="every domain",
    help="Which domains the account is verified for and may send from; `*.example.com` stands for all below it.",
)
LOOKUP_LAG_S: Final[Number[float | None]] = Number(
    name="lookup_lag_s",
    default=None,
    low=0,
    high=86_400.0,
    help="How late the provider's records may show a mail. Left out: the provider's own figure.",
)
BACKFILL_EVERY_S: Final[Number[float | None]] = Number(
    name="backfill_every_s",
    default=None,
    low=60,
    high=86_400.0,
    help="How often the provider is asked for the events that its webhooks missed. Left out: never.",
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
ROUTE_ALLOW_LOSS: Final = Entries(
    name="allow_loss",
    of=f"losses: {', '.join(Loss)}",
    default="what no reader can see",
    help="What its mails may lose at a provider that has no place for it: [what a mail may lose](../raw-mail.md).",
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
    of="`stdout`, `file:` and a path, `kinesis:STREAM` (`?dlq=URL-OF-A-QUEUE`), or "
    "`kafka:TOPIC?brokers=HOST:PORT,HOST:PORT` (`&tls=true`, `&user=NAME`, `&mechanism=SCRAM-SHA-512`, `&dlq=TOPIC`)",
    help="Where events go as JSON, CloudEvents 1.0.",
)
KAFKA_PASSWORD: Final[Text[str | None]] = Text(
    name="kafka_password",
    default=None,
    help="Password of the user that `kafka:` names; `$NAME`, `file:` and a path, or where a secret is kept.",
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
BODIES_DAYS: Final[Whole[int | None]] = Whole(
    name="bodies_days",
    default=None,
    low=1,
    high=_DAYS_MAX,
    help="How long contents are kept: subject, text, html, attachments, headers, provider options. Left out: as long "
    "as their message.",
)
ADDRESSES_DAYS: Final[Whole[int | None]] = Whole(
    name="addresses_days",
    default=None,
    low=1,
    high=_DAYS_MAX,
    help="How long addresses and names of recipients are kept, and metadata; not below `bodies_days`. Then a token "
    "stands for each address. Left out: as long as their message.",
)
EVENTS_DAYS: Final[Whole[int | None]] = Whole(
    name="events_days",
    default=None,
    low=1,
    high=_DAYS_MAX,
    help="How long the audit trail is kept. Left out: that of a mail as long as the mail, the rest for ever (over "
    "DynamoDB: as long as mails).",
)

LOG_LEVEL: Final = Text(
    name="level", default="info", choices=("debug", "info", "warning", "error"), help="The least that is logged."
)

TABLES: Final[Mapping[str, Table]] = {
    "": Table(
        "Above all tables.",
        (DATA, STORE, STORE_PASSWORD, ATTACHMENTS, HEALTH, HEALTH_PASSWORD, WAKEUP, WAKEUP_PASSWORD),
    ),
    "http": Table("The HTTP server.", (HTTP_HOST, HTTP_PORT, HTTP_PUBLIC_URL, PAGE_ORIGINS, SAME_MAIL_WINDOW_S)),
    "work": Table(
        "Where `everpost work` answers `/livez`, `/readyz` and `/metrics`, and nothing else.", (WORK_HOST, WORK_PORT)
    ),
    "submission": submission.TABLE,
    "accounts.NAME": Table(
        "One set of credentials at one provider. The name is yours: small letters, digits, `-` and `_`.",
        (PROVIDER, MAX_CONCURRENCY, RECIPIENTS, SENDERS, LOOKUP_LAG_S, BACKFILL_EVERY_S),
    ),
    "accounts.NAME.quota": Table(
        "What the account may send. A key that is left out is no limit.", (PER_SECOND, PER_DAY, PER_MONTH, ZONE)
    ),
    "accounts.NAME.timeouts": Table("How long an attempt may take.", (CONNECT_S, WRITE_S, ANSWER_S)),
    "routes.NAME": Table(
        "Which accounts carry a mail. The route `default` is always there.",
        (ROUTE_ACCOUNTS, ON_UNKNOWN, RESOLVE_WITHIN_S, GIVE_UP_AFTER_S, ROUTE_ALLOW_LOSS),
    ),
    "routes.NAME.accounts[]": Table("An account with a weight.", (MEMBER_ACCOUNT, MEMBER_WEIGHT)),
    "events": Table("The audit trail's way out.", (SINKS, KAFKA_PASSWORD)),
    "webhooks": Table("What [webhooks](../webhooks.md) may be posted to.", (ALLOW, PLAIN_HTTP)),
    "retention": Table(
        "How long things are kept.", (MESSAGES_DAYS, KEYS_DAYS, BODIES_DAYS, ADDRESSES_DAYS, EVENTS_DAYS)
    ),
    "log": Table("Logs, as JSON lines on standard error.", (LOG_LEVEL,)),
}
"""By the path of the table."""
