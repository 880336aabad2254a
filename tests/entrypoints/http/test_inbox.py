"""The dev inbox as JSON: pages, one mail with its findings, its source and its files, and clearing up."""

import pytest

from everpost.dialects.contract import Parsed
from everpost.entrypoints.http.app import build_app
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.inbox import Inbox
from http_kit import Caller, ScriptedWire, running


@pytest.fixture
def inbox():
    return Inbox(lambda: 1_800_000_000.0)


@pytest.fixture
async def call(inbox):
    async with running(ScriptedWire(), inbox=inbox) as (services, _):
        yield Caller(build_app(services))


def put(inbox, subject, **more):
    draft = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),), subject=subject, **more)
    return inbox.add("mailgun", "mg", "m", Parsed(draft=draft, delivery_id="em_1.0"))


async def test_the_list_has_pages_and_no_content(call, inbox):
    for number in range(5):
        put(inbox, f"Mail {number}", html="<p>x")
    first = (await call("GET", "/v1/inbox?limit=2")).json
    second = (await call("GET", f"/v1/inbox?limit=2&cursor={first['next_cursor']}")).json
    third = (await call("GET", f"/v1/inbox?limit=2&cursor={second['next_cursor']}")).json
    subjects = [[mail["subject"] for mail in page["data"]] for page in (first, second, third)]
    assert subjects == [["Mail 4", "Mail 3"], ["Mail 2", "Mail 1"], ["Mail 0"]]
    assert third["next_cursor"] is None
    assert not {"html", "text"} & set(first["data"][0])


@pytest.mark.parametrize("cursor", ["x", "LTE", "MeKCgg"])
async def test_a_cursor_of_somebody_else_is_refused(call, cursor):
    refused = await call("GET", f"/v1/inbox?cursor={cursor}")
    assert (refused.status, refused.json["errors"][0]["field"]) == (400, "cursor")


async def test_a_mail_is_told_with_what_may_go_wrong_with_it(call, inbox):
    caught = put(inbox, "Hello", html="<img src=x>")
    told = (await call("GET", f"/v1/inbox/{caught.id}")).json
    assert told["html"] == "<img src=x>"
    assert [finding["code"] for finding in told["findings"]] == ["no_text", "no_alt", "no_title", "no_lang"]


async def test_its_source_is_a_mail(call, inbox):
    caught = put(inbox, "Grüße", text="Hello", headers={"X-Order": "7"})
    source = await call("GET", f"/v1/inbox/{caught.id}/source")
    assert source.headers["content-type"].startswith("text/plain")
    assert b"X-Order: 7\r\n" in source.body
    assert source.body.endswith(b"\r\n\r\nHello\r\n")


async def test_a_mail_that_can_not_be_written_has_no_source_and_that_is_said(call, inbox):
    caught = put(inbox, "Hello", text="x", reply_to=(Address("änn@example.com"),))
    refused = await call("GET", f"/v1/inbox/{caught.id}/source")
    assert refused.status == 404
    assert "SMTPUTF8" in refused.json["detail"]


async def test_a_file_is_saved_and_never_shown_whatever_it_calls_itself(call, inbox):
    files = (Attachment(filename="a.html", content_type="text/html", content=b"<script>"),)
    caught = put(inbox, "Files", attachments=files)
    file = await call("GET", f"/v1/inbox/{caught.id}/attachments/0")
    assert (file.body, file.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert file.headers["content-disposition"] == "attachment"
    assert file.headers["content-security-policy"] == "sandbox"
    for place in ("1", "-1", "x"):
        assert (await call("GET", f"/v1/inbox/{caught.id}/attachments/{place}")).status == 404


async def test_one_mail_and_then_all_are_forgotten(call, inbox):
    first, _, _ = (put(inbox, subject) for subject in "abc")
    assert (await call("DELETE", f"/v1/inbox/{first.id}")).status == 204
    assert (await call("DELETE", f"/v1/inbox/{first.id}")).status == 404
    assert [mail.draft.subject for mail in inbox.list()] == ["c", "b"]
    assert (await call("DELETE", "/v1/inbox")).status == 204
    assert (await call("GET", "/v1/inbox")).json == {"data": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["", "/1", "/1/source", "/1/attachments/0"])
async def test_without_a_sandbox_there_is_no_inbox(path):
    async with running(ScriptedWire()) as (services, _):
        assert (await Caller(build_app(services))("GET", f"/v1/inbox{path}")).status == 404
