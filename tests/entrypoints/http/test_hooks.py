"""Providers' own events over HTTP: from the signed request to the suppression and the answer."""

import asyncio
import dataclasses
import json
import math
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

import hook_values
import http_kit
from everpost.engine.documents import Documents
from everpost.engine.wire import Guard
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.http.hooks import HOOKS_AT_ONCE_MAX
from everpost.model.account import Account
from everpost.model.limits import HOOK_BYTES_MAX
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS
from hook_senders import logged_in
from hook_values import DOCUMENTS, EVENTS, OTHER_SECRETS, REQUESTS, SECRETS, sendgrid_event, sendgrid_request
from http_kit import NATIVE, Caller, ScriptedWire, running

ACCOUNTS = {
    **{name: replace(hook_values.account(name), name=name) for name in SECRETS},
    **{f"other-{name}": replace(hook_values.account(name, secret=OTHER_SECRETS[name]), name=name) for name in SECRETS},
    "silent": Account(name="silent", provider="smtp"),
    "open": Account(name="open", provider="mailgun"),
}


AGAIN = {"brevo": 429, "postmark": 429}  # after which they repeat themselves, where that is not as usual
REFUSED = AGAIN | {"scaleway": 503, "ses": 503}  # while what it is verified by is mended


class ShakyStore(MemoryStore):
    trouble = None

    async def note(self, notices):
        if self.trouble is not None:
            raise self.trouble
        return await super().note(notices)


def fetched(wire, clock):
    """What certificates there are, as if they had been fetched before; nothing else can be."""
    documents = Documents(wire, Guard(), clock)
    documents._kept |= {url: (math.inf, one) for each in DOCUMENTS.values() for url, one in each.items()}
    return documents


@asynccontextmanager
async def house():
    """The usual one, whose accounts send events."""
    wire, store = ScriptedWire(), ShakyStore()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        for name, account in ACCOUNTS.items():
            provider = replace(http_kit.PROVIDER, webhook=PROVIDERS[account.provider].webhook)
            engine._fleet._members[name] = http_kit.Member(account, provider)
        engine._fleet._members["first"] = engine._fleet._members["sendgrid"]
        engine.ingestor._ports = dataclasses.replace(engine.ports, documents=fetched(wire, engine.ports.clock))
        yield Caller(build_app(services)), engine, store


@pytest.fixture
async def parts():
    async with house() as parts:
        yield parts


@pytest.fixture
def call(parts):
    return parts[0]


async def post(call, account, asked, **headers):
    return await call("POST", f"/hooks/{account}", asked.body, {**asked.headers, **headers})


def now_of(engine):
    return engine.ports.clock.now()


async def figures(call):
    text = (await call("GET", "/metrics")).body.decode()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if "hook" in line and line[0] != "#"
    }


async def test_a_hard_bounce_ends_in_the_suppression_of_its_address(parts):
    call, engine, _ = parts
    sent = (await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})).json
    event = sendgrid_event(
        "bounce", type="bounce", status="5.1.1", reason="550 no", everpost_id=sent["deliveries"][0]["id"]
    )
    answer = await post(call, "first", sendgrid_request([event], at=now_of(engine)))
    assert (answer.status, answer.body) == (200, b"")

    told = (await call("GET", f"/v1/emails/{sent['id']}")).json["recipients"][0]
    assert (told["state"], told["reason"]) == ("bounced", "hard: invalid_recipient: 550 no")
    assert (await call("GET", "/v1/suppressions/bob@example.org")).status == 200
    again = (await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})).json
    assert (again["state"], again["recipients"][0]["state"]) == ("failed", "suppressed")


