import json
from urllib.parse import parse_qs, urlsplit

import pytest

from everpost.entrypoints.cli import control

ACCOUNTS = {
    "data": [
        {
            "name": "mailgun",
            "provider": "mailgun",
            "is_default": True,
            "routes": [
                {"route": "default", "place": 1, "weight": None, "paused": False},
                {"route": "bulk", "place": 1, "weight": None, "paused": True},
            ],
            "circuit": {"state": "open", "reason": "5 failures", "until": None, "share": 1.0},
            "quota": {"limit": {"day": 100}, "left": {"day": 7}},
            "failures": 5,
            "last_error": "connect: refused",
            "last_error_at": "2030-01-31T09:00:00.000Z",
        },
        {
            "name": "sg",
            "provider": "sendgrid",
            "is_default": False,
            "routes": [],
            "circuit": {"state": "closed", "reason": "", "until": None, "share": 1.0},
            "quota": {"limit": {}, "left": {}},
            "failures": 0,
            "last_error": "",
            "last_error_at": None,
        },
    ],
    "next_cursor": None,
}


def event(sequence, kind="email.sent", **data):
    return {
        "specversion": "1.0",
        "id": f"e{sequence}",
        "source": "/everpost",
        "type": f"dev.everpost.{kind}",
        "subject": "em_1",
        "time": "2030-01-31T09:00:00.000Z",
        "datacontenttype": "application/json",
        "sequence": f"{sequence:020d}",
        "data": {"project": "default", **data},
    }


def test_accounts_are_a_table_with_the_default_marked(everpost, server):
    server.put("GET", "/v1/accounts", 200, ACCOUNTS)
    ended = everpost("accounts")
    assert ended.code == 0
    titles, mailgun, sendgrid = ended.out.splitlines()
    assert titles.split("  ")[0] == "account"
    assert mailgun.startswith("mailgun (default)  mailgun   default, bulk (paused)  open")
    assert sendgrid.startswith("sg                 sendgrid  -                       closed")
    assert "7 this day" in mailgun
    assert mailgun.endswith("connect: refused")
    assert "not limited" in sendgrid
    assert everpost("accounts", "--json").json == ACCOUNTS


def test_an_account_becomes_the_default_one(everpost, server):
    server.put("POST", "/setEmailProvider", 200, {"status": "success", "provider": "sg"})
    ended = everpost("use", "sg")
    assert (ended.code, ended.out) == (0, "sg is the default account now\n")
    assert server.asked[0].json == {"provider": "sg"}
    assert everpost("use", "sg", "--json").json["provider"] == "sg"


def test_an_unknown_account_is_a_failure_that_lists_the_known(everpost, server):
    message = "No such account: known: mailgun, sg"
    problem = {"status": "error", "code": "unknown_account", "message": message, "errors": []}
    server.put("POST", "/setEmailProvider", 404, problem)
    ended = everpost("use", "nobody")
    assert (ended.code, ended.err) == (1, f"everpost: {message}\n")
    assert everpost("use", "nobody", "--json").json["error"]["code"] == "unknown_account"


def test_a_recipient_is_erased_only_with_yes(everpost, server):
    told = {"dry_run": True, "messages": 3, "cancelled": 1, "suppressed": True}
    server.put("POST", "/v1/recipients/erase", 200, told, told | {"dry_run": False})
    ended = everpost("erase", "bob@example.org")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "bob@example.org would be erased from 3 mails; 1 of them would be cancelled",
        "it is suppressed, and stays so",
        "to do it, for good: the same with --yes",
    ]
    ended = everpost("erase", "bob@example.org", "--yes")
    assert ended.out.splitlines() == [
        "bob@example.org erased from 3 mails; 1 of them cancelled",
        "it stays suppressed, known by a digest alone",
    ]
    assert [asked.json["dry_run"] for asked in server.asked] == [True, False]
    assert everpost("erase", "bob@example.org", "--json").json["messages"] == 3


def test_events_are_printed_page_by_page_until_there_are_no_more(everpost, server):
    first = event(1, "email.attempted", delivery_id="em_1.0", account="mailgun", number=1)
    server.put(
        "GET",
        "/v1/events",
        200,
        {"data": [first], "next_cursor": "1"},
        {"data": [event(2, delivery_id="em_1.0", status=202)], "next_cursor": "2"},
        {"data": [], "next_cursor": "2"},
    )
    ended = everpost("events", "--after", "0")
    assert ended.code == 0
    one, two = ended.out.splitlines()
    assert one.split()[1:] == ["email.attempted", "em_1.0", "account=mailgun", "number=1"]
    assert two.split()[1:] == ["email.sent", "em_1.0", "status=202"]
    assert [asked.path for asked in server.asked] == [
        f"/v1/events?after={cursor}&limit=1000" for cursor in ("0", "1", "2")
    ]


