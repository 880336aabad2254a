"""The long-running processes: the server, the laptop's all-in-one, and the sandbox alone."""

import asyncio
import gc
import ipaddress
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import uvicorn
from msgspec import Struct

from everpost import __version__
from everpost.engine.engine import Engine
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.metrics import Metrics
from everpost.entrypoints.http.origins import Origins
from everpost.entrypoints.http.protocol import Protocol
from everpost.entrypoints.http.punctuality import Punctual, sweep
from everpost.model.account import Account, Timeouts
from everpost.model.limits import CONNECTIONS_MAX
from everpost.model.route import Route, RouteAccount
from everpost.sandbox.sandbox import Sandbox
from everpost.settings import HttpSettings, Retention, Settings, WebhookSettings
from everpost.wiring import assembled

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 2048
SWITCH_S: Final = 0.0005
GARBAGE_AT: Final = 20_000  # objects made and not freed, after which the youngest are looked through
TICKS_A_SECOND: Final = 10  # of uvicorn's
REQUESTS_END_S: Final = 5  # how long a graceful stop waits for requests that are being answered
CONNECT_S: Final = 2.0  # to a sandbox provider on this machine; and
WRITE_S: Final = 2.0  # short, since "it has it not" is believed only after the longest possible attempt
SANDBOX_DOMAIN: Final = "mg.example.com"

HERE: Final = WebhookSettings(
    allow=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")), plain_http=True
)
"""A receiver on this machine is good enough to try webhooks with."""

Say = Callable[[str], None]


class DevOptions(Struct, frozen=True, kw_only=True):
    """What `everpost dev` may be told."""

    port: int = 8025
    smtp_port: int = 2525
    control_port: int = 0  # of the sandbox; 0: any free one
    data: Path = Path("everpost-data")
    host: str = LOOPBACK
    answer_timeout_s: float = 10.0
    lookup_lag_s: float = 2.0  # the sandbox's records are prompt; real providers' are not


async def run_server(settings: Settings, say: Say) -> None:
    """`everpost serve`: until SIGINT or SIGTERM, then a graceful stop."""
    async with assembled(settings) as engine:
        services = _services(engine, needs_key=True, sandbox=None, origins=Origins(settings.http.page_origins))
        await _serve(engine, services, settings.http, lambda: say(f"Everpost listens on {_url(settings.http)}"))


async def run_dev(options: DevOptions, say: Say) -> None:
    """`everpost dev`: server, sandbox providers and inbox in one process, on loopback without keys."""
    sandbox = Sandbox()
    await sandbox.start(LOOPBACK, smtp_port=options.smtp_port, control_port=options.control_port)
    try:
        settings = _dev_settings(options, sandbox)
        async with assembled(settings) as engine:
            needs_key = not ipaddress.ip_address(options.host).is_loopback
            services = _services(engine, needs_key=needs_key, sandbox=sandbox)
            await _serve(engine, services, settings.http, lambda: say(_welcome(options, sandbox, needs_key=needs_key)))
    finally:
        await sandbox.stop()


async def run_sandbox(say: Say, sendgrid_port: int, mailgun_port: int, smtp_port: int, control_port: int) -> None:
    """`everpost sandbox`: the sandbox providers alone."""
    stop = _stop_signal()  # before anything is said: whoever reads it may send the signal at once
    sandbox = Sandbox()
    await sandbox.start(
        LOOPBACK,
        sendgrid_port=sendgrid_port,
        mailgun_port=mailgun_port,
        smtp_port=smtp_port,
        control_port=control_port,
    )
    try:
        smtp_host, smtp_bound = sandbox.smtp_address
        say(f"SendGrid  {sandbox.sendgrid_url}")
        say(f"Mailgun   {sandbox.mailgun_url}")
        say(f"SMTP      {smtp_host}:{smtp_bound}")
        say(f"Control   {sandbox.control_url}/_sandbox/inbox")
        await stop.wait()
    finally:
        await sandbox.stop()


def _services(engine: Engine, *, needs_key: bool, sandbox: Sandbox | None, origins: Origins | None = None) -> Services:
    return Services(
        acceptor=engine.acceptor,
        console=engine.console,
        keyring=engine.keyring if needs_key else None,
        clock=engine.ports.clock,
        metrics=Metrics(),
        inbox=sandbox.inbox if sandbox is not None else None,
        version=__version__,
        origins=origins or Origins(),
        webhooks=engine.webhooks,
    )


