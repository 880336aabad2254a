"""What the configuration says, once it has been read."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.route import Route
from everpost.model.secret import Secret


class ConfigFault(Struct, frozen=True):
    """Something that a person has to mend. Never holds the value of a secret."""

    key: str  # where it stands: `accounts.NAME.api_key`, or a variable's or the file's name
    message: str
    hint: str = ""  # what to write instead


class HttpSettings(Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 8025
    public_url: str | None = None  # as seen by clients and webhooks, where that is not http://host:port
    page_origins: tuple[str, ...] = ()  # of web pages elsewhere that may call the API


class SqliteStore(Struct, frozen=True):
    """Files in the data folder."""


class DynamoStore(Struct, frozen=True, kw_only=True):
    table: str
    bodies: str | None = None  # bucket for what is too large for an item


class StoreHealth(Struct, frozen=True):
    """Beside the store."""


class IamLogin(Struct, frozen=True, kw_only=True):
    """ElastiCache's, in place of a password."""

    user: str
    cache: str
    serverless: bool


class ValkeyHealth(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    tls: bool
    user: str = ""
    password: Secret | None = None
    login: IamLogin | None = None


class MemoryWakeup(Struct, frozen=True):
    """Within the process: others find what is due by looking."""


class QueueWakeup(Struct, frozen=True):
    """An SQS queue, which calls the function `deliver`."""

    url: str


class StdoutSink(Struct, frozen=True):
    """Events as JSON lines on standard output."""


class FileSink(Struct, frozen=True):
    """Events as JSON lines at the end of a file."""

    path: Path


class KinesisSink(Struct, frozen=True, kw_only=True):
    stream: str
    dead_letters: str | None = None  # queue for events that the stream will never take


StorePlace = SqliteStore | DynamoStore
HealthPlace = StoreHealth | ValkeyHealth
WakeupPlace = MemoryWakeup | QueueWakeup
SinkPlace = StdoutSink | FileSink | KinesisSink


Network = IPv4Network | IPv6Network


class WebhookSettings(Struct, frozen=True, kw_only=True):
    allow: tuple[Network, ...] = ()  # networks that are not public and may be posted to
    plain_http: bool = False  # addresses without TLS are good, too


class Retention(Struct, frozen=True, kw_only=True):
    messages_days: int = 30
    keys_days: int = 7  # idempotency keys


class Settings(Struct, frozen=True, kw_only=True):
    data: Path  # the folder of the SQLite files
    http: HttpSettings
    accounts: tuple[Account, ...]
    """In the order of the file; secrets in them are of type Secret, or a Reference to where they are kept."""
    routes: tuple[Route, ...]  # `default` is always there, and first
    sinks: tuple[SinkPlace, ...]
    retention: Retention
    log_level: str  # debug, info, warning or error
    store: StorePlace = SqliteStore()
    health: HealthPlace = StoreHealth()
    wakeup: WakeupPlace = MemoryWakeup()
    webhooks: WebhookSettings = WebhookSettings()
    warnings: tuple[ConfigFault, ...] = ()
