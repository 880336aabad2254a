"""What a database must be like to hold mail."""

from collections.abc import Callable, Sequence
from typing import Final

import asyncpg
from msgspec import Struct

from everpost.model.limits import POSTGRES_CONNECTIONS_MAX
from everpost.postgres import Fault, Server
from everpost.postgres.faults import told
from everpost.store.port import StoreUnavailable
from everpost.store.postgres import schema

VERSION_MIN: Final = 140_000  # as `server_version_num` tells it: 14


class Sight(Struct, frozen=True):
    """Something that was looked at."""

    message: str
    hint: str = ""  # how to mend it
    is_sound: bool = False


class _Facts(Struct, frozen=True):
    version: int
    version_text: str
    fsync: str
    full_page_writes: str
    encoding: str
    may_create: bool
    is_made: bool
    connections: int


class _Rule(Struct, frozen=True):
    holds: Callable[[_Facts], bool]
    fault: str
    hint: str


_RULES: Final = (
    _Rule(lambda facts: facts.version >= VERSION_MIN, "PostgreSQL is older than 14", "upgrade the server"),
    _Rule(
        lambda facts: facts.fsync == "on",
        "fsync is off: a power cut loses acknowledged mail, and may damage the database",
        "set fsync = on in postgresql.conf",
    ),
    _Rule(
        lambda facts: facts.full_page_writes == "on",
        "full_page_writes is off: a power cut may damage the database",
        "set full_page_writes = on in postgresql.conf, unless the file system never tears a page",
    ),
    _Rule(
        lambda facts: facts.encoding == "UTF8",
        "the database's encoding is not UTF8",
        "CREATE DATABASE everpost ENCODING 'UTF8' TEMPLATE template0",
    ),
    _Rule(
        lambda facts: facts.may_create or facts.is_made,
        "the database is empty, and the role may not create tables",
        "let the role own the database, or run `everpost migrate` as another one",
    ),
    _Rule(
        lambda facts: facts.connections > POSTGRES_CONNECTIONS_MAX,
        f"the server allows fewer connections than one process may use ({POSTGRES_CONNECTIONS_MAX})",
        "raise max_connections",
    ),
)

_FACTS: Final = """
SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('server_encoding') AS encoding, has_schema_privilege(current_schema(), 'CREATE') AS may_create,
    to_regclass('migration') IS NOT NULL AS is_made, current_setting('max_connections')::int AS connections
"""


async def inspect(server: Server) -> Sequence[Sight]:
    """The way there, the server, and the schema. synchronous_commit is none of its business: each session sets it."""
    try:
        link = await server.connect()
    except Fault as fault:
        return [Sight(str(fault), "is the address right, the server up, and is the role let in (pg_hba.conf)?")]
    try:
        with told():
            return await _sights(link, server)
    except Fault as fault:
        return [Sight(str(fault))]
    finally:
        await link.close()


async def _sights(link: asyncpg.Connection, server: Server) -> Sequence[Sight]:
    row = await link.fetchrow(_FACTS)
    facts = _Facts(**dict(row))
    faults = [Sight(rule.fault, rule.hint) for rule in _RULES if not rule.holds(facts)]
    reached = Sight(f"PostgreSQL {facts.version_text} answers at {server.address}", is_sound=True)
    return [reached, *faults, _of_schema(await schema.version_of(link))]


def _of_schema(version: int) -> Sight:
    if version == 0:
        return Sight("the database is empty: the tables are made at the first start", is_sound=True)
    try:
        schema.check(version)
    except StoreUnavailable as error:
        return Sight(str(error))
    return Sight(f"the schema is of version {version}", is_sound=True)
