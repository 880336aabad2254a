"""Beyond one machine's files: PostgreSQL beside SQLite and beside its own bare inserts, and as it grows."""

import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import database
import measures
from figures import median, ratio
from load import Spec
from processes import Server, load, stub
from results import Table, Told, number
from scale import Scale

SMALL, GROWN = 10_000, 1_000_000


@dataclass
class Case:
    """A way to run Everpost, and what its rounds came to."""

    name: str
    server: Server
    accepts: list[measures.Accepted] = field(default_factory=list)
    deliveries: list[measures.HandedOver] = field(default_factory=list)
    database_s: list[float] = field(default_factory=list)  # CPU of PostgreSQL for 1,000 mails, accept to outcome
    logged: list[float] = field(default_factory=list)  # bytes of a mail in PostgreSQL's log of changes


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    folder.mkdir(exist_ok=True)
    with ExitStack() as running:
        cluster = running.enter_context(database.cluster(folder / "postgres"))
        (port,) = running.enter_context(stub(scale.answer_s))
        bare = running.enter_context(_closing(database.Database(cluster, "bare")))
        _rates(told, folder, scale, cluster, bare, port)
        _growth(told, folder, scale, cluster, port)
    told.how = (
        f"{scale.rounds} interleaved rounds, medians; 64 connections, mails of 2 KB, a provider that answers after "
        f"{1000 * scale.answer_s:.0f} ms. PostgreSQL runs beside all else on the same cores with its defaults, every "
        "commit synced to the disk. Bare inserts: one client, one row of 2 KB a mail, 64 to a commit."
    )
    return told


def _rates(told: Told, folder: Path, scale: Scale, cluster, bare, port: int) -> None:
    bares: list[float] = []
    with ExitStack() as running:
        (folder / "sqlite").mkdir()
        single = running.enter_context(_closing(database.Database(cluster, "single")))
        double = running.enter_context(_closing(database.Database(cluster, "double")))
        cases = [
            Case("SQLite, one process", Server(folder / "sqlite", port)),
            Case("PostgreSQL, one process", database.DatabaseServer(folder / "single", port, single)),
            Case(
                "PostgreSQL, two processes",
                database.DatabaseServer(folder / "double", port, double, "--processes", "2"),
            ),
        ]
        for case in cases:
            running.enter_context(case.server.up())
            measures.handed_over(case.server, port, scale.mails // 8)
        for round_ in range(scale.rounds):
            bares.append(bare.bare_rate(scale.seconds))
            for case in cases:
                case.accepts.append(measures.accepted(case.server, scale.seconds))
                _hand_over(case, cluster, bare, port, scale.mails // 2)
            print(f"several: round {round_ + 1} of {scale.rounds}", file=sys.stderr, flush=True)
    _, one, two = cases
    told.add("bare_inserts", "PostgreSQL's bare inserts, 64 to a commit", median(bares), "rows/s")
    for key, case in (("one", one), ("two", two)):
        share = 100 * ratio([each.rate for each in case.accepts], bares)
        told.add(f"accept_of_bare_{key}", f"durable accept of these, {case.name}", share, "%")
    faster = ratio([each.rate for each in two.deliveries], [each.rate for each in one.deliveries])
    told.add("two_of_one", "end to end, two processes of one", faster, "times")
    columns = ["store", "accepted/s", "end to end mails/s", "CPU s per 1,000", "and PostgreSQL's", "log bytes a mail"]
    rows = [
        [
            case.name,
            number(median(each.rate for each in case.accepts)),
            number(median(each.rate for each in case.deliveries)),
            number(median(each.cpu_s for each in case.deliveries)),
            "" if case.name.startswith("SQLite") else number(median(case.database_s)),
            "" if case.name.startswith("SQLite") else number(median(case.logged)),
        ]
        for case in cases
    ]
    told.tables.append(Table("Everpost over PostgreSQL and over SQLite, on the same two cores", columns, rows))


def _hand_over(case: Case, cluster, any_database, port: int, mails: int) -> None:
    spent_s, logged = database.cpu_s(cluster), any_database.logged_bytes()
    case.deliveries.append(measures.handed_over(case.server, port, mails))
    case.database_s.append(1000 * (database.cpu_s(cluster) - spent_s) / mails)
    case.logged.append((any_database.logged_bytes() - logged) / mails)


def _growth(told: Told, folder: Path, scale: Scale, cluster, port: int) -> None:
    grown = min(GROWN, scale.stored)
    with ExitStack() as running:
        cases: list[tuple[Case, database.Database]] = []
        for name, stored in (("small", SMALL), ("grown", grown)):
            rows = running.enter_context(_closing(database.Database(cluster, name)))
            case = Case(f"{stored:,} stored", database.DatabaseServer(folder / name, port, rows))
            with case.server.up():
                load(
                    Spec(
                        kind="accept",
                        port=case.server.port,
                        token=case.server.token,
                        first=measures.first_number(),
                        connections=1,
                        count=1,
                    )
                )
                case.server.until_sent(1, measures.DRAIN_S)
            began = time.perf_counter()
            rows.fill(stored)
            print(f"several: {stored:,} stored in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            cases.append((case, rows))
        for case, _ in cases:
            running.enter_context(case.server.up())
            measures.handed_over(case.server, port, scale.mails // 8)
        for _ in range(scale.rounds):
            for case, rows in cases:
                _hand_over(case, cluster, rows, port, scale.mails // 4)
        (small, _), (large, rows) = cases
        told.add("pg_cpu_growth", "CPU a mail with 10^6 stored, of 10^4, Everpost", _of(small, large, "cpu"), "times")
        told.add(
            "pg_database_growth", "CPU a mail with 10^6 stored, of 10^4, PostgreSQL", _of(small, large, "db"), "times"
        )
        told.add("pg_log_growth", "log bytes a mail with 10^6 stored, of 10^4", _of(small, large, "log"), "times")
        columns = ["what", small.name, large.name]
        table = [
            ["CPU s per 1,000 mails, Everpost", *(number(median(e.cpu_s for e in c.deliveries)) for c, _ in cases)],
            ["CPU s per 1,000 mails, PostgreSQL", *(number(median(c.database_s)) for c, _ in cases)],
            ["bytes of the log a mail", *(number(median(c.logged)) for c, _ in cases)],
            ["size of the database, MB", *(number(r.size_mb()) for _, r in cases)],
        ]
        told.tables.append(Table("The same work on a small and on a grown database", columns, table))


def _of(small: Case, large: Case, what: str) -> float:
    pick = {
        "cpu": lambda case: [each.cpu_s for each in case.deliveries],
        "db": lambda case: case.database_s,
        "log": lambda case: case.logged,
    }[what]
    return ratio(pick(large), pick(small))


@contextmanager
def _closing(rows: database.Database):
    try:
        yield rows
    finally:
        rows.close()
