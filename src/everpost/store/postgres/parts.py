"""What statements that write are put together from.

Each write is one statement, and so one transaction that the server ends by itself: no client that freezes, or whose
network does, ever leaves a lock behind. What the write rests on is checked by `held` as its last part is asked for;
where that fails, the whole statement has never been.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from everpost.model.change import Charge, Usage
from everpost.model.delivery import Delivery
from everpost.model.event import Event
from everpost.store.ledger import Key
from everpost.store.postgres.rows import DELIVERY_COLUMNS, EVENT_COLUMNS, columns, delivery_row, event_row

Values = Mapping[str, Any]

# Changes deliveries that are still as their writer has seen them.
MOVED: Final = """
moved AS (
    UPDATE delivery d
    SET state = w.state, due_at = w.due_at, version = w.version, account = w.account, progress = w.progress
    FROM unnest(:d_message_id::text[], :d_position::int[], :d_state::text[], :d_due_at::float8[], :d_version::int8[],
        :d_account::text[], :d_progress::bytea[], :d_was::int8[])
        AS w (message_id, position, state, due_at, version, account, progress, was)
    WHERE d.message_id = w.message_id AND d.position = w.position AND d.version = w.was
    RETURNING d.message_id
)"""
MOVED_HOLDS: Final = "(SELECT count(*) FROM moved) = cardinality(:d_was::int8[])"

# Charges accounts, whatever others have charged them with meanwhile.
SPENT: Final = """
charge AS (
    SELECT * FROM unnest(:u_account::text[], :u_unit::text[], :u_window_at::float8[], :u_amount::int8[],
        :u_amount_max::int8[]) AS c (account, unit, window_at, amount, amount_max)
), spent AS (
    INSERT INTO usage AS u (account, unit, window_at, used) SELECT account, unit, window_at, amount FROM charge
    ON CONFLICT (account, unit) DO UPDATE SET
        window_at = greatest(u.window_at, excluded.window_at),
        used = CASE WHEN u.window_at < excluded.window_at THEN excluded.used ELSE u.used + excluded.used END
    RETURNING account, unit, used
)"""
SPENT_HOLDS: Final = (
    "NOT EXISTS (SELECT 1 FROM spent JOIN charge c USING (account, unit) WHERE spent.used > c.amount_max)"
)

EVENTS: Final = f"""unnest(:e_message_id::text[], :e_id::text[], :e_type::text[], :e_at::float8[], :e_project::text[],
        :e_delivery_id::text[], :e_account::text[], :e_data::text[])
        WITH ORDINALITY AS e ({EVENT_COLUMNS}, n)"""

# What `unnest` makes rows of suppressions from.
SUPPRESSIONS: Final = """:s_digest::bytea[], :s_project::text[], :s_address::text[], :s_stream::text[],
        :s_source::text[], :s_reason::text[], :s_created_at::float8[], :s_expires_at::float8[]"""

# Numbers events and adds them. The row of `journal` is locked from here to the commit, so this comes last.
TOLD: Final = f"""
numbered AS (
    UPDATE journal SET seq = seq + cardinality(:e_id::text[]) WHERE cardinality(:e_id::text[]) > 0
    RETURNING seq - cardinality(:e_id::text[]) AS before
), told AS (
    INSERT INTO event (seq, {EVENT_COLUMNS})
    SELECT numbered.before + e.n, e.message_id, e.id, e.type, e.at, e.project, e.delivery_id, e.account, e.data::json
    FROM numbered, {EVENTS}
)"""

_DELIVERY: Final = [f"d_{name}" for name in DELIVERY_COLUMNS.split(", ")]
_EVENT: Final = [f"e_{name}" for name in EVENT_COLUMNS.split(", ")]
_USAGE: Final = ("u_account", "u_unit", "u_window_at", "u_amount", "u_amount_max")


def deliveries(changed: Iterable[tuple[Delivery, int]]) -> Values:
    """For MOVED: the deliveries, each with the version that it has been seen in."""
    return columns([*_DELIVERY, "d_was"], ((*delivery_row(delivery), was) for delivery, was in changed))


def new_deliveries(fresh: Iterable[Delivery]) -> Values:
    return columns(_DELIVERY, map(delivery_row, fresh))


def events(told: Iterable[Event]) -> Values:
    """For TOLD."""
    return columns(_EVENT, map(event_row, told))


def charges(before: Mapping[Key, Usage], after: Mapping[Key, Usage], asked: Sequence[Charge]) -> Values:
    """For SPENT: what leads from one to the other, in an order that is the same for all, so that two who charge never
    wait for each other."""
    most: dict[Key, int] = {}
    for charge in asked:
        key = (charge.account, charge.unit)
        most[key] = max(most.get(key, 0), charge.amount_max)
    rows = []
    for key, usage in sorted(after.items()):
        seen = before.get(key)
        is_same_window = seen is not None and seen.window_at == usage.window_at
        amount = usage.used - seen.used if seen is not None and is_same_window else usage.used
        rows.append((*key, usage.window_at, amount, most[key]))
    return columns(_USAGE, rows)
