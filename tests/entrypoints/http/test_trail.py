"""The audit trail over the API: narrowed, and as a file."""

import csv
import io
import json

import pytest

from http_kit import NATIVE


@pytest.fixture
async def told(call):
    for _ in range(3):
        await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    await call("PUT", "/v1/suppressions/eve@example.net", {"reason": "=asked"})
    return (await call("GET", "/v1/events?limit=1000")).json["data"]


def kind(event):
    return event["type"].removeprefix("dev.everpost.")


async def test_events_are_narrowed_by_type_account_and_time(call, told):
    sent = await call("GET", "/v1/events?type=email.sent")
    assert [kind(event) for event in sent.json["data"]] == ["email.sent"] * 3
    first = (await call("GET", "/v1/events?account=first&limit=1000")).json["data"]
    assert first == [event for event in told if event["data"].get("account") == "first"] != []
    none = await call("GET", "/v1/events?account=second")
    assert (none.json["data"], none.json["next_cursor"]) == ([], told[-1]["sequence"])
    since = told[-1]["time"]
    assert (await call("GET", f"/v1/events?since={since}&type=suppression.added")).json["data"] == [told[-1]]
    assert (await call("GET", "/v1/events?until=2020-01-31T09:00:00Z")).json["data"] == []


@pytest.mark.parametrize("query", ["type=email.sended", "since=yesterday", "until=yesterday", "account=a&account=b"])
async def test_a_filter_that_makes_no_sense_is_named(call, query):
    answer = await call("GET", f"/v1/events?{query}")
    assert (answer.status, answer.json["errors"][0]["field"]) == (400, query.partition("=")[0])


async def whole(call, form, query):
    text, after = b"", ""
    while True:
        piece = await call("GET", f"/v1/events?limit=4{query}{after}", headers={"accept": form})
        assert (piece.status, piece.headers.get("content-type")) in ((200, f"{form}; charset=utf-8"), (200, None))
        assert bool(piece.body) == ("content-type" in piece.headers)
        text += piece.body
        cursor = piece.headers.get("next-cursor")
        if cursor is None:
            return text.decode()
        after = f"&after={cursor}"


async def test_the_trail_is_exported_as_lines_of_json(call, told):
    text = await whole(call, "application/jsonl", "")
    assert [json.loads(line) for line in text.splitlines()] == told


async def test_what_is_filtered_is_exported_as_one_csv_without_formulas(call, told):
    text = await whole(call, "text/csv", "&type=email.accepted")
    titles, *rows = csv.reader(io.StringIO(text, newline=""))
    assert [row[titles.index("sequence")] for row in rows] == [
        event["sequence"] for event in told if kind(event) == "email.accepted"
    ]
    assert all(json.loads(row[titles.index("data")])["recipients"] == 1 for row in rows)
