"""Lists read what they show, not the history."""

import pytest

from everpost.model.delivery import DeliveryState
from everpost.store.port import Filter
from sqlite_stores import opened
from store_values import NOW, message


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"state": DeliveryState.FAILED},
        {"state": DeliveryState.FAILED, "account": "one"},
        {"state": DeliveryState.SENT},
        {"recipient": "bob@example.org"},
        {"recipient": "bob@example.org", "tag": "a", "state": DeliveryState.SENT},
        {"tag": "a"},
        {"account": "one"},
        {"created_from": NOW, "created_before": NOW + 1},
    ],
)
async def test_a_list_is_walked_along_an_index_and_never_sorted(path, conditions):
    async with opened(path, inline=True) as store:
        seen = []
        connection = store._writer.connection
        connection.set_exec_trace(lambda _cursor, sql, bindings: seen.append((sql, bindings)) or True)
        await store.list_messages(Filter(project="shop", **conditions), message(9).id, 10)
        connection.set_exec_trace(None)
        sql, bindings = next(one for one in seen if "DISTINCT" in one[0])
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)]
        assert plan
        assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan
