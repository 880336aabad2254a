"""What the configuration says, once it has been read."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from msgspec import Struct

from everpost.model.account import Account
from everpost.model.route import Route
from everpost.model.secret import Reference, Secret


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
    same_mail_window_s: int = 90  # the same mail again is a repetition, where a provider's SDK gives it no name


class TlsFiles(Struct, frozen=True, kw_only=True):
    """In PEM."""

    certificate: Path  # with those in between, up to its root
    private_key: Path


class SubmissionSettings(Struct, frozen=True, kw_only=True):
    """Where mail is taken by SMTP. None: not there."""

    host: str = "127.0.0.1"
    starttls_port: int | None = None
    tls_port: int | None = None
    plain_port: int | None = None  # of this machine alone, whatever the host
    tls: TlsFiles | None = None


class WorkSettings(Struct, frozen=True, kw_only=True):
    """Where `everpost work` says how it is."""

    host: str = "127.0.0.1"
    port: int = 8030


class SqliteStore(Struct, frozen=True):
    """Files in the data folder."""


class DynamoStore(Struct, frozen=True, kw_only=True):
    table: str
    bodies: str | None = None  # bucket for what is too large for an item


class PostgresStore(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    user: str
    database: str
    sslmode: str = "verify-full"
    sslrootcert: Path | None = None  # None: what the system trusts
    password: Secret | Reference | None = None


class InStore(Struct, frozen=True):
    """Attachments lie in the store, whatever their size."""


class FileAttachments(Struct, frozen=True):
    folder: Path


class ObjectAttachments(Struct, frozen=True, kw_only=True):
    """In a bucket of S3, or of what speaks its protocol at `endpoint`."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None


class StoreHealth(Struct, frozen=True):
    """Beside the store."""


class IamLogin(Struct, frozen=True, kw_only=True):
    """ElastiCache's, in place of a password."""

    user: str
    cache: str
    serverless: bool


class ValkeyPlace(Struct, frozen=True, kw_only=True):
    """A server of Valkey, Redis or ElastiCache, or any node of a cluster."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: Secret | None = None
    login: IamLogin | None = None


class MemoryWakeup(Struct, frozen=True):
    """Within the process: others find what is due by looking."""


class StoreWakeup(Struct, frozen=True):
    """By the store itself, where that is PostgreSQL."""


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


class Mechanism(StrEnum):
    """How a user proves who it is."""

    PLAIN = "PLAIN"  # the password itself
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class KafkaSink(Struct, frozen=True, kw_only=True):
    topic: str
    brokers: tuple[str, ...]  # HOST:PORT, those that are asked first
    tls: bool = False
    user: str | None = None
    mechanism: Mechanism = Mechanism.PLAIN
    password: Secret | Reference | None = None
    dead_letters: str | None = None  # topic for events that the other one will never take


StorePlace = SqliteStore | PostgresStore | DynamoStore
AttachmentPlace = InStore | FileAttachments | ObjectAttachments
HealthPlace = StoreHealth | ValkeyPlace
WakeupPlace = MemoryWakeup | StoreWakeup | QueueWakeup | ValkeyPlace
SinkPlace = StdoutSink | FileSink | KinesisSink | KafkaSink


Network = IPv4Network | IPv6Network


class WebhookSettings(Struct, frozen=True, kw_only=True):
    allow: tuple[Network, ...] = ()  # networks that are not public and may be posted to
    plain_http: bool = False  # addresses without TLS are good, too


class Retention(Struct, frozen=True, kw_only=True):
    """None: as long as the message."""

    messages_days: int = 30
    keys_days: int = 7  # idempotency keys
    bodies_days: int | None = None
    addresses_days: int | None = None
    events_days: int | None = None


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
    attachments: AttachmentPlace = InStore()
    health: HealthPlace = StoreHealth()
    wakeup: WakeupPlace = MemoryWakeup()
    work: WorkSettings = WorkSettings()
    submission: SubmissionSettings = SubmissionSettings()
    webhooks: WebhookSettings = WebhookSettings()
    warnings: tuple[ConfigFault, ...] = ()
