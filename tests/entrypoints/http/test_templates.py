"""Templates over the API: kept, filled in, sent with; each project its own."""

import asyncio
from dataclasses import replace

import pytest

from everpost.engine.templates import Templates
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.door import LOCAL
from everpost.model.key import Scope
from everpost.model.limits import TEMPLATE_BYTES_MAX
from everpost.model.template import Template
from http_kit import Caller

ALL = "/v1/templates"
ONE = ALL + "/order"
SOURCES = {"subject": "Order {{number}}", "text": "Dear {{name}}", "html": "<p>Dear {{name}}</p>"}
DATA = {"number": 7, "name": "Bob & Ann"}
MAIL = {"from": "ann@example.com", "to": "bob@example.org", "template": {"id": "order", "data": DATA}}


async def content(call, answer):
    assert answer.status == 202, answer.body
    return (await call("GET", f"/v1/emails/{answer.json['id']}/content")).json


def faulty(answer):
    assert answer.status == 422, answer.body
    return [error["field"] for error in answer.json["errors"]]


async def test_a_template_is_kept_changed_shown_listed_and_deleted(call):
    made = await call("PUT", ONE, SOURCES)
    assert (made.status, made.json["id"], made.json["version"]) == (200, "order", 1)
    changed = await call("PUT", ONE, {"subject": "Order", "text": "x", "strict": True, "defaults": {"a": [1]}})
    assert (changed.json["version"], changed.json["html"], changed.json["strict"]) == (2, None, True)
    assert (await call("GET", ONE)).json == changed.json
    await call("PUT", ALL + "/d-0123", SOURCES)
    listed = (await call("GET", ALL)).json["data"]
    assert [(one["id"], one["has_text"], one["has_html"]) for one in listed] == [
        ("d-0123", True, True),
        ("order", True, False),
    ]
    assert "Dear" not in str(listed)
    assert (await call("DELETE", ONE)).status == 204
    assert [(await call(method, ONE)).status for method in ("GET", "DELETE")] == [404, 404]
    assert (await call("PUT", ONE, SOURCES)).json["version"] == 1


async def test_the_audit_trail_tells_who_has_changed_and_deleted_it_also_after_it_was_made_anew(call):
    for method in ("PUT", "DELETE", "PUT", "DELETE"):
        await call(method, ONE, SOURCES if method == "PUT" else b"")
    events = (await call("GET", "/v1/events")).json["data"]
    told = [
        (event["type"].rpartition("everpost.")[2], event["data"]["by"], event["data"]["version"]) for event in events
    ]
    assert told == [("template.changed", "local", 1), ("template.deleted", "local", 1)] * 2
    assert len({event["id"] for event in events}) == 4


async def test_a_mail_gets_its_words_when_it_is_accepted(call):
    await call("PUT", ONE, SOURCES)
    sent = await call("POST", "/v1/emails", MAIL)
    await call("PUT", ONE, {"subject": "Other", "text": "other"})
    told = await content(call, sent)
    assert (told["subject"], told["text"]) == ("Order 7", "Dear Bob & Ann")
    assert told["html"] == "<p>Dear Bob &amp; Ann</p>"


async def test_its_own_subject_stands_before_the_template_s(call):
    await call("PUT", ONE, SOURCES)
    told = await content(call, await call("POST", "/v1/emails", MAIL | {"subject": "{{mine}}"}))
    assert told["subject"] == "{{mine}}"


async def test_nothing_is_sent_by_a_look_at_what_it_becomes(call):
    await call("PUT", ONE, SOURCES)
    shown = await call("POST", ONE + "/render", {"data": DATA})
    expected = {"subject": "Order 7", "text": "Dear Bob & Ann", "html": "<p>Dear Bob &amp; Ann</p>"}
    assert (shown.status, shown.json) == (200, expected)
    assert (await call("POST", ONE + "/render")).json["text"] == "Dear "
    assert (await call("GET", "/v1/emails")).json["data"] == []


