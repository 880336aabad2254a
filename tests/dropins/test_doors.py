"""What the drop-in doors do whoever's they are: keys, repetitions, many mails of one request, groups."""

import asyncio
import base64
import json
import time
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from everpost.dialects.dropins.table import DROPINS
from everpost.entrypoints.aws.web import Web
from everpost.entrypoints.http.app import all_operations, build_app
from everpost.entrypoints.http.dropins import DROPINS as OPERATIONS
from everpost.entrypoints.http.paths import compiled
from everpost.model.key import Scope
from everpost.settings import HttpSettings
from everpost.store.memory import MemoryStore
from everpost.store.port import Filter, StoreUnavailable
from http_kit import Caller, ScriptedWire, running
from lambda_kit import http_event

FORM = {"content-type": "application/x-www-form-urlencoded"}
SENDGRID = {
    "personalizations": [{"to": [{"email": "bob@example.org"}]}],
    "from": {"email": "ann@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "It works"}],
}
RESEND = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
POSTMARK = {"From": "ann@example.com", "To": "bob@example.org", "Subject": "Hello", "TextBody": "It works"}
SES = {
    "FromEmailAddress": "ann@example.com",
    "Destination": {"ToAddresses": ["bob@example.org"]},
    "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works"}}}},
}
SIGNED = "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=0"
PLAIN = {
    "sendgrid": ("/v3/mail/send", SENDGRID, {}),
    "mailgun": ("/v3/mg.example.com/messages", urlencode(RESEND).encode(), FORM),
    "resend": ("/emails", RESEND, {}),
    "postmark": ("/email", POSTMARK, {}),
    "ses": ("/v2/email/outbound-emails", SES, {}),
}
KEYED = {
    "sendgrid": ("/v3/mail/send", SENDGRID | {"custom_args": {"idempotency_key": "k1"}}, {}),
    "mailgun": ("/v3/mg.example.com/messages", urlencode(RESEND | {"v:idempotency_key": "k1"}).encode(), FORM),
    "resend": ("/emails", RESEND, {"idempotency-key": "k1"}),
    "postmark": ("/email", POSTMARK | {"Metadata": {"idempotency_key": "k1"}}, {}),
    "ses": ("/v2/email/outbound-emails", SES, {"amz-sdk-invocation-id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}),
}


class FailingStore(MemoryStore):
    """Takes so many mails and writes so many documents, and no more until it is mended; no mail while its gate is shut.
    `before` is waited for ahead of the next mail."""

    room = documents = 1000
    before = None

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    async def write_config(self, *args):
        if self.documents <= 0:
            raise StoreUnavailable("the disk is full")
        self.documents -= 1
        return await super().write_config(*args)

    async def accept(self, *args, **more):
        await self.gate.wait()
        if self.room <= 0:
            raise StoreUnavailable("the disk is full")
        self.room -= 1
        before, self.before = self.before, None
        if before is not None:
            await before
        return await super().accept(*args, **more)


@pytest.fixture
def store():
    return FailingStore()


@pytest.fixture
async def engine_and_services(store):
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        engine.intake.window_s = 90
        yield services, engine


@pytest.fixture
def services(engine_and_services):
    return engine_and_services[0]


@pytest.fixture
def engine(engine_and_services):
    return engine_and_services[1]


@pytest.fixture
def call(services):
    return Caller(build_app(services))


async def mails(store):
    return [stored.message for stored in await store.list_messages(Filter(project="default"), None, 100)]


def own_token(door, token):
    if door == "postmark":
        return {"x-postmark-server-token": token}
    if door == "mailgun":
        return {"authorization": "Basic " + base64.b64encode(f"api:{token}".encode()).decode()}
    if door == "ses":
        return {"authorization": SIGNED.format(token)}
    return {"authorization": f"Bearer {token}"}


def test_no_door_hides_an_operation_of_ours(services):
    ours = [operation.path for operation in all_operations(services)]
    for operation in OPERATIONS:
        assert not [path for path in ours if compiled(path).match(operation.path)]
        assert not [path for path in ours if compiled(operation.path).match(path)]


def test_no_path_belongs_to_two_doors():
    """But that Mailgun's paths begin with any domain, and `suppression` is none: SendGrid's come first."""
    doors = [(dropin.name, row.path) for dropin in DROPINS for row in dropin.rows]
    for name, path in doors:
        found = [other for other, template in doors if compiled(template).match(path)]
        assert found[0] == name
        assert {*found} == {name} or path.startswith("/v3/suppression/")


@pytest.mark.parametrize("door", PLAIN)
async def test_a_key_is_given_in_the_provider_s_own_way(door, services, engine, store):
    call = Caller(build_app(replace(services, keyring=engine.keyring)))
    path, body, headers = PLAIN[door]
    _, token = await engine.keyring.create("default", Scope.SEND, "door")
    assert (await call("POST", path, body, headers | own_token(door, token))).status in (200, 202)
    refused = [await call("POST", path, body, headers | more) for more in ({}, own_token(door, "nonsense"))]
    assert {answer.status for answer in refused} == {403 if door in ("resend", "ses") else 401}
    assert len(await mails(store)) == 1


@pytest.mark.parametrize("door", PLAIN)
async def test_a_key_that_may_not_send_is_refused_in_the_provider_s_form(door, services, engine, store):
    call = Caller(build_app(replace(services, keyring=engine.keyring)))
    path, body, headers = PLAIN[door]
    _, token = await engine.keyring.create("default", Scope.READ, "reader")
    answer = await call("POST", path, body, headers | own_token(door, token))
    assert answer.status in (401, 403)
    assert "application/problem+json" not in answer.headers["content-type"]
    assert await mails(store) == []


@pytest.mark.parametrize("door", PLAIN)
async def test_another_method_is_refused_in_the_provider_s_form(door, call):
    answer = await call("DELETE", PLAIN[door][0])
    assert (answer.status, "POST" in answer.headers["allow"]) == (405, True)
    assert answer.headers["content-type"] == "application/json"
    assert "code" not in answer.json


@pytest.mark.parametrize("door", PLAIN)
async def test_a_body_that_is_too_large_is_refused_in_the_provider_s_form(door, call):
    answer = await call("POST", PLAIN[door][0], b"x", {"content-length": "99999999999"})
    assert (answer.status, answer.headers["content-type"]) == (413, "application/json")
    assert "code" not in answer.json


@pytest.mark.parametrize("door", PLAIN)
async def test_the_function_of_aws_serves_the_door_and_hands_its_mail_on(door, engine, store, monkeypatch):
    handed = []

    async def hand_on():
        handed.append(len(await mails(store)))

    monkeypatch.setattr(engine, "hand_on", hand_on)
    _, token = await engine.keyring.create("default", Scope.SEND, "door")
    path, body, headers = PLAIN[door]
    text = body.decode() if isinstance(body, bytes) else json.dumps(body)
    web = Web(engine, "api", HttpSettings())
    answer = await web(http_event("POST", path, text, headers=headers | own_token(door, token)), 10.0)
    assert answer["statusCode"] in (200, 202)
    assert handed == [1]


@pytest.mark.parametrize(
    ("door", "target", "word"),
    [
        ("mailgun", "/v3/mg.example.com/events", b"https://api.example.com/v3/mg.example.com/events/"),
        ("mailgun", "/v3/mg.example.com/bounces", b"items"),
        ("postmark", "/messages/outbound", b"TotalCount"),
        ("postmark", "/deliverystats", b"InactiveMails"),
        ("sendgrid", "/v3/user/credits", b"remain"),
        ("resend", "/domains", b"list"),
    ],
)
async def test_the_function_of_aws_tells_what_became_of_mails(door, target, word, engine):
    _, token = await engine.keyring.create("default", Scope.READ, "door")
    told = own_token(door, token) | {"host": "api.example.com", "x-forwarded-proto": "https"}
    answer = await Web(engine, "api", HttpSettings())(http_event("GET", target, headers=told), 10.0)
    assert answer["statusCode"] == 200
    assert word in answer["body"].encode()


@pytest.mark.parametrize("door", PLAIN)
async def test_the_same_mail_again_within_the_window_is_the_same(door, call, store):
    path, body, headers = PLAIN[door]
    first, second = [await call("POST", path, body, headers) for _ in range(2)]
    assert (first.status, first.body) == (second.status, second.body)
    assert first.headers.get("x-message-id") == second.headers.get("x-message-id")
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await mails(store)) == 1


@pytest.mark.parametrize("door", PLAIN)
async def test_the_same_mail_at_the_same_moment_is_the_same(door, call, store):
    path, body, headers = PLAIN[door]
    await asyncio.gather(*(call("POST", path, body, headers) for _ in range(4)))
    assert len(await mails(store)) == 1


@pytest.mark.parametrize(("later_s", "count"), [(89, 1), (91, 2)])
async def test_the_window_begins_with_the_first_mail(later_s, count, call, services, store):
    path, body, headers = PLAIN["postmark"]
    await call("POST", path, body, headers)
    services.clock.ahead_s += later_s
    await call("POST", path, body, headers)
    assert len(await mails(store)) == count


async def test_what_is_the_same_again_after_the_window_begins_another(call, services, store):
    path, body, headers = PLAIN["postmark"]
    for later_s in (0, 91, 60):  # of the one before
        services.clock.ahead_s += later_s
        last = await call("POST", path, body, headers)
    assert last.headers["idempotency-replayed"] == "true"
    assert len(await mails(store)) == 2


async def test_no_moment_tells_two_that_overlap_from_each_other(call, services, store):
    path, body, headers = PLAIN["postmark"]
    services.clock.ahead_s = 85 - services.clock.now() % 90  # periods of 90 s by the clock would turn between them
    store.gate.clear()
    calls = []
    for _ in range(100):  # half a second apart; all wait for the store
        calls.append(asyncio.ensure_future(call("POST", path, body, headers)))
        await asyncio.sleep(0)
        services.clock.ahead_s += 0.5
    store.gate.set()
    await asyncio.gather(*calls)
    assert len(await mails(store)) == 1


async def test_without_a_window_each_request_is_a_mail(call, engine, store):
    engine.intake.window_s = 0
    path, body, headers = PLAIN["mailgun"]
    for _ in range(2):
        await call("POST", path, body, headers)
    assert len(await mails(store)) == 2


async def test_another_key_s_mail_is_another_mail(services, engine, store):
    call = Caller(build_app(replace(services, keyring=engine.keyring)))
    path, body, headers = PLAIN["postmark"]
    for name in ("one", "two"):
        _, token = await engine.keyring.create("default", Scope.SEND, name)
        await call("POST", path, body, headers | own_token("postmark", token))
    assert len(await mails(store)) == 2


@pytest.mark.parametrize("door", KEYED)
async def test_a_named_request_is_known_again_after_the_window(door, call, services, store):
    path, body, headers = KEYED[door]
    first = await call("POST", path, body, headers)
    services.clock.ahead_s = 3600
    second = await call("POST", path, body, headers)
    assert (first.status, first.body) == (second.status, second.body)
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await mails(store)) == 1


