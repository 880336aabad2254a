"""Facts that belong to no change: told once, however often they come, with all that follows from them."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from everpost.model.event import Event
from everpost.postgres import Statement
from everpost.store.port import Notice
from everpost.store.postgres import parts
from everpost.store.postgres.rows import (
    EVENT_COLUMNS,
    NEWER_SUPPRESSION,
    SUPPRESSION_COLUMNS,
    Row,
    columns,
    event_row,
    stored_text,
    suppression_row,
)

# `new_facts` locks them, so that two who are told the same at once write it once. Counts ask for what may have to wait
# before the journal is locked.
_NOTE: Final = Statement(f"""
WITH fact AS MATERIALIZED (
    SELECT n FROM new_facts(:f_message_id::text[], :f_id::text[]) AS n
), papers AS (
    INSERT INTO paper (message_id, event_id, at, words)
    SELECT p.message_id, p.event_id, p.at, p.words FROM fact JOIN unnest(:p_fact::int[], :p_message_id::text[],
        :p_event_id::text[], :p_at::float8[], :p_words::bytea[]) AS p (n, message_id, event_id, at, words) USING (n)
    ON CONFLICT (message_id, event_id) DO UPDATE SET at = excluded.at, words = excluded.words
    RETURNING 1
), suppressed AS (
    INSERT INTO suppression ({SUPPRESSION_COLUMNS})
    SELECT DISTINCT ON (digest) {SUPPRESSION_COLUMNS}
    FROM fact JOIN unnest(:s_fact::int[], {parts.SUPPRESSIONS}) AS s (n, {SUPPRESSION_COLUMNS}) USING (n)
    ORDER BY digest, n DESC
    ON CONFLICT (digest) DO UPDATE SET {NEWER_SUPPRESSION}
    RETURNING 1
), fresh AS MATERIALIZED (
    SELECT e.*, row_number() OVER (ORDER BY e.place) AS after
    FROM fact JOIN unnest(:e_fact::int[], :e_message_id::text[], :e_id::text[], :e_type::text[], :e_at::float8[],
        :e_project::text[], :e_delivery_id::text[], :e_account::text[], :e_data::text[])
        WITH ORDINALITY AS e (n, {EVENT_COLUMNS}, place) USING (n)
), numbered AS (
    UPDATE journal SET seq = seq + (SELECT count(*) FROM fresh) WHERE (SELECT count(*) FROM fresh) > 0
    RETURNING seq - (SELECT count(*) FROM fresh) AS before
), told AS (
    INSERT INTO event (seq, {EVENT_COLUMNS})
    SELECT numbered.before + e.after, e.message_id, e.id, e.type, e.at, e.project, e.delivery_id, e.account,
        e.data::json
    FROM numbered, fresh AS e
)
SELECT (SELECT array_agg(n) FROM fact) AS fresh, (SELECT count(*) FROM papers) + (SELECT count(*) FROM suppressed)
""")
_PAPER: Final = Statement("SELECT words FROM paper WHERE message_id = :message_id AND event_id = :event_id")

_PAPER_NAMES: Final = ("p_fact", "p_message_id", "p_event_id", "p_at", "p_words")
_SUPPRESSION_NAMES: Final = ["s_fact", *(f"s_{name}" for name in SUPPRESSION_COLUMNS.split(", "))]
_EVENT_NAMES: Final = ["e_fact", *(f"e_{name}" for name in EVENT_COLUMNS.split(", "))]


async def note(link: asyncpg.Connection, notices: Sequence[Notice]) -> list[bool]:
    numbered = list(enumerate(notices, 1))
    suppressions = ((n, *suppression_row(one)) for n, notice in numbered for one in notice.suppressions)
    events = ((n, *event_row(each)) for n, notice in numbered for each in (notice.event, *notice.further))
    row = await _NOTE.row(
        link,
        {
            **columns(("f_message_id", "f_id"), (_key(notice.event) for notice in notices)),
            **columns(_PAPER_NAMES, ((n, *_paper_row(notice)) for n, notice in numbered if notice.paper)),
            **columns(_SUPPRESSION_NAMES, suppressions),
            **columns(_EVENT_NAMES, events),
        },
    )
    fresh = frozenset(row["fresh"] or ()) if row is not None else frozenset()
    return [n in fresh for n, _ in numbered]


async def record(link: asyncpg.Connection, events: Sequence[Event]) -> None:
    await note(link, [Notice(event=event) for event in events])


async def paper(link: asyncpg.Connection, event_id: str, message_id: str | None) -> bytes | None:
    row = await _PAPER.row(link, {"message_id": stored_text(message_id or ""), "event_id": stored_text(event_id)})
    return row["words"] if row is not None else None


def _key(event: Event) -> tuple[str, str]:
    return event.message_id or "", stored_text(event.id)


def _paper_row(notice: Notice) -> Row:
    return (*_key(notice.event), notice.event.at, notice.paper)