def test_events_as_json_are_one_a_line(everpost, server):
    events = [event(1), event(2)]
    server.put("GET", "/v1/events", 200, {"data": events, "next_cursor": "2"}, {"data": [], "next_cursor": "2"})
    ended = everpost("events", "--json")
    assert [json.loads(line) for line in ended.out.splitlines()] == events


def test_events_that_are_narrowed_are_read_on_though_a_page_is_empty(everpost, server):
    server.put(
        "GET",
        "/v1/events",
        200,
        {"data": [], "next_cursor": "1000"},
        {"data": [event(1007)], "next_cursor": "1007"},
        {"data": [], "next_cursor": "1007"},
    )
    narrow = ("--message", "em_1", "--type", "email.sent", "--account", "mailgun", "--since", "2030-01-31T09:00:00")
    ended = everpost("events", *narrow)
    assert (ended.code, len(ended.out.splitlines())) == (0, 1)
    asked = [parse_qs(urlsplit(each.path).query) for each in server.asked]
    assert [each.pop("after", None) for each in asked] == [None, ["1000"], ["1007"]]
    assert all(
        each
        == {
            "limit": ["1000"],
            "message": ["em_1"],
            "type": ["email.sent"],
            "account": ["mailgun"],
            "since": ["2030-01-31T09:00:00+00:00"],
        }
        for each in asked
    )


def test_events_since_a_time_that_is_none_are_refused_before_anything_is_asked(everpost, server):
    ended = everpost("events", "--since", "yesterday")
    assert ended.code == 2
    assert "'yesterday' is neither a time nor a duration such as 90m, 6h or 2d" in ended.err
    assert server.asked == []


def test_following_goes_on_where_there_was_nothing_new(everpost, server, monkeypatch):
    server.put(
        "GET",
        "/v1/events",
        200,
        {"data": [event(1)], "next_cursor": "1"},
        {"data": [], "next_cursor": "1"},
        {"data": [event(2)], "next_cursor": "2"},
        {"data": [], "next_cursor": "2"},
    )
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(control.time, "sleep", pause)
    ended = everpost("events", "--follow")
    assert ended.code == 130
    assert len(ended.out.splitlines()) == 2
    assert pauses == [control.FOLLOW_EVERY_S] * 2


def test_following_reads_a_stream_and_goes_on_behind_it_when_it_ends(everpost, server, monkeypatch):
    def told(*sequences):
        blocks = [f"id: {one}\ndata: {json.dumps(event(one))}\n\n" for one in sequences]
        return "".join(["retry: 2000\n\n", ":\n\n", *blocks]).encode()

    server.put("GET", "/v1/events", 200, {"data": [], "next_cursor": f"{7:020d}"})
    server.put("text/event-stream", "/v1/events", 200, told(8, 9), told(10))
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(control.time, "sleep", pause)
    ended = everpost("events", "--follow", "--after", "7", "--json")
    assert ended.code == 130
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["e8", "e9", "e10"]
    pages = [one.path for one in server.asked if one.headers["Accept"] != "text/event-stream"]
    assert pages[1].endswith(f"after={9:020d}&limit=1000")


def test_a_stream_that_is_refused_ends_the_command(everpost, server):
    server.put("GET", "/v1/events", 200, {"data": [], "next_cursor": "1"})
    refusal = {"code": "too_many_streams", "title": "Too many streams of events are open", "detail": "at most 256"}
    server.put("text/event-stream", "/v1/events", 503, refusal)
    ended = everpost("events", "--follow")
    assert ended.code == 1
    assert "Too many streams" in ended.err


@pytest.mark.parametrize("missing", ["subject"])
def test_an_event_about_nothing_in_particular_is_printed_too(everpost, server, missing):
    told = event(1, "key.created", key="abc")
    del told[missing]
    server.put("GET", "/v1/events", 200, {"data": [told], "next_cursor": "1"}, {"data": [], "next_cursor": "1"})
    assert everpost("events").out.split()[1:] == ["key.created", "-", "key=abc"]
