"""A PostgreSQL of the bench's own, servers over it, and databases that look as if much mail had gone through them."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import accounting
from processes import CONFIG, POLL_S, Server

sys.path.append(str(Path(__file__).parent.parent / "tests"))

import postgres_kit

BATCH = 64  # rows of a commit
BODY_BYTES = 2048
CHUNK = 100_000
ID = "'em_' || lpad(v::text, 26, '0')"
COPIES = {
    "message": f"SELECT {ID}, project, created_at, head FROM message, series",
    "body": f"SELECT {ID}, content FROM body, series",
    "delivery": f"SELECT {ID}, position, project, state, due_at, version, account, progress FROM delivery, series",
    "event": f"SELECT v * 8 + row_number() OVER (PARTITION BY v ORDER BY seq), at, {ID}, {ID} || substr(id, 30), type, "
    f"project, {ID} || substr(delivery_id, 30), account, data FROM event, series WHERE message_id <> ''",
    "recipient": f"SELECT project, v::text || address, {ID} FROM recipient, series",
    "tag": f"SELECT project, tag, {ID} FROM tag, series",
    "idempotency": "SELECT scope, md5(random()::text), fingerprint, "
    f"{ID}, running_until, answer, created_at FROM idempotency, series",
}
"""By table: the copies of the one mail that is there, one for each number of a series."""


class Database:
    """One database of the server, asked from outside of the event loops of those who are measured."""

    def __init__(self, cluster: postgres_kit.Cluster, name: str) -> None:
        self._runner = asyncio.Runner()
        self._run(cluster, f"CREATE DATABASE {name}")
        self.url = f"postgres://{postgres_kit.ROLE}@127.0.0.1:{cluster.port}/{name}?sslmode=disable"
        self._link = self._runner.run(cluster.server(name).connect())

    def _run(self, cluster: postgres_kit.Cluster, sql: str) -> None:
        async def run() -> None:
            link = await cluster.server().connect()
            await link.execute(sql)
            await link.close()

        self._runner.run(run())

    def execute(self, sql: str, *values: Any) -> None:
        self._runner.run(self._link.execute(sql, *values))

    def fetch(self, sql: str, *values: Any) -> list[Any]:
        return list(self._runner.run(self._link.fetch(sql, *values)))

    def logged_bytes(self) -> int:
        """What the whole server has written into its log of changes so far."""
        return int(self.fetch("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS n")[0]["n"])

    def size_mb(self) -> float:
        return int(self.fetch("SELECT pg_database_size(current_database()) AS n")[0]["n"]) / 1e6

    def fill(self, number: int) -> None:
        """Copies the one mail of a database that often. Nobody else may use it."""
        for first in range(1, number + 1, CHUNK):
            last = min(number, first + CHUNK - 1)
            for table, select in COPIES.items():
                self.execute(
                    f"WITH series AS (SELECT generate_series({first}, {last}) AS v), "
                    f"one AS (SELECT * FROM {table} WHERE true) INSERT INTO {table} "
                    + select.replace(f"FROM {table},", "FROM one,")
                    + (" AND " if " WHERE " in select else " WHERE ")
                    + ("message_id" if table != "message" else "id")
                    + " > 'em_01'"  # as ids of our time begin; the copies' begin with more noughts
                )
        self.execute("UPDATE journal SET seq = greatest(seq, $1)", 8 * (number + 2))
        self.execute("VACUUM ANALYZE")

    def bare_rate(self, seconds: float) -> float:
        """Rows a second that one client inserts and commits, 64 at a time: the least that anybody pays."""
        self.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea NOT NULL)")
        began, rows = time.perf_counter(), 0
        while (took_s := time.perf_counter() - began) < seconds:
            self.execute("INSERT INTO bare (body) SELECT unnest($1::bytea[])", [b"x" * BODY_BYTES] * BATCH)
            rows += BATCH
        return rows / took_s

    def close(self) -> None:
        self._runner.run(self._link.close())
        self._runner.close()


@contextmanager
def cluster(folder: Path) -> Iterator[postgres_kit.Cluster]:
    """As it comes, and every commit waits for the disk."""
    folder.mkdir()
    with postgres_kit.cluster(folder, postgres_kit.DURABLE) as made:
        yield made


def cpu_s(cluster: postgres_kit.Cluster) -> float:
    """Of the server and all of its processes, also those that have ended."""
    return accounting.cpu_s(cluster.pid)


class DatabaseServer(Server):
    """`everpost serve` over PostgreSQL."""

    def __init__(self, folder: Path, provider_port: int, database: Database, *options: str) -> None:
        folder.mkdir()
        self._rows = database
        super().__init__(folder, provider_port, f'store = "{database.url}"\n{CONFIG}', *options)

    def counts(self) -> dict[str, int]:
        return {"sent": 0} | {row["state"]: row["n"] for row in self._rows.fetch("SELECT state, n FROM tally")}

    def until_sent(self, count: int, within_s: float) -> float:
        until = time.perf_counter() + within_s
        while (now := time.perf_counter()) < until:
            if self.counts().get("sent", 0) >= count:
                return now
            time.sleep(POLL_S)
        raise TimeoutError(f"not all sent within {within_s} s: {self.counts()}")
