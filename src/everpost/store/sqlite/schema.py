"""The tables, as numbered steps that only go forward. A released step is never edited: a change is a new step."""

from typing import Any, Final

import apsw

from everpost.model.removal import address_digest
from everpost.store.port import StoreUnavailable

_TABLES: Final = """
-- Bodies lie apart from what is read and written at each step of a delivery. The content comes last in its row, so that
-- lists, which need the head alone, never touch the pages of large attachments.
CREATE TABLE message (
    n INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    id TEXT NOT NULL,           -- time-ordered: new rows land at the right edge of the index
    created_at REAL NOT NULL,
    head BLOB NOT NULL,         -- model.Message without its content, in MessagePack
    content BLOB NOT NULL,      -- text, html and attachments, in MessagePack
    UNIQUE (project, id)
);

-- The queue. Thin rows without a rowid: the key is all that their indices repeat.
CREATE TABLE delivery (
    message_id TEXT NOT NULL,
    position INTEGER NOT NULL,  -- the delivery's id is `message_id.position`
    project TEXT NOT NULL,
    created_at REAL NOT NULL,
    state TEXT NOT NULL,
    due_at REAL,
    version INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    account TEXT,
    started_at REAL,
    deadline_at REAL,
    asks INTEGER NOT NULL,
    tried BLOB,                 -- JSON list of accounts; NULL: none
    refused BLOB,               -- as `tried`
    left_out BLOB,              -- JSON list of places of recipients; NULL: none
    reason TEXT NOT NULL,
    provider_message_id TEXT,
    expires_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (message_id, position)
) WITHOUT ROWID;

-- Only what is due some time: its size is that of the work in hand, not of the history.
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;

-- What people look for is what went wrong. Sent deliveries, which are nearly all, do not pay for it.
CREATE INDEX delivery_rare ON delivery (project, state, message_id)
    WHERE state IN ('failed', 'held', 'uncertain', 'cancelled');

-- AUTOINCREMENT, since a number that was purged must not come again below a reader's cursor.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,   -- '': of no message
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    at REAL NOT NULL,
    project TEXT NOT NULL,
    delivery_id TEXT,
    account TEXT,
    data BLOB,                  -- JSON object; NULL: empty
    UNIQUE (message_id, id)     -- serves both "of this message" and "is this fact known?"
);

CREATE TABLE idempotency (
    n INTEGER PRIMARY KEY,      -- oldest first, for the purge
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    message_id TEXT NOT NULL,
    running_until REAL,
    answer BLOB,
    created_at REAL NOT NULL,
    UNIQUE (scope, key)
);

CREATE TABLE recipient (
    project TEXT NOT NULL,
    address TEXT NOT NULL,      -- lower case
    message_id TEXT NOT NULL,
    PRIMARY KEY (project, address, message_id)
) WITHOUT ROWID;

CREATE TABLE tag (
    project TEXT NOT NULL,
    tag TEXT NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (project, tag, message_id)
) WITHOUT ROWID;

CREATE TABLE usage (
    account TEXT NOT NULL,
    unit TEXT NOT NULL,
    window_at REAL NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (account, unit)
) WITHOUT ROWID;

CREATE TABLE config (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE suppression (
    project TEXT NOT NULL,
    address TEXT NOT NULL,      -- lower case
    reason TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (project, address)
) WITHOUT ROWID;

-- Deliveries by state. Triggers keep it, so that it holds whoever writes; the row '' counts all deliveries.
CREATE TABLE tally (
    state TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO tally VALUES
    ('', 0), ('queued', 0), ('sending', 0), ('uncertain', 0), ('sent', 0), ('failed', 0), ('cancelled', 0), ('held', 0);
CREATE TRIGGER delivery_stored AFTER INSERT ON delivery BEGIN
    UPDATE tally SET n = n + 1 WHERE state = '';
    UPDATE tally SET n = n + 1 WHERE state = new.state;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON delivery WHEN old.state <> new.state BEGIN
    UPDATE tally SET n = n - 1 WHERE state = old.state;
    UPDATE tally SET n = n + 1 WHERE state = new.state;
END;
CREATE TRIGGER delivery_purged AFTER DELETE ON delivery BEGIN
    UPDATE tally SET n = n - 1 WHERE state = '';
    UPDATE tally SET n = n - 1 WHERE state = old.state;
END;
"""

