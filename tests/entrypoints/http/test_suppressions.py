"""The list of those who must not be written to, as the API gives and takes it."""

import csv
import io

import pytest

from everpost.model import limits
from http_kit import NATIVE

SEARCH = "/v1/suppressions/search"
IMPORT = "/v1/suppressions/import"


async def suppress(call, *names):
    text = "".join(f"{name}@example.org,because of {name}\n" for name in names)
    answer = await call("POST", IMPORT, {"csv": text})
    assert (answer.status, answer.json["suppressed"]) == (200, len(names))


async def names(call, **asked):
    answer = await call("POST", SEARCH, asked)
    return [row["address"].partition("@")[0] for row in answer.json["data"]]


async def test_the_list_is_told_in_pages_and_by_how_an_address_begins(call):
    await suppress(call, "bob", "ann", "bobby", "carol", "dora")
    page = (await call("POST", SEARCH, {"limit": 2})).json
    assert [row["address"] for row in page["data"]] == ["ann@example.org", "bob@example.org"]
    assert page["data"][0]["reason"] == "because of ann"
    assert await names(call, limit=2, cursor=page["next_cursor"]) == ["bobby", "carol"]
    last = (await call("POST", SEARCH, {"limit": 5})).json
    assert (len(last["data"]), last["next_cursor"]) == (5, None)
    assert await names(call, address="BOB") == ["bob", "bobby"]
    assert await names(call, address="bob@example.org") == ["bob"]


async def test_who_is_taken_off_by_the_body_is_written_to_again_and_others_are_not(call):
    await suppress(call, "bob", "ann")
    for _ in range(2):  # afterwards they are not on it, whatever was before
        assert (await call("POST", "/v1/suppressions/remove", {"address": "Bob@Example.org"})).status == 204
    assert await names(call) == ["ann"]
    sent = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert sent.json["recipients"][0]["state"] == "sent"


async def test_the_list_is_exported_in_pieces_that_make_one_file(call):
    await suppress(call, *(f"n{number}" for number in range(5)), "=1+1")
    text, cursor = b"", None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        piece = await call("POST", SEARCH, asked, {"accept": "text/csv, */*;q=0.1"})
        assert piece.headers["content-type"] == "text/csv; charset=utf-8"
        text += piece.body
        cursor = piece.headers.get("next-cursor")
        if cursor is None:
            break
    titles, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    assert titles == ["address", "reason", "created_at", "stream", "source", "expires_at"]
    assert [row[0] for row in rows] == ["'=1+1@example.org", *(f"n{number}@example.org" for number in range(5))]
    await call("DELETE", "/v1/suppressions/=1+1@example.org")
    answer = await call("POST", IMPORT, {"csv": text.decode()})
    assert (answer.json["suppressed"], answer.json["faulty"]) == (6, 0)
    assert await names(call, address="=") == ["=1+1"]


async def test_a_list_is_looked_at_before_it_is_taken(call, wire):
    text = "address,reason\nnobody,x\nBob@example.org,asked\n@,y\n"
    looked = await call("POST", IMPORT, {"csv": text, "dry_run": True})
    assert [error["line"] for error in looked.json["errors"]] == [2, 4]
    assert (looked.json["suppressed"], looked.json["faulty"]) == (1, 2)
    assert await names(call) == []
    done = await call("POST", IMPORT, {"csv": text})
    assert done.json == looked.json | {"dry_run": False}
    assert await names(call) == ["bob"]
    mail = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert mail.json["recipients"][0]["state"] == "suppressed"
    assert wire.sent == []


async def test_an_import_is_on_the_audit_trail_with_who_and_how_many_and_without_addresses(call, monkeypatch):
    monkeypatch.setattr("everpost.engine.suppressing.SUPPRESSIONS_AT_ONCE_MAX", 2)
    await suppress(call, "ann", "bob", "carol")
    events = (await call("GET", "/v1/events")).json["data"]
    told = [event["data"] for event in events if event["type"] == "dev.everpost.suppression.added"]
    assert [(data["by"], data["addresses"]) for data in told] == [("local", 2), ("local", 1)]
    assert "ann@" not in str(events)


NEWS = {"address": "bob@example.org", "stream": "news", "source": "unsubscribe", "expires_at": "2100-01-01T00:00:00Z"}


async def test_a_stream_is_stopped_and_let_in_again_by_itself(call, wire):
    assert (await call("POST", "/v1/suppressions", NEWS)).json | {"created_at": ""} == NEWS | {
        "reason": "manual",
        "expires_at": "2100-01-01T00:00:00.000Z",
        "created_at": "",
    }
    place = "/v1/suppressions/bob@example.org"
    assert (await call("GET", place)).status == 404
    assert (await call("GET", f"{place}?stream=news")).json["stream"] == "news"
    stopped = await call("POST", "/v1/emails", NATIVE | {"stream": "news"}, {"prefer": "wait=5"})
    assert stopped.json["recipients"][0]["state"] == "suppressed"
    other = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert other.json["recipients"][0]["state"] == "sent"
    await call("DELETE", place)
    assert (await call("GET", f"{place}?stream=news")).status == 200
    await call("DELETE", f"{place}?stream=news")
    assert (await call("GET", f"{place}?stream=news")).status == 404


async def test_what_has_expired_stops_nothing(call, wire):
    await call("PUT", "/v1/suppressions/bob@example.org", {"expires_at": 1.0})
    assert (await call("GET", "/v1/suppressions/bob@example.org")).status == 404
    mail = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert mail.json["recipients"][0]["state"] == "sent"


async def test_pages_go_on_behind_an_address_and_its_stream(call):
    for stream in ("news", "offers", None):
        await call(
            "POST",
            "/v1/suppressions",
            {"address": "bob@example.org", "stream": stream} if stream else {"address": "bob@example.org"},
        )
    seen, cursor = [], None
    while True:
        page = (await call("POST", SEARCH, {"limit": 1} | ({"cursor": cursor} if cursor else {}))).json
        seen += [row["stream"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [None, "news", "offers"]


REFUSED = {
    "no stream": ("/v1/suppressions", {"address": "bob@example.org", "stream": ""}, "stream"),
    "no time": ("/v1/suppressions", {"address": "bob@example.org", "expires_at": "soon"}, "expires_at"),
    "a removal of no stream": ("/v1/suppressions/remove", {"address": "bob@example.org", "stream": ""}, "stream"),
    "a long beginning": (SEARCH, {"address": "x" * 255}, "address"),
    "no number": (SEARCH, {"limit": 0}, "limit"),
    "too many": (SEARCH, {"limit": limits.PAGE_MAX + 1}, "limit"),
    "another's cursor": (SEARCH, {"cursor": "?"}, "cursor"),
    "no list": (IMPORT, {}, "csv"),
    "too many lines": (IMPORT, {"csv": "\n" * (limits.SUPPRESSION_LINES_MAX + 1)}, "csv"),
}


@pytest.mark.parametrize(("path", "body", "field"), REFUSED.values(), ids=REFUSED)
async def test_what_makes_no_sense_is_named(call, path, body, field):
    answer = await call("POST", path, body)
    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (422, [field])


async def test_an_import_that_is_too_large_is_refused_by_its_size(call):
    answer = await call("POST", IMPORT, b" " * (limits.IMPORT_BYTES_MAX + 1))
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert str(limits.IMPORT_BYTES_MAX) in answer.json["detail"]
