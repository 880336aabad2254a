"""Settings to running parts: the only room that knows which class stands behind which port."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import Final

from everpost import settings as config
from everpost.dialects.native import render_event
from everpost.engine.clock import SystemClock
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.queue import AwaitedQueue, Queue, SharedQueue
from everpost.engine.relay import Relay
from everpost.engine.wire import NetworkWire
from everpost.providers import mailgun, sendgrid, smtp
from everpost.providers.contract import Provider
from everpost.wakeup.memory import MemoryWakeup
from everpost.wiring import parts
from everpost.wiring.cloud import Cloud

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (mailgun.PROVIDER, sendgrid.PROVIDER, smtp.PROVIDER)
}
_DAY_S: Final = 86_400.0


class Role(StrEnum):
    """What a process does."""

    SERVER = "server"  # all of it
    DOOR = "door"  # answers requests, and hands over what their callers wait for
    DELIVER = "deliver"
    RELAY = "relay"


@asynccontextmanager
async def assembled(settings: config.Settings, role: Role = Role.SERVER) -> AsyncIterator[Engine]:
    """An engine with everything behind it that the role needs, ready to be run; closed in reverse order at the end."""
    async with AsyncExitStack() as stack:
        wire = NetworkWire()
        stack.push_async_callback(wire.close)
        cloud = Cloud(wire, os.environ)
        store = parts.store_of(settings, cloud)
        stack.push_async_callback(store.close)
        health = parts.health_of(settings, cloud)
        stack.push_async_callback(health.close)
        ports = Ports(store=store, health=health, wire=wire, due=MemoryWakeup(), news=News(), clock=SystemClock())
        members = [Member(account, PROVIDERS[account.provider]) for account in settings.accounts]
        queue: Queue = SharedQueue(store)
        if role is Role.DOOR:
            queue = AwaitedQueue(parts.call_of(settings, cloud))
        engine = Engine(ports, members, settings.routes, _retention(settings.retention), queue)
        if role in (Role.SERVER, Role.RELAY):
            for chosen in settings.sinks:
                sink = parts.sink_of(chosen, cloud)
                stack.push_async_callback(sink.close)
                engine.add_relay(Relay(sink, ports, MemoryWakeup(), render_event))
        yield engine


def _retention(chosen: config.Retention) -> Retention:
    return Retention(messages_s=chosen.messages_days * _DAY_S, keys_s=chosen.keys_days * _DAY_S)