_PAPERS: Final = """
-- What came from outside with an event, as it came. Last in its row: who reads the trail never touches it.
ALTER TABLE event ADD COLUMN paper BLOB;
-- Few belong to no message, and these are deleted by their time.
CREATE INDEX event_other_paper ON event (at) WHERE message_id = '' AND paper IS NOT NULL;
"""

_KEEPING: Final = """
-- Whom not to write to is known by a digest, so that it still holds when the address is erased.
ALTER TABLE suppression RENAME TO suppression_before;
CREATE TABLE suppression (
    digest BLOB PRIMARY KEY,    -- model.removal.address_digest
    project TEXT NOT NULL,
    address TEXT NOT NULL,      -- lower case; '': erased
    reason TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
INSERT INTO suppression SELECT address_digest(project, address), project, address, reason, created_at
    FROM suppression_before;
DROP TABLE suppression_before;

-- Which attachments outside the store are needed, and by which messages.
CREATE TABLE attachment (
    message_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (message_id, name)
) WITHOUT ROWID;
CREATE INDEX attachment_name ON attachment (name);

-- Answers repeat addresses, so they are found by their message. Few keys have one: those of callers who wait.
CREATE INDEX idempotency_answered ON idempotency (message_id) WHERE answer IS NOT NULL;

-- How far the look for parts of messages that are past their time has come: a walk by number, so that sending pays
-- nothing for it. Messages that it passed before they were final are looked at again.
CREATE TABLE purged (
    part TEXT PRIMARY KEY,      -- bodies, addresses or events
    n INTEGER NOT NULL          -- of the last message that was looked at
) WITHOUT ROWID;
CREATE TABLE passed (
    n INTEGER NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (n, part)
) WITHOUT ROWID;
"""

_LISTED: Final = """
-- Those whose address is kept, as people look through them.
CREATE INDEX suppression_listed ON suppression (project, address) WHERE address <> '';
"""

_TOLD: Final = """
-- Whether a repeated request was told of the message of this key: from then on it is not undone.
ALTER TABLE idempotency ADD COLUMN is_told INTEGER NOT NULL DEFAULT 0;
"""

_STREAMS: Final = """
-- What a suppression stops, how it is known, and until when it holds. An address has one for all mail and for each
-- stream: the digest tells them apart.
ALTER TABLE suppression ADD COLUMN stream TEXT NOT NULL DEFAULT '';     -- '': all mail
ALTER TABLE suppression ADD COLUMN source TEXT NOT NULL DEFAULT '';     -- '': its reason tells
ALTER TABLE suppression ADD COLUMN expires_at REAL;                     -- NULL: never
DROP INDEX suppression_listed;
CREATE INDEX suppression_listed ON suppression (project, address, stream) WHERE address <> '';
CREATE INDEX suppression_ending ON suppression (expires_at) WHERE expires_at IS NOT NULL;
"""

MIGRATIONS: Final = (_TABLES, _KEEPING, _PAPERS, _LISTED, _TOLD, _STREAMS)
"""Step k brings a database of version k to version k + 1."""


def migrate(connection: apsw.Connection) -> None:
    """Brings the database to the newest version; refuses one that a newer Everpost has made."""
    if _checked_version(connection) == len(MIGRATIONS):
        return
    connection.create_scalar_function("address_digest", _digest, 2, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")  # one process migrates, the others find it done
    try:
        for version in range(_checked_version(connection), len(MIGRATIONS)):
            connection.execute(MIGRATIONS[version])
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _digest(*texts: Any) -> bytes:
    return address_digest(*texts)


def _checked_version(connection: apsw.Connection) -> int:
    version = int(connection.pragma("user_version"))
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database is of schema version {version}, made by a newer Everpost; this one knows versions up to "
            f"{len(MIGRATIONS)}: start that newer Everpost, or give this one another data directory"
        )
    return version
