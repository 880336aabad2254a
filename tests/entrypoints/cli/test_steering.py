"""Accounts are tried and turned from the command line, with a reason; a route explains itself there."""

import pytest

ROUTES = {"data": [{"name": "default", "accounts": []}, {"name": "bulk", "accounts": []}], "next_cursor": None}
EXPLAINED = {
    "route": "default",
    "prospect": "sent",
    "account": "sg",
    "reason": "it is number 2 of the route",
    "until": None,
    "accounts": [
        {"account": "mailgun", "share": 0.0, "lost": [], "reason": "it is paused"},
        {"account": "sg", "share": 1.0, "lost": ["tags"], "reason": "it is number 2 of the route"},
    ],
    "suppressed": ["eve@example.net"],
}


def probed(verdict):
    return {"account": "sg", "verdict": verdict, "text": "SendGrid says so", "status": 200, "latency_ms": 12.5}


@pytest.mark.parametrize(("verdict", "code"), [("works", 0), ("refused", 1), ("unclear", 1), ("unreachable", 1)])
def test_a_probe_says_what_came_of_it_and_fails_unless_the_credentials_work(everpost, server, verdict, code):
    server.put("POST", "/v1/accounts/sg/probe", 200, probed(verdict))
    ended = everpost("probe", "sg")
    assert (ended.code, ended.out) == (code, "SendGrid says so\n")
    assert server.asked[0].json == {}
    assert everpost("probe", "sg", "--json").json == probed(verdict)


@pytest.mark.parametrize(("verb", "words"), [("pause", "is paused"), ("resume", "is back")])
def test_an_account_is_turned_with_a_reason(everpost, server, verb, words):
    server.put("POST", f"/v1/accounts/sg/{verb}", 200, ROUTES)
    ended = everpost(verb, "sg", "--reason", "they have maintenance")
    assert (ended.code, ended.out) == (0, f"sg {words} on default, bulk\n")
    assert server.asked[0].json == {"reason": "they have maintenance"}
    assert everpost(verb, "sg", "--json").json == ROUTES


def test_an_account_on_no_route_is_told_as_such(everpost, server):
    server.put("POST", "/v1/accounts/sg/pause", 200, ROUTES | {"data": []})
    assert everpost("pause", "sg").out == "sg is paused on no route: none names it\n"


def test_it_is_told_where_a_mail_would_go_and_why(everpost, server):
    server.put("POST", "/v1/routes/default/explain", 200, EXPLAINED)
    addresses = ("--from", "ann@example.com", "--to", "bob@example.org", "--to", "eve@example.net")
    words = ("explain", *addresses, "--size", "48", "--allow-loss", "tags")
    ended = everpost(*words)
    assert ended.code == 0
    first, _, mailgun, sendgrid, last = ended.out.splitlines()
    assert first == "sg would take it"
    assert mailgun.split() == ["mailgun", "0%", "nothing", "it", "is", "paused"]
    assert sendgrid.split()[:3] == ["sg", "100%", "tags"]
    assert last == "it would not be sent to eve@example.net: suppressed"
    sketch = {"from": "ann@example.com", "to": ["bob@example.org", "eve@example.net"], "size_bytes": 48, "tags": []}
    assert server.asked[0].json == sketch | {"allow_loss": ["tags"]}
    assert everpost(*words, "--json").json == EXPLAINED


@pytest.mark.parametrize(
    ("prospect", "words"),
    [("waits", "it would wait: no account can take it now"), ("refused", "it would not be accepted: no account can")],
)
def test_a_mail_that_nobody_takes_is_told_so(everpost, server, prospect, words):
    server.put("POST", "/v1/routes/bulk/explain", 200, EXPLAINED | {"prospect": prospect, "account": None})
    ended = everpost("explain", "--from", "a@example.com", "--to", "b@example.org", "--route", "bulk")
    assert ended.out.startswith(words)


def test_an_account_that_is_not_there_is_named(everpost, server):
    problem = {"code": "unknown_account", "title": "There is no such account", "detail": "unknown account 'z'"}
    server.put("POST", "/v1/accounts/z/pause", 404, problem)
    ended = everpost("pause", "z")
    assert ended.code == 1
    assert "unknown account 'z'" in ended.err
