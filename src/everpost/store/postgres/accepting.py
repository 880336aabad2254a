"""How messages come in: what is known of their keys, recipients and quotas is looked up, and all are stored by one
statement, if that still holds."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import asyncpg
from msgspec import Struct

from everpost.model.change import Usage
from everpost.model.message import size_bytes, stored_names
from everpost.model.suppression import barring
from everpost.postgres import Conflict, Pool, Statement
from everpost.store.ledger import Key, charged
from everpost.store.packing import message_content, message_head
from everpost.store.port import Accepted, AcceptOverrun, New, StoreUnavailable, Unbegun
from everpost.store.postgres import parts
from everpost.store.postgres.carrying import carry
from everpost.store.postgres.lane import Failed, Spoilt
from everpost.store.postgres.rows import DELIVERY_COLUMNS, addresses, columns, original_text, stored_text, tags
from everpost.store.submission import Submission
from everpost.store.undo import undone
from everpost.store.uses import KeyUse, known

_LOOK: Final = Statement("""
SELECT
    (SELECT array_agg(ROW(i.scope, i.key, i.fingerprint, i.message_id, i.running_until, i.answer, i.created_at))
        FROM unnest(:scopes::text[], :keys::text[]) AS k (scope, key) JOIN idempotency i USING (scope, key)) AS uses,
    (SELECT array_agg(r.n) FROM unnest(:r_n::int[], :r_digest::bytea[]) AS r (n, digest)
        JOIN suppression s USING (digest)) AS stopped,
    (SELECT array_agg(ROW(u.account, u.unit, u.window_at, u.used))
        FROM unnest(:accounts::text[], :units::text[]) AS c (account, unit) JOIN usage u USING (account, unit)) AS used,
    (SELECT array_agg(m.id) FROM message m WHERE m.id = ANY(:ids::text[])) AS stored
