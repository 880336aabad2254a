"""Figures over time, as the API gives them."""

import pytest

from everpost.engine.series import Recorder
from everpost.model.series import Range
from http_kit import NATIVE

BUCKETS = {"15m": (60, 15), "1h": (60, 60), "6h": (300, 72), "24h": (900, 96), "7d": (7200, 84), "30d": (21_600, 120)}


@pytest.mark.parametrize("range_", [each.value for each in Range])
async def test_every_range_has_a_value_for_each_of_its_buckets(call, engine, range_):
    await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    await Recorder(engine.ports).catch_up()
    told = (await call("GET", f"/v1/series?range={range_}")).json
    bucket_s, count = BUCKETS[range_]
    assert (told["range"], told["bucket_s"], len(told["starts"])) == (range_, bucket_s, count)
    assert sum(told["totals"]["accepted"]) == sum(told["totals"]["sent"]) == 1
    [account] = told["accounts"]
    assert account["account"] == "first"
    columns = [column for column in account.values() if isinstance(column, list)]
    assert {len(column) for column in [*columns, *account["failures"].values(), *told["totals"].values()]} == {count}
    assert sum(account["sent"]) == account["whole"]["success_share"] == 1
    assert account["whole"]["p50_ms"] <= account["whole"]["p99_ms"]


async def test_the_last_hour_is_what_is_told_unless_something_else_is_asked_for(call):
    told = (await call("GET", "/v1/series")).json
    assert (told["range"], told["accounts"], set(told["queue_age_s"])) == ("1h", [], {None})


async def test_a_range_that_is_not_kept_is_refused_with_those_that_are(call):
    answer = await call("GET", "/v1/series?range=2h")
    assert (answer.status, answer.json["code"]) == (400, "bad_parameter")
    assert answer.json["errors"] == [{"field": "range", "message": "must be one of: 15m, 1h, 6h, 24h, 7d, 30d"}]
