"""Templates by their providers' own ids: a mail with one that is kept here is finished and goes to whoever is up; with
another one it goes to that provider."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
from sendgrid.helpers import mail as sg

from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.door import LOCAL
from everpost.model.limits import MAILS_BYTES_MAX, TEMPLATE_OUTPUT_CHARS_MAX
from everpost.model.template import Template
from everpost.store.memory import MemoryStore
from everpost.store.port import Filter
from http_kit import Caller, ScriptedWire, running

FORM = {"content-type": "application/x-www-form-urlencoded"}
DATA = {"name": "Bob & Ann", "items": [{"n": 1}, {"n": 2}]}
SOURCES = {
    "subject": "Hello {{name}}",
    "text": "Dear {{name}}{{#each items}} {{n}}{{/each}}",
    "html": "<p>Dear {{name}}</p>",
}
FILLED = ("Hello Bob & Ann", "Dear Bob & Ann 1 2", "<p>Dear Bob &amp; Ann</p>")
SENDGRID = {
    "personalizations": [{"to": [{"email": "bob@example.org"}], "dynamic_template_data": DATA}],
    "from": {"email": "ann@example.com"},
    "template_id": "d-123",
}
MAILGUN = {"from": "ann@example.com", "to": "bob@example.org", "template": "d-123", "t:variables": json.dumps(DATA)}
POSTMARK = {"From": "ann@example.com", "To": "bob@example.org", "TemplateAlias": "d-123", "TemplateModel": DATA}
RESEND = {"from": "ann@example.com", "to": "bob@example.org", "template": {"id": "d-123", "variables": DATA}}
REQUESTS = {
    "sendgrid": ("/v3/mail/send", SENDGRID),
    "mailgun": ("/v3/mg.example.com/messages", MAILGUN),
    "postmark": ("/email/withTemplate", POSTMARK),
    "resend": ("/emails", RESEND),
}


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def engine_and_call(store):
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        engine.intake.window_s = 90
        yield engine, Caller(build_app(services))


@pytest.fixture
def call(engine_and_call):
    return engine_and_call[1]


@pytest.fixture
def keep(engine_and_call):
    async def keep(id_="d-123", **sources):
        kept = await engine_and_call[0].acceptor.templates.put(
            LOCAL, Template(id=id_, project="", **(sources or SOURCES))
        )
        assert isinstance(kept, Template), kept

    return keep


async def sent(call, door, **fields):
    path, body = REQUESTS[door]
    if door == "mailgun":
        return await call("POST", path, urlencode(body | fields, doseq=True).encode(), FORM)
    return await call("POST", path, body | fields)


async def words(store):
    stored = await store.list_messages(Filter(project="default"), None, 100)
    whole = [await store.read_message("default", each.message.id) for each in reversed(stored)]
    return [(each.subject, each.text, each.html) for each in whole]


@pytest.mark.parametrize("door", REQUESTS)
async def test_one_that_is_kept_here_makes_a_finished_mail_for_any_provider(door, call, keep, store):
    await keep()
    answer = await sent(call, door)
    assert answer.status in (200, 202), answer.body
    assert await words(store) == [FILLED]
    [stored] = await store.list_messages(Filter(project="default"), None, 100)
    assert (stored.message.provider_options, stored.message.headers) == ({}, {})


@pytest.mark.parametrize("door", REQUESTS)
async def test_one_that_is_not_goes_to_that_provider_alone(door, call, store):
    answer = await sent(call, door)
    assert answer.status in (400, 422)
    assert f"no account of provider '{door}'" in answer.body.decode()
    assert await words(store) == []


@pytest.mark.parametrize("door", REQUESTS)
async def test_what_can_t_be_filled_in_is_told_in_the_provider_s_form(door, call, keep, store):
    await keep(subject="{{name}}", text="{{nobody}}", strict=True)
    answer = await sent(call, door)
    assert answer.status in (400, 422)
    assert "d-123, text, line 1: 'nobody' is not in the data" in answer.body.decode()
    assert "code" not in answer.json
    assert await words(store) == []


@pytest.mark.parametrize("door", REQUESTS)
async def test_a_request_that_comes_again_is_the_same_mail_whatever_has_become_of_the_template(
    door, call, keep, store, engine_and_call
):
    await keep()
    first = await sent(call, door)
    await keep(subject="Other", text="{{nobody}}", strict=True)
    assert (await sent(call, door)).body == first.body
    await engine_and_call[0].acceptor.templates.delete(LOCAL, "d-123")
    assert (await sent(call, door)).headers["idempotency-replayed"] == "true"
    assert await words(store) == [FILLED]


@pytest.mark.parametrize(
    ("door", "expected"), [("mailgun", "mine"), ("resend", "mine"), ("sendgrid", FILLED[0]), ("postmark", FILLED[0])]
)
async def test_whose_subject_it_is_is_as_with_the_provider(door, expected, call, keep, store, engine_and_call):
    engine_and_call[0].intake.window_s = 0  # the same request is another mail
    name = "Subject" if door == "postmark" else "subject"
    await keep()
    await sent(call, door, **{name: "mine"})
    await keep(text="x")
    await sent(call, door, **{name: "mine"})
    assert {text: subject for subject, text, _ in await words(store)} == {FILLED[1]: expected, "x": "mine"}


async def test_each_personalization_is_filled_in_with_its_own_data(call, keep, store):
    await keep()
    groups = [
        {"to": [{"email": f"{name}@example.org"}], "dynamic_template_data": {"name": name}} for name in ("bob", "eve")
    ]
    assert (await sent(call, "sendgrid", personalizations=groups)).status == 202
    assert sorted(text for _, text, _ in await words(store)) == ["Dear bob", "Dear eve"]


async def test_of_several_personalizations_none_is_accepted_when_one_can_t_be_filled_in(call, keep, store):
    await keep(**SOURCES, strict=True)
    groups = [*SENDGRID["personalizations"], {"to": [{"email": "eve@example.org"}]}]
    answer = await sent(call, "sendgrid", personalizations=groups)
    assert (answer.status, "is not in the data" in answer.json["errors"][0]["message"]) == (400, True)
    assert await words(store) == []


async def test_a_small_request_does_not_become_a_large_heap_of_mails(call, keep, store):
    await keep(subject="s", text="{{#each a}}{{@root.b}}{{/each}}")
    data = {"a": [1] * 100, "b": "x" * (TEMPLATE_OUTPUT_CHARS_MAX // 100)}
    count = MAILS_BYTES_MAX // TEMPLATE_OUTPUT_CHARS_MAX + 5
    shared = {"dynamic_template_data": data}
    groups = [{"to": [{"email": f"{n}@example.org"}], **shared} for n in range(count)]
    answer = await sent(call, "sendgrid", personalizations=groups)
    assert answer.status == 400
    assert "at most" in answer.body.decode()
    assert await words(store) == []


async def test_substitutions_are_of_templates_of_another_kind_and_stay_with_sendgrid(call, keep, store):
    await keep()
    groups = [{"to": [{"email": "bob@example.org"}], "substitutions": {"-a-": "b"}}]
    answer = await sent(call, "sendgrid", personalizations=groups)
    assert "no account of provider 'sendgrid'" in answer.body.decode()
    assert await words(store) == []


async def test_what_else_only_the_provider_can_do_pins_the_finished_mail_to_it(call, keep, store):
    await keep()
    for door, fields in (("sendgrid", {"asm": {"group_id": 7}}), ("mailgun", {"o:tracking": "no"})):
        assert f"no account of provider '{door}'" in (await sent(call, door, **fields)).body.decode()
    assert "no account of provider 'mailgun'" in (await sent(call, "mailgun", **{"t:version": "v2"})).body.decode()
    assert await words(store) == []


async def test_mailgun_s_data_comes_in_three_ways_with_words_for_each_recipient(call, keep, store):
    await keep(subject="{{a}}", text="{{b}} {{c}} {{d.[0].e}}")
    fields = {
        "to": "Bob <bob@example.org>, eve@example.org",
        "v:a": "%recipient.word%",
        "h:X-Mailgun-Variables": json.dumps({"a": "no", "b": "%recipient.word%"}),
        "t:variables": json.dumps({"a": "%recipient.word%", "c": 3, "d": [{"e": "%recipient%"}]}),
        "recipient-variables": json.dumps({"bob@example.org": {"word": 'B"}'}, "eve@example.org": {"word": "E"}}),
    }
    answer = await sent(call, "mailgun", **fields)
    assert answer.status == 200, answer.body
    assert sorted(each[:2] for each in await words(store)) == [
        ('B"}', 'B"} 3 Bob <bob@example.org>'),
        ("E", "E 3 eve@example.org"),
    ]


async def test_postmark_s_number_names_it_too_and_a_batch_answers_for_each(call, keep, store):
    await keep("4711")
    mine = {"From": "ann@example.com", "To": "bob@example.org", "TemplateId": 4711, "TemplateModel": DATA}
    messages = [mine, mine | {"TemplateModel": {"name": "x\r\nBcc: eve@example.net"}}, mine | {"To": "nobody"}]
    answer = await call("POST", "/email/batchWithTemplates", {"Messages": messages})
    assert answer.status == 200
    assert [each["ErrorCode"] for each in answer.json] == [0, 300, 300]
    assert "control character" in answer.json[1]["Message"]
    assert await words(store) == [FILLED]


@pytest.mark.parametrize("body", [{}, {"Messages": {}}, {"Messages": [], "More": 1}, [], {"Messages": [{}] * 501}])
async def test_a_batch_without_sense_is_refused_in_postmark_s_form(call, body):
    answer = await call("POST", "/email/batchWithTemplates", body)
    assert (answer.status, answer.json["ErrorCode"] > 0) == (422, True)


async def test_the_native_api_fills_in_the_same_template(call, keep, store):
    await keep()
    mail = {"from": "ann@example.com", "to": "bob@example.org", "template": {"id": "d-123", "data": DATA}}
    assert (await call("POST", "/v1/emails", mail)).status == 202
    assert await words(store) == [FILLED]


# --- by the providers' own clients -----------------------------------------------------------------------------------


def by_sendgrid(client):
    mail = sg.Mail("ann@example.com", "bob@example.org")
    mail.template_id, mail.dynamic_template_data = "d-123", DATA
    return client.send(mail)


def by_mailgun(client):
    return client.send((MAILGUN, None))


def by_resend(client):
    return client.send(RESEND)


async def by_postmark(client):
    return (await client.client.outbound.send_with_template(POSTMARK)).message_id


async def by_postmarker(client):
    answer = await asyncio.to_thread(lambda: client.client.emails.send_with_template(**POSTMARK))
    assert answer["ErrorCode"] == 0
    return answer["MessageID"]


CLIENTS = {
    "sendgrid": (by_sendgrid, "mailgun"),
    "mailgun": (by_mailgun, "postmark"),
    "resend": (by_resend, "sendgrid"),
    "postmark": (by_postmark, "resend"),
    "postmarker": (by_postmarker, "mailgun"),
}


async def test_the_older_client_of_postmark_sends_a_batch_with_templates(house):
    await house.engine.acceptor.templates.put(LOCAL, Template(id="d-123", project="", **SOURCES))
    emails = house.client("postmarker").client.emails
    mails = [emails.EmailTemplate(**POSTMARK | {"To": f"{name}@example.org"}) for name in ("bob", "eve")]
    answers = await asyncio.to_thread(lambda: emails.send_template_batch(*mails))
    assert [answer["ErrorCode"] for answer in answers] == [0, 0]
    caught = [await house.caught(answer["MessageID"]) for answer in answers]
    assert {mail.draft.text for mail in caught} == {FILLED[1]}


@pytest.mark.parametrize(
    ("sdk", "house"), [(name, provider) for name, (_, provider) in CLIENTS.items()], indirect=["house"]
)
async def test_a_client_s_mail_with_a_template_leaves_by_another_provider(sdk, house):
    await house.engine.acceptor.templates.put(LOCAL, Template(id="d-123", project="", **SOURCES))
    send, provider = CLIENTS[sdk]
    mail = await house.caught(await send(house.client(sdk)))
    assert mail.provider == provider
    assert (mail.draft.subject, mail.draft.text, mail.draft.html) == FILLED
