"""How messages come in. Every function runs inside a transaction that its caller opens and commits."""

from collections.abc import Sequence
from typing import Final

import apsw

from everpost.model.change import Usage
from everpost.model.message import stored_names
from everpost.model.suppression import barring
from everpost.store.ledger import Key, charged
from everpost.store.packing import message_content, message_head
from everpost.store.port import Accepted, New, StoreUnavailable, Unbegun
from everpost.store.sqlite import bulk
from everpost.store.sqlite.reads import read_deliveries
from everpost.store.sqlite.rows import DELIVERY_COLUMNS, addresses, delivery_row
from everpost.store.sqlite.writes import append, read_usage, save_usage, update
from everpost.store.submission import Submission
from everpost.store.undo import undone
from everpost.store.uses import COLUMNS, KeyUse, known

_KNOWN_KEYS: Final = (
    f"SELECT i.scope, i.key, {COLUMNS}"
    " FROM ({rows}) v CROSS JOIN idempotency i ON i.scope = v.column1 AND i.key = v.column2"
)
_SUPPRESSED: Final = "SELECT v.column1 FROM ({rows}) v CROSS JOIN suppression s ON s.digest = v.column2"
_FREE_KEY: Final = "DELETE FROM idempotency WHERE (scope, key) IN ({rows})"
_INSERT_KEY: Final = "INSERT INTO idempotency (scope, key, fingerprint, message_id, running_until, created_at) {rows}"
_INSERT_MESSAGE: Final = "INSERT INTO message (project, id, created_at, head, content) {rows}"
_INSERT_DELIVERY: Final = f"INSERT INTO delivery ({DELIVERY_COLUMNS}) {{rows}}"
_INSERT_RECIPIENT: Final = "INSERT INTO recipient (project, address, message_id) {rows}"
_INSERT_TAG: Final = "INSERT INTO tag (project, tag, message_id) {rows}"
_INSERT_ATTACHMENT: Final = "INSERT INTO attachment (message_id, name) {rows}"

_Key = tuple[str, str]  # scope and key


def accept(connection: apsw.Connection, submissions: Sequence[Submission]) -> list[Accepted]:
    uses = _uses(connection, submissions)
    stopped = _stopped(connection, submissions)
    used = read_usage(connection, (charge for one in submissions for charge in one.charges))
    spent: dict[Key, Usage] = {}
    results: list[Accepted] = []
    fresh: list[Submission] = []
    given_up: list[_Key] = []
    for index, submission in enumerate(submissions):
        claim = submission.claim
        use = None if claim is None else uses.get((claim.scope, claim.key))
        before = known(claim, use)
        if before is not None:
            results.append(before)
            continue
        after = charged(used, submission.charges)
        if after is None or index in stopped:
            results.append(Unbegun())
            continue
        if claim is not None:
            given_up += [(claim.scope, claim.key)] if use is not None else []
            uses[claim.scope, claim.key] = KeyUse.of(claim, submission.message.id)
        used |= after
        spent |= after
        fresh.append(submission)
        results.append(New())
    try:
        bulk.execute(connection, _FREE_KEY, given_up)
        _store(connection, fresh)
        save_usage(connection, spent)
    except apsw.ConstraintError as error:
        # The clock and 80 bits of chance make ids; in a batch, each message is then tried by itself.
        raise StoreUnavailable(f"a message id is taken, a new one is needed: {error}") from error
    return results


def _uses(connection: apsw.Connection, submissions: Sequence[Submission]) -> dict[_Key, KeyUse]:
    keys = [(claim.scope, claim.key) for claim in (one.claim for one in submissions) if claim is not None]
    return {(scope, key): KeyUse(*use) for scope, key, *use in bulk.execute(connection, _KNOWN_KEYS, keys)}


def _stopped(connection: apsw.Connection, submissions: Sequence[Submission]) -> set[int]:
    """Where in `submissions` are those that come with an attempt and may have a suppressed recipient."""
    rows = [(index, digest) for index, one in enumerate(submissions) if one.is_begun for digest in barring(one.message)]
    return {row[0] for row in bulk.execute(connection, _SUPPRESSED, rows)}


def _store(connection: apsw.Connection, fresh: Sequence[Submission]) -> None:
    keys = [
        (claim.scope, claim.key, claim.fingerprint, message.id, claim.running_until, message.created_at)
        for message, claim in ((one.message, one.claim) for one in fresh)
        if claim is not None
    ]
    messages = [one.message for one in fresh]
    bodies = [
        (message.project, message.id, message.created_at, message_head(message), message_content(message))
        for message in messages
    ]
    deliveries = [delivery_row(delivery) for one in fresh for delivery in one.deliveries]
    recipients = [(message.project, address, message.id) for message in messages for address in addresses(message)]
    tags = [(message.project, tag, message.id) for message in messages for tag in set(message.tags)]
    attachments = [(message.id, name) for message in messages for name in stored_names(message)]
    bulk.execute(connection, _INSERT_KEY, keys)
    bulk.execute(connection, _INSERT_MESSAGE, bodies)
    bulk.execute(connection, _INSERT_DELIVERY, deliveries)
    bulk.execute(connection, _INSERT_RECIPIENT, recipients)
    bulk.execute(connection, _INSERT_TAG, tags)
    bulk.execute(connection, _INSERT_ATTACHMENT, attachments)
    append(connection, [event for one in fresh for event in one.events])


def undo(connection: apsw.Connection, submission: Submission, now: float) -> bool:
    """Cancels a message and frees its key; False, having changed nothing, if somebody was told of it or has taken up a
    delivery: it may be on its way."""
    message_id, claim = submission.message.id, submission.claim
    if read_deliveries(connection, message_id) != tuple(submission.deliveries):
        return False
    if claim is not None:
        connection.execute(
            "DELETE FROM idempotency WHERE scope = ? AND key = ? AND message_id = ? AND NOT is_told",
            (claim.scope, claim.key, message_id),
        )
        if not connection.changes():
            return False
    for delivery in submission.deliveries:
        cancelled, event = undone(delivery, now)
        update(connection, [cancelled])
        append(connection, [event])
    return True


def vouch(connection: apsw.Connection, scope: str, key: str, message_id: str) -> bool:
    connection.execute(
        "UPDATE idempotency SET is_told = 1 WHERE scope = ? AND key = ? AND message_id = ?", (scope, key, message_id)
    )
    return connection.changes() > 0


def answer(connection: apsw.Connection, scope: str, key: str, answer: bytes) -> None:
    connection.execute("UPDATE idempotency SET answer = ? WHERE scope = ? AND key = ?", (answer, scope, key))