async def _serve(engine: Engine, services: Services, http: HttpSettings, started: Callable[[], None]) -> None:
    """Runs engine and HTTP server until a signal: then both end what they have begun, and start nothing new."""
    stop = _stop_signal()
    server = _Server(_uvicorn_config(services, http), started)
    _set_up_the_interpreter()
    engine_task = asyncio.create_task(engine.run(stop_engine := asyncio.Event()), name="engine")
    server_task = asyncio.create_task(server.serve(), name="http")
    stop_task = asyncio.create_task(stop.wait(), name="signal")
    try:
        await asyncio.wait([engine_task, server_task, stop_task], return_when=asyncio.FIRST_COMPLETED)
        stop_engine.set()  # who waits for a hand-over is answered, so that the requests can end
        server.should_exit = True
        await server_task
    finally:
        stop_task.cancel()
        stop_engine.set()
        await engine_task


def _set_up_the_interpreter() -> None:
    """What lives by now lives as long as the process and need not be looked through for garbage again; and what
    requests leave behind is nearly all freed by counting references. The writer's thread, which gives the interpreter
    away at each step into SQLite, gets it back soon, however busy the event loop is: all wait for its commits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AT, 20, 20)
    sys.setswitchinterval(SWITCH_S)


class _Server(uvicorn.Server):
    """uvicorn, but signals are ours: they stop the engine, too."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._say_started()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            sweep(cast("set[Punctual]", self.server_state.connections), asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _uvicorn_config(services: Services, http: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(services),
        host=http.host,
        port=http.port,
        http=Protocol,
        proxy_headers=False,  # nobody asks where a request came from
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=BACKLOG,
        limit_concurrency=_connections_max(),
        timeout_graceful_shutdown=REQUESTS_END_S,
    )


def _connections_max() -> int:
    """Clients may not use up the files that the store and the ways to the providers need, too."""
    granted, grantable = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS_MAX
    if granted < wanted:
        granted = wanted if grantable == resource.RLIM_INFINITY else min(wanted, grantable)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, grantable))
    return min(CONNECTIONS_MAX, granted // 2)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _url(http: HttpSettings) -> str:
    host = f"[{http.host}]" if ":" in http.host else http.host
    return http.public_url or f"http://{host}:{http.port}"


def _dev_settings(options: DevOptions, sandbox: Sandbox) -> Settings:
    timeouts = Timeouts(connect_s=CONNECT_S, write_s=WRITE_S, answer_s=options.answer_timeout_s)
    accounts = (
        Account(
            name="mailgun",
            provider="mailgun",
            settings={"api_key": "key-sandbox", "domain": SANDBOX_DOMAIN, "base_url": sandbox.mailgun_url},
            timeouts=timeouts,
            lookup_lag_s=options.lookup_lag_s,
        ),
        Account(
            name="sendgrid",
            provider="sendgrid",
            settings={"api_key": "SG.sandbox", "base_url": sandbox.sendgrid_url},
            timeouts=timeouts,
            lookup_lag_s=options.lookup_lag_s,
        ),
    )
    route = Route(name="default", accounts=tuple(RouteAccount(account=account.name) for account in accounts))
    return Settings(
        data=options.data,
        http=HttpSettings(host=options.host, port=options.port),
        accounts=accounts,
        routes=(route,),
        sinks=(),
        retention=Retention(),
        log_level="warning",
        webhooks=HERE,
    )


def _welcome(options: DevOptions, sandbox: Sandbox, *, needs_key: bool) -> str:
    url = _url(HttpSettings(host=options.host, port=options.port))
    host, port = sandbox.smtp_address
    body = '{"from":"ann@example.com","to":"bob@example.org","subject":"Hello","text":"It works"}'
    keys = f"\n  Keys       needed here: everpost keys create --scope admin --data {options.data}" if needs_key else ""
    authorization = "    -H 'Authorization: Bearer KEY' \\\n" if needs_key else ""
    return f"""Everpost runs at {url}

  Page       {url}    send, watch, switch providers
  Inbox      {url}/inbox    what the sandbox providers were sent
  API        {url}/docs
  SMTP       {host}:{port}    mail sent here goes straight to the inbox
  Data       {options.data}{keys}

Send the first mail:

  curl -X POST {url}/sendEmail \\
{authorization}    -H 'Content-Type: application/json' \\
    --data-raw '{body}'
"""
