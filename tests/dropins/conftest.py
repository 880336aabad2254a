"""A server over real accounts at sandbox providers, and an official client that knows nothing of it but its address."""

import asyncio
import gc
import socket
import warnings
from contextlib import asynccontextmanager

import pytest

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.metrics import ServerMetrics
from everpost.entrypoints.server import services_of
from everpost.model.account import Account
from everpost.model.key import Scope
from everpost.model.route import Route, RouteAccount
from everpost.sandbox.sandbox import Sandbox
from everpost.settings import HttpSettings, Retention, Settings
from everpost.wiring import assembled
from sdks import SDKS
from socket_kit import Server

KEY = {"api_key": "sandbox", "domain": "mg.example.com"}
SETTINGS = {"ses": {"region": "eu-central-1", "access_key_id": "AKIA1", "secret_access_key": "s"}}


class House:
    """The server, its engine, the sandbox behind it, and clients."""

    def __init__(self, engine, sandbox, door, url, token):
        self.engine, self.sandbox, self.door, self.url, self.token = engine, sandbox, door, url, token
        self._caught = asyncio.Event()
        sandbox.inbox.on_caught.append(lambda _: self._caught.set())

    def client(self, name, token=None):
        return SDKS[name](self.url, token or self.token)

    async def caught(self, message_id):
        """The mail as its provider has taken it."""
        async with asyncio.timeout(20):
            while not (found := self.sandbox.inbox.find(f"{message_id}.0")):
                self._caught.clear()
                await self._caught.wait()
        [mail] = found
        return mail

    async def all_caught(self, count):
        async with asyncio.timeout(20):
            while len(self.sandbox.inbox) < count:
                self._caught.clear()
                await self._caught.wait()
        return self.sandbox.inbox.list()

    async def stored(self, message_id):
        return await self.engine.ports.store.get_message("default", message_id)


@asynccontextmanager
async def opened(provider, folder):
    sandbox = Sandbox()
    await sandbox.start()
    account = Account(
        name="only",
        provider=provider,
        settings=SETTINGS.get(provider, KEY) | {"base_url": sandbox.url(provider)},
    )
    settings = Settings(
        data=folder,
        http=HttpSettings(),
        accounts=(account,),
        routes=(Route(name="default", accounts=(RouteAccount(account="only"),)),),
        sinks=(),
        retention=Retention(),
        log_level="warning",
    )
    async with assembled(settings) as engine:
        stop = asyncio.Event()
        running = asyncio.create_task(engine.run(stop))
        _, token = await engine.keyring.create("default", Scope.SEND, "sdk")
        listening = socket.create_server(("127.0.0.1", 0))
        door = build_app(services_of(engine, ServerMetrics("0.0.0")))
        server = Server(door)
        await server.startup([listening])
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield House(engine, sandbox, door, url, token)
        server.should_exit = True
        await server.shutdown([listening])
        stop.set()
        await running
    await sandbox.stop()


@pytest.fixture
async def house(request, tmp_path):
    """Its account is at the provider that the test names, or at Mailgun."""
    async with opened(getattr(request, "param", "mailgun"), tmp_path) as house:
        yield house
    with warnings.catch_warnings():  # the clients leave their connections to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
