"""Settings to running parts: the only file that knows which class stands behind which port."""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from everpost import settings as config
from everpost.aws import Lost, Request, Response, Transport
from everpost.dialects.native import render_event
from everpost.engine.clock import SystemClock
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.relay import Relay
from everpost.engine.wire import NetworkWire, Wire
from everpost.health.sqlite import SqliteHealth
from everpost.model.account import Timeouts
from everpost.providers import mailgun, sendgrid, smtp
from everpost.providers.contract import Fault, HttpRequest, HttpResponse, Provider
from everpost.sinks.file import FileSink
from everpost.sinks.port import Sink
from everpost.sinks.stdout import StdoutSink
from everpost.store.port import Store, StoreUnavailable
from everpost.store.sqlite import SqliteStore
from everpost.wakeup.memory import MemoryWakeup

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (mailgun.PROVIDER, sendgrid.PROVIDER, smtp.PROVIDER)
}
STORE_FILE: Final = "everpost.db"
HEALTH_FILE: Final = "health.db"
DATA_MODE: Final = 0o700  # mail lies in there: for nobody but its owner
_DAY_S: Final = 86_400.0


def open_store(data: Path) -> Store:
    """The store of an installation; its folder is made where it is missing. Raises StoreUnavailable."""
    try:
        _make(data, DATA_MODE)
    except OSError as error:
        raise StoreUnavailable(f"the data folder {data} can't be made: {error.strerror}") from error
    return SqliteStore.open(str(data / STORE_FILE))


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


@asynccontextmanager
async def assembled(settings: config.Settings) -> AsyncIterator[Engine]:
    """An engine with everything behind it, ready to be run; closed in reverse order at the end."""
    async with AsyncExitStack() as parts:
        store = open_store(settings.data)
        parts.push_async_callback(store.close)
        health = SqliteHealth.open(str(settings.data / HEALTH_FILE))
        parts.push_async_callback(health.close)
        wire = NetworkWire()
        parts.push_async_callback(wire.close)
        ports = Ports(store=store, health=health, wire=wire, due=MemoryWakeup(), news=News(), clock=SystemClock())
        members = [Member(account, PROVIDERS[account.provider]) for account in settings.accounts]
        engine = Engine(ports, members, settings.routes, _retention(settings.retention))
        for chosen in settings.sinks:
            sink = _sink(chosen)
            parts.push_async_callback(sink.close)
            engine.add_relay(Relay(sink, ports, MemoryWakeup(), render_event))
        yield engine


def _retention(chosen: config.Retention) -> Retention:
    return Retention(messages_s=chosen.messages_days * _DAY_S, keys_s=chosen.keys_days * _DAY_S)


def _sink(chosen: config.StdoutSink | config.FileSink) -> Sink:
    match chosen:
        case config.StdoutSink():
            return StdoutSink()
        case config.FileSink():
            return FileSink(str(chosen.path))


def aws_transport(wire: Wire) -> Transport:
    """The wire to the providers as what carries requests to AWS: it knows as well how far a request got."""

    async def carry(request: Request, seconds: float) -> Response | Lost:
        asked = HttpRequest(method=request.method, url=request.url, headers=dict(request.headers), body=request.body)
        timeouts = Timeouts(connect_s=seconds / 2, write_s=seconds, answer_s=seconds)
        try:
            async with asyncio.timeout(seconds):
                answer = await wire.send(asked, timeouts, math.inf)
        except TimeoutError:
            return Lost(maybe_sent=True, text=f"no answer within {seconds:g} s")
        if isinstance(answer, HttpResponse):
            return Response(status=answer.status, headers=answer.headers, body=answer.body)
        return Lost(maybe_sent=not isinstance(answer, Fault) or answer.maybe_sent, text=str(answer))

    return carry
