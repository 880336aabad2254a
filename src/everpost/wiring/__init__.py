"""Settings to running parts: the only room that knows which class stands behind which port."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from msgspec.structs import replace

from everpost import settings as config
from everpost.attachments.port import Attachments, AttachmentsUnavailable
from everpost.dialects.native.render import render_event
from everpost.engine.clock import SystemClock
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.observer import UNOBSERVED, Observer
from everpost.engine.ports import Ports
from everpost.engine.queue import AwaitedQueue, SharedQueue, call_nobody
from everpost.engine.relay import Relay
from everpost.engine.wire.traced import TracedWire
from everpost.model.account import Account
from everpost.model.secret import Reference, is_reference
from everpost.providers.contract import Provider
from everpost.providers.hooks import TO_VERIFY_WITH
from everpost.sinks.counted import CountedSink
from everpost.store.commits import UNCOUNTED
from everpost.store.port import Store
from everpost.traces.port import UNTRACED
from everpost.wakeup.memory import MemoryWakeup
from everpost.wakeup.port import Topic
from everpost.wiring import parts
from everpost.wiring.catalogue import Catalogue
from everpost.wiring.cloud import Cloud
from everpost.wiring.traces import tracer_of

if TYPE_CHECKING:
    from everpost.engine.documents import Documents
    from everpost.engine.webhooks.phrasing import Phrasing
    from everpost.vault.keeper import Keeper

PROVIDERS: Final[Mapping[str, Provider]] = Catalogue(
    "everpost.providers.{}.adapter",
    "PROVIDER",
    (
        "brevo",
        "mailersend",
        "mailgun",
        "mailjet",
        "mailtrap",
        "mandrill",
        "postmark",
        "resend",
        "scaleway",
        "sendgrid",
        "ses",
        "smtp",
        "sparkpost",
    ),
)
_DAY_S: Final = 86_400.0


class Role(StrEnum):
    """What a process does, and so what it needs."""

    SERVER = "server"  # all of it
    WORKER = "worker"  # hands over what is due, relays, keeps house
    DOOR = "door"  # a server that answers requests, and hands over what their callers wait for
    CALL = "call"  # as a door, for one request after the other
    CONSOLE = "console"  # answers requests that bring no mail
    READER = "reader"  # answers requests that change nothing
    DELIVER = "deliver"
    RELAY = "relay"
    HOOKS = "hooks"  # takes in what providers tell


HOOKED: Final = frozenset({Role.SERVER, Role.HOOKS})
SENDING: Final = frozenset({Role.SERVER, Role.WORKER, Role.DOOR, Role.CALL, Role.DELIVER})
RELAYING: Final = frozenset({Role.SERVER, Role.WORKER, Role.RELAY})
STAYING: Final = frozenset({Role.SERVER, Role.WORKER, Role.DOOR})
AWAITED: Final = frozenset({Role.DOOR, Role.CALL})  # others hand over what nobody waits for


class Figures(Protocol):
    """Who counts what the parts do."""

    @property
    def engine(self) -> Observer: ...

    @property
    def process(self) -> parts.Watcher: ...


class PartUnavailable(Exception):
    """A part that the settings name can't be had; says what is to be mended."""


async def read_settings(where: str, cloud: Cloud) -> config.Settings | list[config.ConfigFault]:
    """The settings, or every fault of them; `where` is a file, or `ssm:/NAME` for a parameter of Systems Manager.
    Raises PartUnavailable."""
    if not is_reference(where):
        return config.load(Path(where), cloud.environ, PROVIDERS)
    from everpost.vault.aws import AwsVault
    from everpost.vault.port import SecretUnavailable

    try:
        text = await AwsVault(cloud.client).read(Reference(where).source)
    except (SecretUnavailable, ValueError) as error:
        raise PartUnavailable(str(error)) from error
    return config.load_text(text, where, cloud.environ, PROVIDERS)


@asynccontextmanager
async def assembled(
    settings: config.Settings,
    role: Role = Role.SERVER,
    cloud: Cloud | None = None,
    figures: Figures | None = None,
) -> AsyncIterator[Engine]:
    """An engine with everything behind it that the role needs, ready to be run; closed in reverse order at the end.
    `figures` are given by a process that stays: it makes traces, too, if it is asked to. Raises StoreUnavailable and
    PartUnavailable."""
    cloud = cloud or Cloud(os.environ)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cloud.wire.close)
        try:
            engine = await _engine(settings, role, cloud, stack, figures)
        except ValueError as error:  # AWS without a region, traces without what makes them
            raise PartUnavailable(str(error)) from error
        yield engine


