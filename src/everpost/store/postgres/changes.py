"""How deliveries go on: each change whole or not at all, if its delivery is still as its writer has seen it."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import asyncpg
from msgspec import Struct

from everpost.model.change import Change, Usage
from everpost.model.delivery import Delivery
from everpost.postgres import Pool, Statement
from everpost.store.batches import by_caller, of_different_deliveries
from everpost.store.ledger import Key, charged
from everpost.store.packing import split
from everpost.store.port import Written
from everpost.store.postgres import parts
from everpost.store.postgres.carrying import carry
from everpost.store.postgres.rows import DELIVERY_COLUMNS, columns, to_delivery

_DELIVERIES: Final = Statement(f"""
SELECT {DELIVERY_COLUMNS} FROM delivery JOIN unnest(:message_ids::text[], :positions::int[]) AS k (message_id, position)
    USING (message_id, position)
""")
_USED: Final = Statement("""
SELECT u.account, u.unit, u.window_at, u.used
FROM unnest(:accounts::text[], :units::text[]) AS c (account, unit) JOIN usage u USING (account, unit)
""")
_WRITE: Final = Statement(f"""
WITH {parts.MOVED}, {parts.SPENT}, {parts.TOLD}
SELECT held({parts.MOVED_HOLDS} AND {parts.SPENT_HOLDS})
""")


class _Facts(Struct, frozen=True):
    stored: dict[str, Delivery]
    used: dict[Key, Usage]


async def change(pool: Pool, asked: Sequence[Sequence[Change]]) -> list[list[Written]]:
    """In order; raises what one of them has failed with, when none of the last ones is written."""
    every = [one for changes in asked for one in changes]
    results: list[Written] = []
    while len(results) < len(every):
        results += await _change_some(pool, of_different_deliveries(every[len(results) :]))
    return by_caller(results, asked)


async def _change_some(pool: Pool, changes: Sequence[Change]) -> list[Written]:
    return await carry(pool, partial(_written, changes))


async def _written(changes: Sequence[Change], link: asyncpg.Connection, *, is_doubtful: bool) -> list[Written]:
    facts = await _look(link, changes)
    used = dict(facts.used)
    results: list[Written] = []
    done: list[Change] = []
    for one in changes:
        stored = facts.stored.get(one.delivery.id)
        if is_doubtful and stored == one.delivery:  # by a try whose answer was lost
            results.append(Written.DONE)
        elif stored is None or stored.version != one.was:
            results.append(Written.FENCED)  # only the holder of the lease is told about quotas
        elif (spent := charged(used, one.charges)) is None:
            results.append(Written.OVER_QUOTA)
        else:
            used |= spent
            done.append(one)
            results.append(Written.DONE)
    if done:
        await _WRITE.rows(link, _values(done, facts.used, used))
    return results


async def _look(link: asyncpg.Connection, changes: Sequence[Change]) -> _Facts:
    keys = [key for key in (split(one.delivery.id) for one in changes) if key is not None]
    stored = map(to_delivery, await _DELIVERIES.rows(link, columns(("message_ids", "positions"), keys)))
    charged_to = sorted({(charge.account, charge.unit) for one in changes for charge in one.charges})
    rows = await _USED.rows(link, columns(("accounts", "units"), charged_to)) if charged_to else []
    used = {(account, unit): Usage(window_at, amount) for account, unit, window_at, amount in rows}
    return _Facts({delivery.id: delivery for delivery in stored}, used)


def _values(done: Sequence[Change], before: dict[Key, Usage], after: dict[Key, Usage]) -> parts.Values:
    changed = {key: usage for key, usage in after.items() if before.get(key) != usage}
    return {
        **parts.deliveries((one.delivery, one.was) for one in done),
        **parts.charges(before, changed, [charge for one in done for charge in one.charges]),
        **parts.events(event for one in done for event in one.events),
    }
