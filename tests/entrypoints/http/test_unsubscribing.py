"""Recipients leave by the link of a mail, with one click; nobody leaves for them, and looking at it changes nothing."""

import re

import pytest

from everpost.core.unsubscribe import message_of, token_of
from everpost.engine.unsubscribing import SECRETS_MAX
from http_kit import NATIVE

WANTED = NATIVE | {"unsubscribe": True, "stream": "news"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
STOPPED = "/v1/suppressions/bob@example.org?stream=news"


@pytest.fixture
def linked(engine):
    engine.acceptor.unsubscribing.public_url = "https://mail.example.com/"
    return engine


async def link(call):
    """The path of a new mail's link, and its id."""
    sent = (await call("POST", "/v1/emails", WANTED, {"prefer": "wait=5"})).json
    told = (await call("GET", f"/v1/emails/{sent['id']}/content")).json["headers"]
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.fullmatch(r"<https://mail\.example\.com(/u/[\w.-]+)>", told["List-Unsubscribe"])[1]
    assert "bob" not in path
    return path, sent["id"]


async def test_one_click_leaves_the_stream_and_nothing_else(call, linked):
    path, _ = await link(call)
    done = await call("POST", path, ONE_CLICK, {"content-type": "application/x-www-form-urlencoded"})
    assert (done.status, b"no more mail of <b>news</b>" in done.body) == (200, True)
    assert (await call("GET", STOPPED)).json["source"] == "unsubscribe"
    assert (await call("GET", STOPPED.partition("?")[0])).status == 404
    stopped = await call("POST", "/v1/emails", WANTED, {"prefer": "wait=5"})
    assert stopped.json["recipients"][0]["state"] == "suppressed"
    other = await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
    assert other.json["recipients"][0]["state"] == "sent"


async def test_looking_at_the_link_shows_a_button_and_changes_nothing(call, linked):
    path, _ = await link(call)
    page = await call("GET", path)
    assert (page.status, b"<button>Unsubscribe</button>" in page.body, b"<script" in page.body) == (200, True, False)
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]
    assert (await call("GET", STOPPED)).status == 404


async def test_a_repeat_is_harmless_and_told_once(call, linked):
    path, _ = await link(call)
    answers = {(await call("POST", path)).status for _ in range(3)}
    events = (await call("GET", "/v1/events")).json["data"]
    told = [one["data"] for one in events if one["type"].endswith("suppression.added")]
    assert (answers, len(told), told[0]["by"], told[0]["stream"]) == ({200}, 1, "recipient", "news")
    await call("DELETE", STOPPED)
    await call("POST", path)  # who was let in again may leave again
    assert (await call("GET", STOPPED)).status == 200


async def test_a_forged_link_is_refused_and_changes_nothing(call, linked):
    path, id_ = await link(call)
    other = (await call("POST", "/v1/emails", WANTED | {"to": "eve@example.net"})).json["id"]
    proof = path.rpartition(".")[2]
    forged = [
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path[:-1],
        f"/u/{id_}",
        f"/u/{id_}.",
        f"/u/{other}.{proof}",
    ]
    forged += [
        f"/u/{token_of(id_, b'guessed')}",
        "/u/x",
        "/u/.",
        f"/u/{id_}.é",
        f"{path}.{proof}",
        f"/u/{path[3:].upper()}",
    ]
    for each in forged:
        for method in ("GET", "POST"):
            answer = await call(method, each)
            assert (answer.status, b"not valid" in answer.body) == (404, True), each
    assert (await call("POST", "/v1/suppressions/search", {})).json["data"] == []


async def test_links_of_a_secret_before_are_believed_until_there_are_too_many_newer_ones(call, linked):
    path, _ = await link(call)
    unsubscribing = linked.acceptor.unsubscribing
    for _ in range(SECRETS_MAX - 1):
        await unsubscribing.rotate()
        await unsubscribing._read()
    assert (await call("GET", path)).status == 200
    newer, _ = await link(call)
    await unsubscribing.rotate()
    await unsubscribing._read()
    assert ((await call("GET", path)).status, (await call("GET", newer)).status) == (404, 200)


async def test_the_link_of_a_mail_that_is_no_longer_kept_is_told_as_such(call, linked):
    path, _ = await link(call)
    await call("POST", "/v1/recipients/erase", {"address": "bob@example.org"})
    assert (await call("POST", path)).status == 404


@pytest.mark.parametrize(
    "more",
    [
        {"cc": "eve@example.net"},
        {"to": ["bob@example.org", "eve@example.net"]},
        {"headers": {"list-unsubscribe": "<x>"}},
    ],
)
async def test_a_link_that_would_not_be_of_one_recipient_alone_is_refused(call, linked, more):
    refused = await call("POST", "/v1/emails", WANTED | more)
    assert (refused.status, [error["field"] for error in refused.json["errors"]]) == (422, ["unsubscribe"])


async def test_without_an_address_for_links_it_is_said_how_to_set_one(call):
    refused = await call("POST", "/v1/emails", WANTED)
    assert (refused.status, "http.public_url" in refused.json["errors"][0]["message"]) == (422, True)


def test_a_token_is_believed_by_its_secret_alone():
    token = token_of("em_1", b"new")
    assert message_of(token, [b"old", b"new"]) == "em_1"
    assert message_of(token, [b"old"]) is None
    assert message_of(token, []) is None
