"""One function for each port: opens what the settings name. What they do not name is not imported."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from everpost import settings as config
from everpost.engine.clock import Clock
from everpost.engine.housekeep import Retention
from everpost.engine.queue import Call
from everpost.engine.relay import Render
from everpost.health.port import Health, HealthUnavailable
from everpost.model.limits import WEBHOOK_ANSWER_BYTES_MAX
from everpost.model.secret import Reference, is_reference
from everpost.sinks.port import Sink
from everpost.store.port import Store, StoreUnavailable
from everpost.wiring.cloud import Cloud

if TYPE_CHECKING:
    from everpost.engine.webhooks.poster import Poster
    from everpost.health.valkey import Login
    from everpost.vault.keeper import Keeper

STORE_FILE: Final = "everpost.db"
HEALTH_FILE: Final = "health.db"
DATA_MODE: Final = 0o700  # mail lies in there: for nobody but its owner


def store_at(place: config.StorePlace, data: Path, cloud: Cloud, retention: Retention | None = None) -> Store:
    """Raises StoreUnavailable. By `retention`, DynamoDB itself deletes what no purge has got to."""
    match place:
        case config.SqliteStore():
            return open_store(data)
        case config.DynamoStore():
            from everpost.store.dynamodb import DynamoStore, Keep

            keep = Keep(messages_s=retention.messages_s, keys_s=retention.keys_s) if retention else None
            return DynamoStore.open(cloud.client, place.table, bodies=place.bodies, keep=keep)


def open_store(data: Path) -> Store:
    """The store in a folder, which is made where it is missing. Raises StoreUnavailable."""
    from everpost.store.sqlite import SqliteStore

    try:
        _make(data, DATA_MODE)
    except OSError as error:
        raise StoreUnavailable(f"the data folder {data} can't be made: {error.strerror}") from error
    return SqliteStore.open(str(data / STORE_FILE))


def health_of(settings: config.Settings, cloud: Cloud) -> Health:
    match settings.health, settings.store:
        case config.ValkeyHealth() as valkey, _:
            return _valkey(valkey, cloud)
        case _, config.DynamoStore() as store:
            from everpost.health.dynamodb import DynamoHealth
            from everpost.health.own_view import OwnView

            return OwnView(DynamoHealth(cloud.client, store.table))
    from everpost.health.sqlite import SqliteHealth

    return SqliteHealth.open(str(settings.data / HEALTH_FILE))


def _valkey(chosen: config.ValkeyHealth, cloud: Cloud) -> Health:
    from everpost.health.own_view import OwnView
    from everpost.health.valkey import Server, ValkeyHealth

    tls = cloud.tls if chosen.tls else None
    return OwnView(ValkeyHealth(Server(chosen.host, chosen.port, tls=tls, login=_login(chosen, cloud))))


def _login(chosen: config.ValkeyHealth, cloud: Cloud) -> "Login | None":
    if chosen.login is not None:
        from everpost.health.valkey.iam import IamLogin

        user, cache = chosen.login.user, chosen.login.cache
        return IamLogin(user, cache, cloud.credentials, cloud.site.region, serverless=chosen.login.serverless)
    if chosen.password is None:
        return None
    from everpost.health.valkey.login import FetchedPassword, Password

    if is_reference(chosen.password):
        return FetchedPassword(lambda: _secret(Reference(str(chosen.password)), cloud), chosen.user)
    return Password(chosen.password, chosen.user)


async def _secret(reference: Reference, cloud: Cloud) -> str:
    from everpost.vault.aws import AwsVault
    from everpost.vault.keeper import part_of
    from everpost.vault.port import SecretUnavailable

    try:
        return part_of(await AwsVault(cloud.client).read(reference.source), reference)
    except SecretUnavailable as error:
        raise HealthUnavailable(str(error)) from error


def call_of(settings: config.Settings, cloud: Cloud) -> Call:
    """What calls others for the deliveries that this process leaves to them."""
    match settings.wakeup:
        case config.MemoryWakeup():
            return _nobody
        case config.QueueWakeup(url=url):
            from everpost.wakeup.sqs import SqsCall

            return SqsCall(cloud.client, url)


async def _nobody(in_s: float) -> None:
    """They look by themselves."""


def sink_of(chosen: config.SinkPlace, cloud: Cloud) -> Sink:
    match chosen:
        case config.StdoutSink():
            from everpost.sinks.stdout import StdoutSink

            return StdoutSink()
        case config.FileSink():
            from everpost.sinks.file import FileSink

            return FileSink(str(chosen.path))
        case config.KinesisSink():
            from everpost.sinks.kinesis import DeadLetters, KinesisSink

            return KinesisSink(cloud.client, chosen.stream, DeadLetters(cloud.client, chosen.dead_letters))


def poster_of(settings: config.WebhookSettings, cloud: Cloud, clock: Clock, render: Render) -> "Poster":
    """What posts to webhooks: by a wire of its own, which keeps to what is public."""
    from everpost.engine.webhooks.poster import Poster
    from everpost.engine.wire import Guard, NetworkWire

    guard = Guard(settings.allow, plain_http=settings.plain_http)
    wire = NetworkWire(tls=cloud.tls, guard=guard, body_bytes_max=WEBHOOK_ANSWER_BYTES_MAX)
    return Poster(wire=wire, guard=guard, clock=clock, render=render)


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