async def _engine(
    settings: config.Settings, role: Role, cloud: Cloud, stack: AsyncExitStack, figures: Figures | None
) -> Engine:
    retention = retention_of(settings)
    commits = figures.process if figures else UNCOUNTED
    store = await parts.store_at(settings.store, settings.data, cloud, retention, commits)
    stack.push_async_callback(store.close)
    health = parts.health_of(settings, cloud)
    stack.push_async_callback(health.close)
    tracer = tracer_of(cloud.environ) if figures else UNTRACED
    stack.push_async_callback(tracer.close)
    attachments = await _attachments(settings, cloud, stack)
    ports = Ports(
        store=store,
        health=health,
        wire=cloud.to_providers if tracer is UNTRACED else TracedWire(cloud.to_providers, tracer),
        due=MemoryWakeup(),
        news=News(),
        clock=SystemClock(),
        documents=await _documents(settings.webhooks, cloud, stack) if role in HOOKED else None,
        attachments=attachments,
        observer=figures.engine if figures else UNOBSERVED,
        tracer=tracer,
    )
    if figures:
        figures.process.watch_connections(lambda: cloud.wire.connections)
    if role is Role.HOOKS:
        settings = _to_verify_with(settings)
    keeper = parts.keeper_of(settings, cloud) if role in SENDING or role is Role.HOOKS else None
    accounts = settings.accounts if keeper is None else await _with_secrets(keeper)
    members = [Member(account, PROVIDERS[account.provider]) for account in accounts]
    peers = parts.peers_of(settings, cloud) if role in STAYING | AWAITED else None
    call = call_nobody if peers is None else partial(peers.tell, Topic.DUE)
    queue = AwaitedQueue(call) if role in AWAITED else SharedQueue(store, call)
    engine = Engine(ports, members, settings.routes, retention, queue)
    engine.acceptor.unsubscribing.public_url = settings.http.public_url
    engine.intake.window_s = settings.http.same_mail_window_s
    if peers is not None:
        stack.push_async_callback(peers.close)
        engine.add_peers(peers)
    if keeper is not None:
        engine.add_rotation(keeper)
    if role in STAYING:
        poster = parts.poster_of(settings.webhooks, cloud, ports.clock, _phrasing(store))
        stack.push_async_callback(poster.wire.close)
        engine.add_webhooks(poster, MemoryWakeup if role in RELAYING else None)
    if role in RELAYING:
        engine.add_recorder()
        _add_relays(engine, settings, role, cloud, stack)
    return engine


def _phrasing(store: Store) -> "Phrasing":
    """Loaded where events are posted alone."""
    from everpost.dialects.notices.table import WRITERS
    from everpost.engine.webhooks.phrasing import Phrasing

    return Phrasing(render_event, WRITERS, store)


def _add_relays(engine: Engine, settings: config.Settings, role: Role, cloud: Cloud, stack: AsyncExitStack) -> None:
    for chosen in settings.sinks:
        sink = parts.sink_of(chosen, cloud)
        if role is Role.RELAY:
            sink = CountedSink(sink)
        stack.push_async_callback(sink.close)
        engine.add_relay(Relay(sink, engine.ports, MemoryWakeup(), render_event))


async def _documents(settings: config.WebhookSettings, cloud: Cloud, stack: AsyncExitStack) -> "Documents":
    documents = parts.documents_of(settings, cloud, SystemClock())
    stack.push_async_callback(documents.close)
    return documents


async def _attachments(settings: config.Settings, cloud: Cloud, stack: AsyncExitStack) -> Attachments | None:
    try:
        attachments = parts.attachments_at(settings.attachments, cloud)
    except AttachmentsUnavailable as error:
        raise PartUnavailable(str(error)) from error
    if attachments is not None:
        stack.push_async_callback(attachments.close)
    return attachments


def _to_verify_with(settings: config.Settings) -> config.Settings:
    """Of the accounts' own settings those that tell genuine events from forged ones: who can't send needs no key."""

    def without_keys(account: Account) -> Account:
        kept = {name: value for name, value in account.settings.items() if name in TO_VERIFY_WITH}
        return replace(account, settings=kept)

    return replace(settings, accounts=tuple(map(without_keys, settings.accounts)))


async def accounts_of(settings: config.Settings, cloud: Cloud) -> Sequence[Account]:
    """The accounts with the secrets that they have now. Raises PartUnavailable."""
    try:
        keeper = parts.keeper_of(settings, cloud)
        return settings.accounts if keeper is None else await _with_secrets(keeper)
    except ValueError as error:  # AWS without a region
        raise PartUnavailable(str(error)) from error


async def _with_secrets(keeper: "Keeper") -> Sequence[Account]:
    from everpost.vault.port import SecretUnavailable

    try:
        return await keeper.accounts()
    except SecretUnavailable as error:
        raise PartUnavailable(str(error)) from error


def retention_of(settings: config.Settings) -> Retention:
    chosen = settings.retention
    return Retention(
        messages_s=chosen.messages_days * _DAY_S,
        keys_s=chosen.keys_days * _DAY_S,
        bodies_s=_seconds(chosen.bodies_days),
        addresses_s=_seconds(chosen.addresses_days),
        events_s=_seconds(chosen.events_days),
    )


def _seconds(days: int | None) -> float | None:
    return None if days is None else days * _DAY_S