@pytest.mark.parametrize(
    ("id_", "body", "field"),
    [
        ("order", {}, "html"),
        ("order", {"strict": True, "html": ""}, "html"),
        ("order", {"html": "{{#if a}}"}, "html"),
        ("order", {"subject": "{{", "text": "{{"}, "subject"),
        ("order", {"subject": "a\nb", "text": "x"}, "subject"),
        ("order", {"text": "x" * TEMPLATE_BYTES_MAX}, "html"),
        ("order", {"text": "x", "defaults": {"a": "x" * TEMPLATE_BYTES_MAX}}, "html"),
        ("order", {"text": "x", "sample": {}}, "sample"),
        ("-order", {"text": "x"}, "id"),
        ("a b", {"text": "x"}, "id"),
        ("a" * 65, {"text": "x"}, "id"),
    ],
)
async def test_a_faulty_template_is_not_kept(call, id_, body, field):
    assert faulty(await call("PUT", f"{ALL}/{id_}", body))[0] == field
    assert (await call("GET", ALL)).json["data"] == []


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        ({"template": {"id": "nothing"}}, "template"),
        ({"template": {"id": "../order"}}, "template"),
        ({"template": {"id": "order", "dat": {}}}, "template.dat"),
        ({"text": "x"}, "text"),
        ({"html": "x"}, "html"),
        ({"template": {"id": "order", "data": {"number": "7\r\nBcc: eve@example.net", "name": "Bob"}}}, "subject"),
        ({"template": {"id": "order", "data": {"number": 7}}}, "template"),
        ({"template": {"id": "order", "data": {"number": 7, "name": {"a": 1}}}}, "template"),
    ],
)
async def test_a_mail_that_a_template_can_t_be_filled_in_for_is_refused(call, mail, field):
    await call("PUT", ONE, SOURCES | {"strict": True})
    assert faulty(await call("POST", "/v1/emails", MAIL | mail)) == [field]
    assert (await call("GET", "/v1/emails")).json["data"] == []


async def test_a_repeated_request_is_the_first_mail_whatever_has_become_of_the_template(call):
    await call("PUT", ONE, SOURCES)
    first = await call("POST", "/v1/emails", MAIL, {"idempotency-key": "k"})
    for change in ({"subject": "Other", "text": "x"}, {"text": "{{gone}}", "strict": True}, None):
        await call(*(("DELETE", ONE) if change is None else ("PUT", ONE, change)))
        again = await call("POST", "/v1/emails", MAIL, {"idempotency-key": "k"})
        assert (again.status, again.json["id"]) == (202, first.json["id"])
        assert again.headers["idempotency-replayed"] == "true"
    other = MAIL | {"template": {"id": "order", "data": {"number": 8}}}
    refused = await call("POST", "/v1/emails", other, {"idempotency-key": "k"})
    assert (refused.status, refused.json["code"]) == (422, "idempotency_mismatch")


async def test_a_project_has_no_more_templates_than_the_limits_say(call, monkeypatch):
    monkeypatch.setattr("everpost.engine.templates.TEMPLATES_MAX", 2)
    for id_ in ("a", "b", "b"):
        assert (await call("PUT", f"{ALL}/{id_}", SOURCES)).status == 200
    refused = await call("PUT", f"{ALL}/c", SOURCES)
    assert (refused.status, refused.json["code"]) == (409, "too_many_templates")
    monkeypatch.setattr("everpost.engine.templates.TEMPLATES_BYTES_MAX", 1000)
    assert (await call("PUT", f"{ALL}/b", {"text": "x" * 1000})).json["code"] == "too_many_templates"
    await call("DELETE", f"{ALL}/a")
    assert (await call("PUT", f"{ALL}/c", SOURCES)).status == 200


async def test_changes_at_the_same_moment_are_each_told(call):
    await asyncio.gather(*(call("PUT", ONE, {"text": str(number)}) for number in range(5)))
    events = (await call("GET", "/v1/events")).json["data"]
    assert sorted(event["data"]["version"] for event in events) == [1, 2, 3, 4, 5]
    assert (await call("GET", ONE)).json["version"] == 5


@pytest.mark.parametrize(("other", "id_"), [("blog", "order"), ("shop/order", "x")])
async def test_templates_of_another_project_are_neither_seen_nor_changed_nor_sent_with(services, engine, other, id_):
    call = Caller(build_app(replace(services, keyring=engine.keyring)))
    tokens = {}
    for project in ("shop", other):
        _, token = await engine.keyring.create(project, Scope.ADMIN, "")
        tokens[project] = {"authorization": f"Bearer {token}"}
    await call("PUT", f"{ALL}/{id_}", SOURCES, tokens[other])
    assert (await call("GET", ALL, b"", tokens["shop"])).json["data"] == []
    for method, path, body in (
        ("GET", "", b""),
        ("DELETE", "", b""),
        ("POST", "/render", b""),
    ):
        assert (await call(method, f"{ALL}/{id_}{path}", body, tokens["shop"])).status == 404
    refused = await call("POST", "/v1/emails", MAIL | {"template": {"id": id_}}, tokens["shop"])
    assert faulty(refused) == ["template"]
    assert (await call("GET", f"{ALL}/{id_}", b"", tokens[other])).status == 200


async def test_a_change_by_another_process_takes_effect_within_a_second(call, services, engine):
    await call("PUT", ONE, SOURCES)
    assert (await call("POST", ONE + "/render", {})).json["subject"] == "Order "
    await Templates(engine.ports).put(LOCAL, Template(id="order", project="", text="new"))
    services.clock.ahead_s += 1
    assert (await call("POST", ONE + "/render", {})).json["text"] == "new"