@pytest.mark.parametrize("door", KEYED)
async def test_a_name_that_was_used_for_another_mail_is_refused(door, call, store):
    path, body, headers = KEYED[door]
    await call("POST", path, body, headers)
    other = (
        body.replace(b"Hello", b"Bye") if isinstance(body, bytes) else json.dumps(body).replace("Hello", "Bye").encode()
    )
    answer = await call("POST", path, other, headers)
    assert 400 <= answer.status < 500
    assert len(await mails(store)) == 1


@pytest.mark.parametrize("door", PLAIN)
async def test_a_store_that_can_t_take_it_is_told_in_the_provider_s_form(door, call, store):
    store.room = 0
    path, body, headers = PLAIN[door]
    answer = await call("POST", path, body, headers)
    assert answer.status in (500, 503)
    assert answer.headers["retry-after"] == "1"
    assert "the disk is full" in answer.body.decode()


async def test_a_request_broken_off_between_its_mails_is_completed_when_it_is_repeated(call, store):
    body = SENDGRID | {"personalizations": [{"to": [{"email": f"{n}@example.org"}]} for n in range(5)]}
    store.room = 3
    assert (await call("POST", "/v3/mail/send", body)).status == 503
    store.room = 100
    assert (await call("POST", "/v3/mail/send", body)).status == 202
    assert sorted(mail.to[0].email for mail in await mails(store)) == [f"{n}@example.org" for n in range(5)]


