"""Settings to running parts: the only room that knows which class stands behind which port."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from everpost import settings as config
from everpost.dialects.native import render_event
from everpost.engine.clock import SystemClock
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.queue import AwaitedQueue, SharedQueue
from everpost.engine.relay import Relay
from everpost.model.account import Account
from everpost.model.secret import Reference, is_reference
from everpost.providers import mailgun, sendgrid, smtp
from everpost.providers.contract import Provider
from everpost.sinks.counted import CountedSink
from everpost.wakeup.memory import MemoryWakeup
from everpost.wiring import parts
from everpost.wiring.cloud import Cloud

if TYPE_CHECKING:
    from everpost.vault.keeper import Keeper

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (mailgun.PROVIDER, sendgrid.PROVIDER, smtp.PROVIDER)
}
_DAY_S: Final = 86_400.0


class Role(StrEnum):
    """What a process does, and so what it needs."""

    SERVER = "server"  # all of it
    DOOR = "door"  # answers requests, and hands over what their callers wait for
    CONSOLE = "console"  # answers requests that bring no mail
    DELIVER = "deliver"
    RELAY = "relay"


SENDING: Final = frozenset({Role.SERVER, Role.DOOR, Role.DELIVER})
RELAYING: Final = frozenset({Role.SERVER, Role.RELAY})


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
    settings: config.Settings, role: Role = Role.SERVER, cloud: Cloud | None = None
) -> AsyncIterator[Engine]:
    """An engine with everything behind it that the role needs, ready to be run; closed in reverse order at the end.
    Raises StoreUnavailable and PartUnavailable."""
    cloud = cloud or Cloud(os.environ)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cloud.wire.close)
        try:
            engine = await _engine(settings, role, cloud, stack)
        except ValueError as error:  # AWS without a region
            raise PartUnavailable(str(error)) from error
        yield engine


async def _engine(settings: config.Settings, role: Role, cloud: Cloud, stack: AsyncExitStack) -> Engine:
    retention = retention_of(settings)
    store = parts.store_at(settings.store, settings.data, cloud, retention)
    stack.push_async_callback(store.close)
    health = parts.health_of(settings, cloud)
    stack.push_async_callback(health.close)
    ports = Ports(store=store, health=health, wire=cloud.wire, due=MemoryWakeup(), news=News(), clock=SystemClock())
    keeper = parts.keeper_of(settings, cloud) if role in SENDING else None
    accounts = settings.accounts if keeper is None else await _with_secrets(keeper)
    members = [Member(account, PROVIDERS[account.provider]) for account in accounts]
    queue = AwaitedQueue(parts.call_of(settings, cloud)) if role is Role.DOOR else SharedQueue(store)
    engine = Engine(ports, members, settings.routes, retention, queue)
    if keeper is not None:
        engine.add_rotation(keeper)
    if role is Role.SERVER:
        poster = parts.poster_of(settings.webhooks, cloud, ports.clock, render_event)
        stack.push_async_callback(poster.wire.close)
        engine.add_webhooks(poster, MemoryWakeup)
    for chosen in settings.sinks if role in RELAYING else ():
        sink = parts.sink_of(chosen, cloud)
        if role is Role.RELAY:
            sink = CountedSink(sink)
        stack.push_async_callback(sink.close)
        engine.add_relay(Relay(sink, ports, MemoryWakeup(), render_event))
    return engine


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
    return Retention(messages_s=chosen.messages_days * _DAY_S, keys_s=chosen.keys_days * _DAY_S)
