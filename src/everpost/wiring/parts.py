"""One function for each port: opens what the settings name. What they do not name is not imported."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from everpost import settings as config
from everpost.attachments.port import Attachments, AttachmentsUnavailable
from everpost.engine.clock import Clock
from everpost.engine.housekeep import Retention
from everpost.engine.wire import Connections
from everpost.health.port import Health
from everpost.model.limits import WEBHOOK_ANSWER_BYTES_MAX
from everpost.model.secret import Reference, is_reference
from everpost.sinks.port import Sink
from everpost.store.commits import UNCOUNTED, Commits
from everpost.store.port import Store, StoreUnavailable
from everpost.wakeup.port import Peers
from everpost.wiring.cloud import Cloud

if TYPE_CHECKING:
    from everpost.engine.documents import Documents
    from everpost.engine.webhooks.phrasing import Phrasing
    from everpost.engine.webhooks.poster import Poster
    from everpost.valkey import Login, Server
    from everpost.vault.keeper import Keeper

STORE_FILE: Final = "everpost.db"
HEALTH_FILE: Final = "health.db"
DATA_MODE: Final = 0o700  # mail lies in there: for nobody but its owner


class Watcher(Commits, Protocol):
    """Who counts what a process holds of the world."""

    def watch_connections(self, count: Callable[[], Connections]) -> None:
        """How many connections to providers there are is asked by `count`."""
        ...


async def store_at(
    place: config.StorePlace,
    data: Path,
    cloud: Cloud,
    retention: Retention | None = None,
    commits: Commits = UNCOUNTED,
) -> Store:
    """Raises StoreUnavailable. By `retention`, DynamoDB itself deletes what no purge has got to."""
    match place:
        case config.SqliteStore():
            return open_store(data, commits)
        case config.PostgresStore():
            from everpost.wiring.database import open_database

            return await open_database(place, cloud, commits)
        case config.DynamoStore():
            from everpost.store.dynamodb import DynamoStore, Keep

            keep = Keep(**retention.longest_s) if retention else None
            return DynamoStore.open(cloud.client, place.table, bodies=place.bodies, keep=keep)


def attachments_at(place: config.AttachmentPlace, cloud: Cloud) -> Attachments | None:
    """None: they lie in the store. Raises AttachmentsUnavailable."""
    match place:
        case config.InStore():
            return None
        case config.FileAttachments(folder):
            from everpost.attachments.files import FileAttachments

            try:
                return FileAttachments(folder)
            except OSError as error:
                raise AttachmentsUnavailable(
                    f"the folder of attachments {folder} can't be made: {error.strerror}"
                ) from error
        case config.ObjectAttachments():
            from everpost.attachments.s3 import S3Attachments

            return S3Attachments(cloud.objects_at(place.endpoint), place.bucket, place.prefix)


def open_store(data: Path, commits: Commits = UNCOUNTED) -> Store:
    """The store in a folder, which is made where it is missing. Raises StoreUnavailable."""
    from everpost.store.sqlite import SqliteStore

    make_folder(data)
    return SqliteStore.open(str(data / STORE_FILE), commits=commits)


def make_folder(data: Path) -> None:
    """Raises StoreUnavailable."""
    try:
        _make(data, DATA_MODE)
    except OSError as error:
        raise StoreUnavailable(f"the data folder {data} can't be made: {error.strerror}") from error


def health_of(settings: config.Settings, cloud: Cloud) -> Health:
    match settings.health, settings.store:
        case config.ValkeyPlace() as valkey, _:
            from everpost.health.own_view import OwnView
            from everpost.health.valkey import ValkeyHealth

            return OwnView(ValkeyHealth(_server(valkey, cloud)))
        case _, config.DynamoStore() as store:
            from everpost.health.dynamodb import DynamoHealth
            from everpost.health.own_view import OwnView

            return OwnView(DynamoHealth(cloud.client, store.table))
    from everpost.health.sqlite import SqliteHealth

    make_folder(settings.data)
    return SqliteHealth.open(str(settings.data / HEALTH_FILE))


def _server(chosen: config.ValkeyPlace, cloud: Cloud) -> "Server":
    from everpost.valkey import Server

    return Server(chosen.host, chosen.port, tls=cloud.tls if chosen.tls else None, login=_login(chosen, cloud))


def _login(chosen: config.ValkeyPlace, cloud: Cloud) -> "Login | None":
    if chosen.login is not None:
        from everpost.valkey.iam import IamLogin

        user, cache = chosen.login.user, chosen.login.cache
        return IamLogin(user, cache, cloud.credentials, cloud.site.region, serverless=chosen.login.serverless)
    if chosen.password is None:
        return None
    from everpost.valkey import FetchedPassword, Password

    if is_reference(chosen.password):
        return FetchedPassword(lambda: _valkey_secret(Reference(str(chosen.password)), cloud), chosen.user)
    return Password(chosen.password, chosen.user)


async def _valkey_secret(reference: Reference, cloud: Cloud) -> str:
    from everpost.valkey import ValkeyUnavailable
    from everpost.vault.port import SecretUnavailable

    try:
        return await _secret(reference, cloud)
    except SecretUnavailable as error:
        raise ValkeyUnavailable(str(error)) from error


async def _secret(reference: Reference, cloud: Cloud) -> str:
    """Raises SecretUnavailable."""
    from everpost.vault.aws import AwsVault
    from everpost.vault.keeper import part_of

    return part_of(await AwsVault(cloud.client).read(reference.source), reference)


def peers_of(settings: config.Settings, cloud: Cloud) -> Peers | None:
    """The other processes; None: there are none, or they look by themselves."""
    match settings.wakeup:
        case config.MemoryWakeup():
            return None
        case config.QueueWakeup(url=url):
            from everpost.wakeup.sqs import SqsPeers

            return SqsPeers(cloud.client, url)
        case config.StoreWakeup():
            return _store_peers(settings, cloud)
        case config.ValkeyPlace() as valkey:
            from everpost.wakeup.valkey import ValkeyPeers

            return ValkeyPeers(_server(valkey, cloud))


def _store_peers(settings: config.Settings, cloud: Cloud) -> Peers | None:
    """None: that store calls nobody."""
    if not isinstance(settings.store, config.PostgresStore):
        return None
    from everpost.wakeup.postgres import PostgresPeers
    from everpost.wiring.database import server_at

    return PostgresPeers(server_at(settings.store, cloud))


def sink_of(chosen: config.SinkPlace, cloud: Cloud) -> Sink:
    match chosen:
        case config.StdoutSink():
            from everpost.sinks.stdout import StdoutSink

            return StdoutSink()
        case config.FileSink():
            from everpost.sinks.file import FileSink

            return FileSink(str(chosen.path))
        case config.KinesisSink():
            from everpost.sinks.dead_letters import DeadLetters
            from everpost.sinks.kinesis import KinesisSink, to_queue

            url = chosen.dead_letters
            letters = DeadLetters(None if url is None else to_queue(cloud.client, url))
            return KinesisSink(cloud.client, chosen.stream, letters)
        case config.KafkaSink():
            return _kafka(chosen, cloud)


def _kafka(chosen: config.KafkaSink, cloud: Cloud) -> Sink:
    try:
        from everpost.sinks.kafka import Cluster, KafkaSink, Login
    except ImportError as error:
        raise ValueError(f"kafka:{chosen.topic} needs a library: pip install 'everpost[kafka]'") from error
    login = None
    if chosen.user is not None:
        login = Login(user=chosen.user, mechanism=chosen.mechanism.value, password=lambda: _password(chosen, cloud))
    cluster = Cluster(brokers=chosen.brokers, tls=cloud.tls if chosen.tls else None, login=login)
    return KafkaSink(cluster, chosen.topic, chosen.dead_letters)


async def _password(chosen: config.KafkaSink, cloud: Cloud) -> str:
    password = chosen.password
    return await _secret(password, cloud) if isinstance(password, Reference) else str(password)


def documents_of(settings: config.WebhookSettings, cloud: Cloud, clock: Clock) -> "Documents":
    """What fetches what incoming webhooks name: by a wire of its own, as for posting."""
    from everpost.engine.documents import Documents
    from everpost.engine.wire import Guard, NetworkWire

    guard = Guard(settings.allow, plain_http=settings.plain_http)
    wire = NetworkWire(tls=cloud.tls, guard=guard, body_bytes_max=WEBHOOK_ANSWER_BYTES_MAX)
    return Documents(wire, guard, clock)


def poster_of(settings: config.WebhookSettings, cloud: Cloud, clock: Clock, phrasing: "Phrasing") -> "Poster":
    """What posts to webhooks: by a wire of its own, which keeps to what is public."""
    from everpost.engine.webhooks.poster import Poster
    from everpost.engine.wire import Guard, NetworkWire

    guard = Guard(settings.allow, plain_http=settings.plain_http)
    wire = NetworkWire(tls=cloud.tls, guard=guard, body_bytes_max=WEBHOOK_ANSWER_BYTES_MAX)
    return Poster(wire=wire, guard=guard, clock=clock, phrasing=phrasing)


def keeper_of(settings: config.Settings, cloud: Cloud) -> "Keeper | None":
    """Who reads the secrets of accounts, where any is kept elsewhere."""
    values = (value for account in settings.accounts for value in account.settings.values())
    if not any(isinstance(value, Reference) for value in values):
        return None
    from everpost.vault.aws import AwsVault
    from everpost.vault.keeper import Keeper

    return Keeper(settings.accounts, AwsVault(cloud.client))


def _make(folder: Path, mode: int = 0o777) -> None:
    """A folder, and those above it, that a power cut does not take away with all that was synced in it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True, mode=mode)
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)
