"""The long-running processes of production: those that answer requests, and those that only work."""

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, cast

import uvicorn

from everpost import __version__
from everpost.engine.engine import Engine
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.http.door import Door
from everpost.entrypoints.http.figures import Figures
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.origins import Origins
from everpost.entrypoints.http.other_operations import VITALS
from everpost.entrypoints.http.protocol import Protocol
from everpost.entrypoints.http.punctuality import Punctual, sweep
from everpost.entrypoints.metrics import Metrics, ServerMetrics
from everpost.entrypoints.metrics.lateness import watched_loop
from everpost.entrypoints.processes import Place
from everpost.entrypoints.smtp.listeners import Listeners
from everpost.entrypoints.smtp.opening import opened
from everpost.model.limits import CONNECTIONS_MAX
from everpost.settings import HttpSettings, Settings, WorkSettings
from everpost.wiring import Role, assembled

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 2048
SWITCH_S: Final = 0.0005
GARBAGE_AT: Final = 20_000  # objects made and not freed, after which the youngest are looked through
TICKS_A_SECOND: Final = 10  # of uvicorn's
REQUESTS_END_S: Final = 5  # how long a graceful stop waits for requests that are being answered
_log = logging.getLogger(__name__)

Say = Callable[[str], None]


async def run_server(settings: Settings, say: Say, *, works: bool = True, place: Place | None = None) -> None:
    """`everpost serve`: until SIGINT or SIGTERM, then a graceful stop. One that does not work (`--no-work`) hands over
    what its callers wait for, and nothing else. `place`: among several processes at one port."""
    async with counted(settings, Role.SERVER if works else Role.DOOR) as (engine, metrics):
        services = services_of(engine, metrics, origins=Origins(settings.http.page_origins))
        door = build_app(services)
        submission = await opened(engine, door, services, settings, is_shared=place is not None)
        told = ", and takes mail by SMTP at ".join(filter(None, (url_of(settings.http), ", ".join(submission.places))))
        started = place.tell_ready if place else lambda: say(f"Everpost listens on {told}")
        await serve(engine, door, settings.http, started, place, submission)


async def run_worker(settings: Settings, say: Say) -> None:
    """`everpost work`: until SIGINT or SIGTERM, then a graceful stop. It answers nothing but how it is."""
    async with counted(settings, Role.WORKER) as (engine, metrics):
        vitals = Door(services_of(engine, metrics), VITALS)
        await serve(
            engine, vitals, settings.work, lambda: say(f"Everpost works, and says how at {url_of(settings.work)}")
        )


@asynccontextmanager
async def counted(settings: Settings, role: Role = Role.SERVER) -> AsyncIterator[tuple[Engine, Metrics]]:
    """An engine for that role, and the figures of what its process does."""
    metrics = Metrics(__version__) if role is Role.WORKER else ServerMetrics(__version__)
    async with assembled(settings, role, figures=metrics) as engine, watched_loop(metrics.process.loop_was_late):
        yield engine, metrics


def services_of(
    engine: Engine,
    metrics: Figures,
    *,
    needs_key: bool = True,
    inbox: Inbox | None = None,
    origins: Origins | None = None,
) -> Services:
    """What the HTTP room needs, of this engine."""
    return Services(
        acceptor=engine.acceptor,
        console=engine.console,
        desk=engine.desk,
        bulk=engine.bulk,
        intake=engine.intake,
        groups=engine.groups,
        keyring=engine.keyring if needs_key else None,
        clock=engine.ports.clock,
        ingestor=engine.ingestor,
        metrics=metrics,
        inbox=inbox,
        version=__version__,
        feed=engine.feed,
        origins=origins or Origins(),
        tracer=engine.ports.tracer,
        webhooks=engine.webhooks,
        keys=engine.keys,
    )


async def serve(
    engine: Engine,
    door: Door,
    at: HttpSettings | WorkSettings,
    started: Callable[[], None],
    place: Place | None = None,
    submission: Listeners | None = None,
) -> None:
    """Runs engine and HTTP server until a signal: then both end what they have begun, and start nothing new; and so do
    the listeners for SMTP, which have been started."""
    stop = stop_signal()
    if place is not None:
        place.watch_parent(stop)
    server = _Server(_uvicorn_config(door, at), started)
    _set_up_the_interpreter()
    engine_task = asyncio.create_task(engine.run(stop_engine := asyncio.Event()), name="engine")
    server_task = asyncio.create_task(server.serve([place.listener] if place else None), name="http")
    stop_task = asyncio.create_task(stop.wait(), name="signal")
    try:
        await asyncio.wait([engine_task, server_task, stop_task], return_when=asyncio.FIRST_COMPLETED)
        _log.info("the server stops")
        stop_engine.set()  # who waits for a hand-over is answered, so that the requests can end
        server.should_exit = True
        if submission is not None:
            await submission.stop(REQUESTS_END_S)
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
        try:
            await super().startup(sockets)
        except SystemExit as ended:  # uvicorn's way to say that it can't listen
            raise (ended.__context__ if isinstance(ended.__context__, OSError) else ended) from None
        if not self.should_exit:
            _log.info("the server has started", extra={"host": self.config.host, "port": self.config.port})
            self._say_started()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            sweep(cast("set[Punctual]", self.server_state.connections), asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def _uvicorn_config(door: Door, at: HttpSettings | WorkSettings) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        host=at.host,
        port=at.port,
        http=Protocol,
        proxy_headers=False,  # nobody asks where a request came from
        log_config=None,
        log_level=logging.WARNING,  # its lines are for a terminal ("Press CTRL+C"); when we start and stop, we say
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


def stop_signal() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def url_of(at: HttpSettings | WorkSettings) -> str:
    host = f"[{at.host}]" if ":" in at.host else at.host
    public_url = at.public_url if isinstance(at, HttpSettings) else None
    return public_url or f"http://{host}:{at.port}"