@pytest.mark.parametrize("name", sorted(SECRETS))
async def test_every_provider_is_answered_with_200_and_nothing_else(parts, name):
    call, engine, _ = parts
    answer = await post(call, name, REQUESTS[name](EVENTS[name](), at=now_of(engine)))
    assert (answer.status, answer.body) == (200, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("name", sorted(SECRETS))
async def test_a_provider_sends_again_what_could_not_be_stored(parts, name):
    call, engine, store = parts
    store.trouble = StoreUnavailable("the disk is gone")
    asked = REQUESTS[name](EVENTS[name](), at=now_of(engine))
    refused = await post(call, name, asked)
    assert (refused.status, refused.json["code"]) == (AGAIN.get(name, 503), "store_unavailable")
    assert "retry-after" in refused.headers
    store.trouble = None
    assert (await post(call, name, asked)).status == 200
    assert (await figures(call))[f'everpost_hook_events_total{{account="{name}",result="repeated"}}'] == 0


@pytest.mark.parametrize("name", sorted(SECRETS))
async def test_a_provider_sends_again_what_was_refused_while_a_secret_is_mended(parts, name):
    call, engine, _ = parts
    asked = REQUESTS[name](EVENTS[name](), at=now_of(engine))
    refused = await post(call, name, replace(asked, headers={}, body=b"{}"))
    assert (refused.status, refused.json["code"]) == (REFUSED.get(name, 403), "webhook_refused")
    assert refused.json["status"] == refused.status


async def test_what_can_not_be_proven_now_comes_again(parts):
    call, engine, _ = parts
    engine.ingestor._ports.documents._kept.clear()
    answer = await post(call, "ses", REQUESTS["ses"](EVENTS["ses"](), at=now_of(engine)))
    assert (answer.status, answer.json["code"]) == (503, "webhook_refused")
    assert "can't be read" in answer.json["detail"]
    assert (await figures(call))['everpost_hook_requests_total{account="ses",result="unproven"}'] == 1


async def test_a_ping_without_events_is_taken(parts):
    call, engine, _ = parts
    ping = logged_in(b'[{"msys":{}}]', SECRETS["sparkpost"], now_of(engine))
    assert (await post(call, "sparkpost", ping)).status == 200


async def test_who_is_refused_is_told_why_and_counted(parts):
    call, engine, _ = parts
    good = sendgrid_request([sendgrid_event()], at=now_of(engine))
    refusals = {
        "sendgrid": (replace(good, body=good.body + b" "), 403, "its signature is wrong"),
        "open": (good, 403, "accounts.open.webhook_secret is not set: nothing can be verified"),
        "nobody": (good, 404, "there is no account 'nobody' whose provider sends events"),
        "silent": (good, 404, "there is no account 'silent' whose provider sends events"),
    }
    for account, (asked, status, detail) in refusals.items():
        answer = await post(call, account, asked)
        assert (answer.status, answer.json["detail"]) == (status, detail)
    counted = await figures(call)
    assert counted['everpost_hook_requests_total{account="sendgrid",result="forged"}'] == 1
    assert counted['everpost_hook_requests_total{account="open",result="unconfigured"}'] == 1
    assert counted['everpost_hook_requests_total{account="(none)",result="unknown_account"}'] == 2


def counted(name, figures, **results):
    """Its requests and events that have come to this."""
    return {
        result: figures.get(f'everpost_hook_{kind}_total{{account="{name}",result="{result}"}}', 0)
        for result, kind in results.items()
    }


@pytest.mark.parametrize("name", sorted(SECRETS))
async def test_bad_input_of_any_kind_has_an_answer_and_a_counter_and_good_events_go_on(parts, name):
    call, engine, _ = parts
    good, refused = REQUESTS[name](EVENTS[name](), at=now_of(engine)), REFUSED.get(name, 403)
    window_s = PROVIDERS[name].webhook.window_s
    own = {"token": "b" * 50} if name == "mailgun" else {}  # which is good for one event

    async def refuses(account, asked, status):
        answer = await post(call, account, asked)
        assert (answer.status, bool(answer.json["detail"])) == (status, True)

    await refuses(f"other-{name}", good, refused)
    assert counted(f"other-{name}", await figures(call), forged="requests") == {"forged": 1}
    if math.isfinite(window_s):  # else nothing says when it was made
        await refuses(name, REQUESTS[name](EVENTS[name](), at=now_of(engine) - window_s - 60), refused)
    await refuses(name, replace(good, body=b" " * (HOOK_BYTES_MAX + 1)), 413)
    cut = await post(call, name, replace(good, body=good.body[: len(good.body) // 2]))
    odd = await post(call, name, REQUESTS[name]({"event": [7], "to": {}}, at=now_of(engine), **own))
    assert (cut.status, odd.status) in {(200, 200), (refused, 200)}  # who only logs in has proven that it is theirs
    for _ in range(2):
        assert (await post(call, name, good)).status == 200
    told = counted(
        name, await figures(call), forged="requests", too_large="requests", unreadable="events", repeated="events"
    )
    forged = math.isfinite(window_s) + (cut.status == refused)
    assert told == {"forged": forged, "too_large": 1, "unreadable": 1 + (cut.status == 200), "repeated": 1}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_method_is_not_allowed(call, method):
    answer = await call(method, "/hooks/sendgrid")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_body_beyond_the_limit_is_refused_whole(parts):
    call, engine, _ = parts
    answer = await post(call, "sendgrid", sendgrid_request(b"[" + b" " * HOOK_BYTES_MAX, at=now_of(engine)))
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert str(HOOK_BYTES_MAX) in answer.json["detail"]


async def test_only_so_many_are_worked_on_at_once(parts):
    call, engine, store = parts
    asked = sendgrid_request([sendgrid_event()], at=now_of(engine))
    held, full, open_ = asyncio.Event(), asyncio.Event(), []

    async def slow(notices):
        open_.append(notices)
        if len(open_) == HOOKS_AT_ONCE_MAX:
            full.set()
        await held.wait()
        return [True] * len(notices)

    store.note = slow
    posts = [asyncio.create_task(post(call, "sendgrid", asked)) for _ in range(HOOKS_AT_ONCE_MAX)]
    await full.wait()
    assert (await post(call, "sendgrid", asked)).status == 503
    held.set()
    assert {(await task).status for task in posts} == {200}
    assert (await post(call, "sendgrid", asked)).status == 200


async def test_a_batch_with_a_bad_event_is_taken_and_counted(parts):
    call, engine, _ = parts
    asked = sendgrid_request([sendgrid_event(), 7, sendgrid_event("open")], at=now_of(engine))
    assert (await post(call, "sendgrid", asked)).status == 200
    counted = await figures(call)
    results = {"joined": 0, "unjoined": 2, "unreadable": 1, "repeated": 0}
    for result, count in results.items():
        assert counted[f'everpost_hook_events_total{{account="sendgrid",result="{result}"}}'] == count
    listed = (await call("GET", "/v1/events?limit=100")).json["data"]
    types = [event["type"].removeprefix("dev.everpost.") for event in listed]
    assert types == ["recipient.delivered", "recipient.opened", "webhook.unreadable"]
    assert "@" not in json.dumps(listed)