""")
_STORE: Final = Statement(f"""
WITH key AS (
    INSERT INTO idempotency AS i (scope, key, fingerprint, message_id, running_until, created_at)
    SELECT * FROM unnest(:k_scope::text[], :k_key::text[], :k_fingerprint::bytea[], :k_message_id::text[],
        :k_running_until::float8[], :k_created_at::float8[])
    ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, message_id = excluded.message_id,
        running_until = excluded.running_until, created_at = excluded.created_at, answer = NULL, is_told = false
        WHERE i.message_id = ANY(:given_up::text[])
    RETURNING 1
), head AS (
    INSERT INTO message (id, project, created_at, head)
    SELECT * FROM unnest(:m_id::text[], :m_project::text[], :m_created_at::float8[], :m_head::bytea[])
    RETURNING 1
), content AS (
    INSERT INTO body (message_id, content) SELECT * FROM unnest(:m_id::text[], :m_content::bytea[])
    RETURNING 1
), placed AS (
    INSERT INTO delivery ({DELIVERY_COLUMNS})
    SELECT * FROM unnest(:d_message_id::text[], :d_position::int[], :d_project::text[], :d_state::text[],
        :d_due_at::float8[], :d_version::int8[], :d_account::text[], :d_progress::bytea[])
    RETURNING 1
), found_by AS (
    INSERT INTO recipient (project, address, message_id)
    SELECT * FROM unnest(:r_project::text[], :r_address::text[], :r_message_id::text[])
    RETURNING 1
), tagged AS (
    INSERT INTO tag (project, tag, message_id)
    SELECT * FROM unnest(:t_project::text[], :t_tag::text[], :t_message_id::text[])
    RETURNING 1
), attached AS (
    INSERT INTO attachment (message_id, name) SELECT * FROM unnest(:a_message_id::text[], :a_name::text[])
    RETURNING 1
), {parts.SPENT}, {parts.TOLD}
SELECT held(
    {parts.SPENT_HOLDS}
    AND NOT EXISTS (SELECT 1 FROM suppression WHERE digest = ANY(:begun_digests::bytea[]))
    AND (SELECT count(*) FROM key) = cardinality(:k_key::text[])
    AND (SELECT count(*) FROM head) + (SELECT count(*) FROM content)
        + (SELECT count(*) FROM placed) + (SELECT count(*) FROM found_by) + (SELECT count(*) FROM tagged)
        + (SELECT count(*) FROM attached) >= 0
)""")  # the counts ask for the other rows before the journal is locked
_UNDO: Final = Statement(f"""
WITH freed AS (
    DELETE FROM idempotency WHERE scope = :scope AND key = :key AND message_id = :message_id AND NOT is_told
    RETURNING 1
), {parts.MOVED}, {parts.TOLD}
SELECT held({parts.MOVED_HOLDS} AND (:scope::text IS NULL OR EXISTS (SELECT 1 FROM freed)))
""")
_MESSAGE_TAKEN: Final = "message_pkey"
_KEY: Final = ("k_scope", "k_key", "k_fingerprint", "k_message_id", "k_running_until", "k_created_at")
_MESSAGE: Final = ("m_id", "m_project", "m_created_at", "m_head", "m_content")


class Asked(Struct, frozen=True):
    submission: Submission
    not_after: float  # wall-clock time


class _Facts(Struct, frozen=True):
    uses: dict[tuple[str, str], KeyUse]  # by scope and key
    stopped: frozenset[int]  # places of submissions that come with an attempt and may have a suppressed recipient
    used: dict[Key, Usage]
    stored: frozenset[str]  # ids of messages that are there


_NOTHING: Final = _Facts({}, frozenset(), {}, frozenset())


def size_of(asked: Asked) -> int:
    return size_bytes(asked.submission.message)


class Accepting:
    def __init__(self, pool: Pool, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._clock = clock

    async def run(self, batch: Sequence[Asked]) -> list[Accepted | Failed]:
        """What is told to be New is on disk, and was so in time. Raises what one of them has failed with, when none
        is."""
        now = self._clock()
        results: list[Accepted | Failed] = [
            Failed(AcceptOverrun("the store was too slow: nothing was begun")) if now > asked.not_after else New()
            for asked in batch
        ]
        in_time = [place for place, result in enumerate(results) if isinstance(result, New)]
        submissions = [batch[place].submission for place in in_time]
        told = await carry(self._pool, partial(_accept, submissions)) if submissions else []
        for place, accepted in zip(in_time, told, strict=True):
            results[place] = accepted
        await self._undo_late(batch, results)
        return results

    async def _undo_late(self, batch: Sequence[Asked], results: list[Accepted | Failed]) -> None:
        """What became durable only after its deadline is taken back before its caller is told anything."""
        now = self._clock()
        for place, (asked, result) in enumerate(zip(batch, results, strict=True)):
            if now > asked.not_after and isinstance(result, New):
                results[place] = await self._undone(asked.submission, now)

    async def _undone(self, submission: Submission, now: float) -> Accepted | Failed:
        try:
            await self._pool.run(partial(_undo, submission, now))
        except Conflict:
            return New()  # somebody was told of it, or has taken up a delivery: it may be on its way
        except Exception as error:  # noqa: BLE001 - whatever it is, its caller must not believe that it was accepted
            return Failed(StoreUnavailable(f"stored too late, and not undone: {error}"))
        return Failed(AcceptOverrun("the store was too slow: the message was undone"))


async def _accept(submissions: Sequence[Submission], link: asyncpg.Connection, *, is_doubtful: bool) -> list[Accepted]:
    facts = await _look(link, submissions, is_doubtful=is_doubtful)
    used, uses = dict(facts.used), dict(facts.uses)
    fresh: list[Submission] = []
    results: list[Accepted] = []
    given_up: list[str] = []  # ids of messages whose keys others get
    for place, submission in enumerate(submissions):
        claim, message_id = submission.claim, submission.message.id
        use = uses.get((claim.scope, claim.key)) if claim is not None else None
        before = known(claim, use)
        if message_id in facts.stored:  # by a try whose answer was lost
            results.append(New())
        elif before is not None:
            results.append(before)
        elif place in facts.stopped or (spent := charged(used, submission.charges)) is None:
            results.append(Unbegun())
        else:
            if claim is not None:
                given_up += [use.message_id] if use is not None else []
                uses[claim.scope, claim.key] = KeyUse.of(claim, message_id)
            used |= spent
            fresh.append(submission)
            results.append(New())
    if fresh:
        await _store(link, fresh, given_up, facts.used, used, is_doubtful=is_doubtful)
    return results


async def _look(link: asyncpg.Connection, submissions: Sequence[Submission], *, is_doubtful: bool) -> _Facts:
    claims = [one.claim for one in submissions if one.claim is not None]
    charges = [charge for one in submissions for charge in one.charges]
    begun = [
        (place, digest) for place, one in enumerate(submissions) if one.is_begun for digest in barring(one.message)
    ]
    if not (claims or charges or begun or is_doubtful):
        return _NOTHING
    row = await _LOOK.row(
        link,
        columns(("scopes", "keys"), ((stored_text(claim.scope), stored_text(claim.key)) for claim in claims))
        | columns(("r_n", "r_digest"), begun)
        | columns(("accounts", "units"), sorted({(charge.account, charge.unit) for charge in charges}))
        | {"ids": [one.message.id for one in submissions] if is_doubtful else []},
    )
    assert row is not None  # noqa: S101  a SELECT without FROM
    return _Facts(
        uses={(original_text(scope), original_text(key)): KeyUse(*use) for scope, key, *use in row["uses"] or ()},
        stopped=frozenset(row["stopped"] or ()),
        used={(account, unit): Usage(window_at, used) for account, unit, window_at, used in row["used"] or ()},
        stored=frozenset(row["stored"] or ()),
    )


async def _store(
    link: asyncpg.Connection,
    fresh: Sequence[Submission],
    given_up: Sequence[str],
    before: Mapping[Key, Usage],
    after: Mapping[Key, Usage],
    *,
    is_doubtful: bool,
) -> None:
    charges = [charge for one in fresh for charge in one.charges]
    changed = {key: usage for key, usage in after.items() if before.get(key) != usage}
    values = {**_values(fresh), "given_up": given_up, **parts.charges(before, changed, charges)}
    try:
        await _STORE.rows(link, values)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == _MESSAGE_TAKEN and not is_doubtful:
            # The clock and 80 bits of chance make ids.
            raise Spoilt(f"a message id is taken, a new one is needed: {error}") from error
        raise


def _values(fresh: Sequence[Submission]) -> dict[str, Any]:
    messages = [one.message for one in fresh]
    keys = (
        (stored_text(claim.scope), stored_text(claim.key), claim.fingerprint, of.id, claim.running_until, of.created_at)
        for of, claim in ((one.message, one.claim) for one in fresh)
        if claim is not None
    )
    heads = ((of.id, of.project, of.created_at, message_head(of), message_content(of)) for of in messages)
    found_by = ((of.project, address, of.id) for of in messages for address in addresses(of))
    tagged = ((of.project, tag, of.id) for of in messages for tag in tags(of))
    attached = ((of.id, name) for of in messages for name in stored_names(of))
    return {
        **columns(_KEY, keys),
        **columns(_MESSAGE, heads),
        **columns(("r_project", "r_address", "r_message_id"), found_by),
        **columns(("t_project", "t_tag", "t_message_id"), tagged),
        **columns(("a_message_id", "a_name"), attached),
        "begun_digests": [digest for one in fresh if one.is_begun for digest in barring(one.message)],
        **parts.new_deliveries(delivery for one in fresh for delivery in one.deliveries),
        **parts.events(event for one in fresh for event in one.events),
    }


async def _undo(submission: Submission, now: float, link: asyncpg.Connection) -> None:
    """Cancels a message and frees its key. Raises Conflict, having changed nothing, if somebody was told of it or has
    taken up a delivery."""
    pairs = [(undone(delivery, now), delivery.version) for delivery in submission.deliveries]
    claim = submission.claim
    await _UNDO.rows(
        link,
        {
            "scope": stored_text(claim.scope) if claim is not None else None,
            "key": stored_text(claim.key) if claim is not None else None,
            "message_id": submission.message.id,
            **parts.deliveries((cancelled, was) for (cancelled, _), was in pairs),
            **parts.events(event for (_, event), _ in pairs),
        },
    )