async def test_a_mail_that_one_request_has_twice_is_sent_twice(call, store):
    body = [RESEND, RESEND]
    answers = [await call("POST", "/emails/batch", body) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len({entry["id"] for entry in answers[0].json["data"]}) == 2
    assert len(await mails(store)) == 2


async def test_none_of_several_mails_is_accepted_when_one_can_t_be(call, store):
    body = [RESEND, RESEND | {"text": None, "template": {"id": "t"}}]
    answer = await call("POST", "/emails/batch", body)
    assert (answer.status, answer.json["name"]) == (422, "validation_error")
    assert "no account of provider 'resend'" in answer.json["message"]
    assert await mails(store) == []


async def test_scheduled_mails_are_cancelled_by_their_batch(call, store, services):
    group = (await call("POST", "/v3/mail/batch")).json["batch_id"]
    soon = int(services.clock.now()) + 3600
    for subject in ("One", "Two"):
        body = SENDGRID | {"subject": subject, "send_at": soon, "batch_id": group}
        assert (await call("POST", "/v3/mail/send", body)).status == 202
    kept = await call("POST", "/v3/mail/send", SENDGRID | {"subject": "Three", "send_at": soon})
    order = {"batch_id": group, "status": "cancel"}
    assert (await call("POST", "/v3/user/scheduled_sends", order)).status == 201
    states = {
        each.message.id: each.deliveries[0].state
        for each in await store.list_messages(Filter(project="default"), None, 9)
    }
    assert states.pop(kept.headers["x-message-id"]) == "queued"
    assert set(states.values()) == {"cancelled"}
    late = await call("POST", "/v3/mail/send", SENDGRID | {"subject": "Four", "send_at": soon, "batch_id": group})
    assert (late.status, late.json["errors"][0]["message"]) == (400, "this batch is cancelled; take a new batch id")


async def states(store):
    return [each.deliveries[0].state for each in await store.list_messages(Filter(project="default"), None, 9)]


def in_batch(group, services):
    return SENDGRID | {"batch_id": group, "send_at": int(services.clock.now()) + 3600}


async def test_no_mail_is_accepted_that_could_not_be_cancelled_by_its_batch(call, store, services):
    group = (await call("POST", "/v3/mail/batch")).json["batch_id"]
    body = in_batch(group, services)
    store.documents = 0
    answer = await call("POST", "/v3/mail/send", body)
    assert (answer.status, await mails(store)) == (503, [])
    store.documents = 1000
    assert (await call("POST", "/v3/mail/send", body)).status == 202
    store.documents = 0
    assert (
        await call("POST", "/v3/mail/send", body)
    ).status == 503  # the batch can't be looked at, and no mail is made
    store.documents = 1000
    assert (await call("POST", "/v3/user/scheduled_sends", {"batch_id": group, "status": "cancel"})).status == 201
    assert await states(store) == ["cancelled"]


async def test_a_mail_that_is_on_its_way_when_its_batch_is_cancelled_is_cancelled(call, store, services):
    group = (await call("POST", "/v3/mail/batch")).json["batch_id"]
    store.before = call("POST", "/v3/user/scheduled_sends", {"batch_id": group, "status": "cancel"})
    assert (await call("POST", "/v3/mail/send", in_batch(group, services))).status == 202
    assert await states(store) == ["cancelled"]


async def test_an_accepted_mail_is_told_of_though_nobody_can_look_at_its_batch_any_more(
    call, store, services, monkeypatch
):
    group = (await call("POST", "/v3/mail/batch")).json["batch_id"]

    async def gone():
        async def read_config(_):
            raise StoreUnavailable("the disk is gone")

        monkeypatch.setattr(store, "read_config", read_config)

    store.before = gone()
    assert (await call("POST", "/v3/mail/send", in_batch(group, services))).status == 202
    assert await states(store) == ["queued"]


async def test_the_same_mail_in_another_batch_is_another_mail(call, store, services):
    for _ in range(2):
        group = (await call("POST", "/v3/mail/batch")).json["batch_id"]
        assert (await call("POST", "/v3/mail/send", in_batch(group, services))).status == 202
    assert len(await mails(store)) == 2


async def test_a_mail_that_was_cancelled_is_another_one_when_it_is_sent_again(call, store, services):
    """Whoever has cancelled it had its answer, and does not repeat it for want of one."""
    at = int(services.clock.now()) + 3600
    sent = RESEND | {"scheduled_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))}
    for _ in range(3):
        message_id = (await call("POST", "/emails", sent)).json["id"]
        assert (await call("POST", f"/emails/{message_id}/cancel")).status == 200
    last, again = [(await call("POST", "/emails", sent)).json["id"] for _ in range(2)]
    assert last == again
    assert sorted(await states(store)) == ["cancelled", "cancelled", "cancelled", "queued"]


@pytest.mark.parametrize("later_s", [(10, 50), (50, 89), (10, 20), (80, 100), (80, 169)])
async def test_what_was_sent_again_after_it_was_cancelled_is_known_again(later_s, call, store, services):
    at = int(services.clock.now()) + 3600
    sent = RESEND | {"scheduled_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))}
    begun = services.clock.ahead_s
    message_id = (await call("POST", "/emails", sent)).json["id"]
    assert (await call("POST", f"/emails/{message_id}/cancel")).status == 200
    found = []
    for after_s in later_s:
        services.clock.ahead_s = begun + after_s
        found.append((await call("POST", "/emails", sent)).json["id"])
    assert found[0] == found[1] != message_id


BATCHES = {
    "postmark": ("/email/batch", [POSTMARK | {"Subject": f"Mail {n}"} for n in range(70)]),
    "resend": ("/emails/batch", [RESEND | {"subject": f"Mail {n}"} for n in range(70)]),
    "ses": (
        "/v2/email/outbound-bulk-emails",
        {
            "FromEmailAddress": "ann@example.com",
            "DefaultContent": {"Template": {"TemplateContent": {"Subject": "Hello", "Text": "It works"}}},
            "BulkEmailEntries": [{"Destination": {"ToAddresses": [f"r{n}@example.org"]}} for n in range(50)],
        },
    ),
}


@pytest.mark.parametrize("door", BATCHES)
async def test_of_a_batch_whose_mails_are_told_of_each_those_that_were_taken_are_said_to_be(door, call, store):
    path, body = BATCHES[door]
    store.room = 65 if door != "ses" else 30
    answer = await call("POST", path, body, {"x-batch-validation": "permissive"})
    assert answer.status == 200, answer.body
    told = answer.json if door == "postmark" else answer.json.get("BulkEmailEntryResults", answer.json.get("data"))
    taken = [each for each in told if each.get("ErrorCode", 0) == 0 and each.get("Status", "SUCCESS") == "SUCCESS"]
    assert 0 < len(taken) == len(await mails(store)) < 70
    store.room = 1000
    await call("POST", path, body, {"x-batch-validation": "permissive"})
    assert len(await mails(store)) == len(body["BulkEmailEntries"] if door == "ses" else body)
