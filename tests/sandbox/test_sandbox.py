"""What the sandbox does on the wire, seen from real sockets."""

import asyncio
import json
import re
from contextlib import suppress
from random import Random

import pytest

from everpost.model.account import Account
from everpost.model.message import Address, Draft
from everpost.model.outcome import Kind
from everpost.model.sighting import SightingKind
from everpost.providers.contract import Absent, Ask, Found, HttpRequest, Sought, Unclear
from everpost.providers.mailgun.adapter import PROVIDER as MAILGUN
from everpost.providers.sendgrid.adapter import PROVIDER as SENDGRID
from everpost.sandbox.faults import FaultKind, FaultPlan, Faults, Target
from everpost.sandbox.sandbox import Sandbox
from plain_http import exchange, raw_request, read_response
from scripted_server import GIVEN_UP_S, ScriptedServer

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
DRAFT = Draft(
    sender=Address("ann@example.com", "Ann"), to=(Address("bob@example.org"),), subject="Hello", text="It works"
)
PROVIDERS = [SENDGRID, MAILGUN]
both = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
TAKEN = {ID: 1}


def account_of(sandbox, provider, **settings):
    url = sandbox.url(provider.name)
    given = {"api_key": "key-one", "domain": "mg.example.com", "base_url": url} | settings
    return Account(name="main", provider=provider.name, settings=given)


def send(sandbox, provider, delivery_id=ID, draft=DRAFT, **settings):
    return exchange(provider.build(draft, delivery_id, account_of(sandbox, provider, **settings)))


async def look_up(sandbox, provider, started_at, delivery_id=ID, draft=DRAFT):
    """A whole question, as the engine asks it: every Ask is followed."""
    sought = Sought(
        delivery_id=delivery_id, message=draft, account=account_of(sandbox, provider), started_at=started_at
    )
    open_requests = [provider.resolve.start(sought)]
    while open_requests:
        found = provider.resolve.read(sought, await exchange(open_requests.pop()))
        if isinstance(found, Ask):
            open_requests += found.requests
        elif not isinstance(found, Absent):
            return found
    return Absent()


def connect(url):
    host, _, port = url.removeprefix("http://").partition(":")
    return asyncio.open_connection(host, int(port))


async def until_open(url):
    async with asyncio.timeout(10):
        while True:
            with suppress(ConnectionRefusedError):
                (await connect(url))[1].close()
                return
            await asyncio.sleep(0.01)


def plan(kind, **more):
    return FaultPlan(kind=FaultKind(kind), **more)


# --- well ------------------------------------------------------------------------------------------------------------


@both
async def test_a_mail_is_taken_and_shown_in_the_inbox(sandbox, provider):
    response = await send(sandbox, provider)
    outcome = provider.read(response, account_of(sandbox, provider))
    (caught,) = sandbox.inbox.list()
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.provider_message_id == caught.provider_message_id
    assert (caught.provider, caught.delivery_id, caught.draft) == (provider.name, ID, DRAFT)
    assert sandbox.inbox.taken == TAKEN


@both
async def test_a_rejected_key_is_not_let_in(sandbox, provider):
    sandbox.conduct.rejected_keys = frozenset({"bad-key"})
    outcome = provider.read(await send(sandbox, provider, api_key="bad-key"), account_of(sandbox, provider))
    assert (outcome.kind, outcome.account_fault, outcome.status) == (Kind.REFUSED, True, 401)
    assert not sandbox.inbox.list()


@both
async def test_the_probe_shows_that_the_key_works(sandbox, provider):
    assert (await exchange(provider.probe(account_of(sandbox, provider)))).status == 200


async def test_one_connection_carries_many_mails_even_at_once(sandbox):
    request = raw_request(SENDGRID.build(DRAFT, ID, account_of(sandbox, SENDGRID)))
    reader, writer = await connect(sandbox.url("sendgrid"))
    writer.write(request * 3)
    assert [(await read_response(reader)).status for _ in range(3)] == [202] * 3
    head, _, body = request.partition(b"\r\n\r\n")
    chunked = re.sub(rb"content-length: \d+", b"transfer-encoding: chunked", head)
    writer.write(b"%b\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (chunked, len(body), body))
    assert (await read_response(reader)).status == 202
    writer.close()
    assert sandbox.inbox.taken == {ID: 4}


async def test_what_is_no_http_is_answered_with_400_and_closed(sandbox):
    reader, writer = await connect(sandbox.url("sendgrid"))
    writer.write(b"nonsense\r\n\r\n")
    assert (await read_response(reader)).status == 400
    assert await reader.read() == b""
    writer.close()


@both
async def test_a_faulty_mail_is_refused_in_the_providers_words(sandbox, provider):
    request = provider.build(DRAFT, ID, account_of(sandbox, provider))
    broken = HttpRequest(
        method="POST",
        url=request.url,
        headers=request.headers,
        body=request.body.replace(b"bob@example.org", b"bob@example..org"),
    )
    outcome = provider.read(await exchange(broken), account_of(sandbox, provider))
    assert (outcome.kind, outcome.status) == (Kind.REJECTED, 400)
    assert "bob@example..org" in outcome.text


async def test_mailguns_sandbox_domain_takes_authorized_recipients_only(sandbox):
    domain = "sandbox123.mailgun.org"
    refused = MAILGUN.read(await send(sandbox, MAILGUN, domain=domain), account_of(sandbox, MAILGUN))
    assert (refused.kind, refused.account_fault) == (Kind.REFUSED, False)
    sandbox.conduct.authorized_recipients = frozenset({"bob@example.org"})
    assert (await send(sandbox, MAILGUN, domain=domain)).status == 200


async def test_mailgun_greets_whoever_asks_for_an_unknown_path(sandbox):
    response = await send(sandbox, MAILGUN, domain="a/b")
    assert response.status == 200  # quoted, so that it stays one domain
    request = MAILGUN.build(DRAFT, ID, account_of(sandbox, MAILGUN))
    wrong = HttpRequest(method="POST", url=sandbox.url("mailgun") + "/v3", headers=request.headers, body=request.body)
    outcome = MAILGUN.read(await exchange(wrong), account_of(sandbox, MAILGUN))
    assert (outcome.kind, outcome.account_fault) == (Kind.REFUSED, True)


# --- lookups ---------------------------------------------------------------------------------------------------------


@both
async def test_a_lookup_finds_what_was_taken_and_nothing_else(sandbox, provider, clock):
    await send(sandbox, provider, "em_other.0")
    outcome = provider.read(await send(sandbox, provider), account_of(sandbox, provider))
    assert await look_up(sandbox, provider, clock.now) == Found(outcome.provider_message_id)
    assert await look_up(sandbox, provider, clock.now, "em_third.0") == Absent()


@both
async def test_a_lookup_misses_a_mail_until_the_lag_is_over(sandbox, provider, clock):
    sandbox.conduct.lookup_lag_s = 60
    started_at = clock.now
    await send(sandbox, provider)
    assert await look_up(sandbox, provider, started_at) == Absent()
    clock.now += 61
    assert isinstance(await look_up(sandbox, provider, started_at), Found)


@both
async def test_a_lookup_by_a_key_that_may_not_read_tells_nothing(sandbox, provider, clock):
    await send(sandbox, provider)
    sandbox.conduct.rejected_keys = frozenset({"key-one"})
    found = await look_up(sandbox, provider, clock.now)
    assert isinstance(found, Unclear)
    assert "lookup_api_key" in found.reason


@both
async def test_a_lookup_can_fail_while_sending_works(sandbox, provider, clock):
    await sandbox.put_faults(provider.name, plan("status", target=Target.LOOKUP))
    await send(sandbox, provider)
    assert isinstance(await look_up(sandbox, provider, clock.now), Unclear)
    assert sandbox.inbox.taken == TAKEN


async def test_mailguns_pages_lead_to_the_last_mail(sandbox, clock):
    for number in range(301):
        await send(sandbox, MAILGUN, f"em_{number}.0")
    assert await look_up(sandbox, MAILGUN, clock.now, "em_300.0") == Found("em_300.0@example.com")
    assert await look_up(sandbox, MAILGUN, clock.now, "em_301.0") == Absent()


# --- faults ----------------------------------------------------------------------------------------------------------


async def answered(sandbox, provider, **fault):
    await sandbox.put_faults(provider.name, plan(**fault))
    response = await send(sandbox, provider)
    return response, provider.read(response, account_of(sandbox, provider))


@both
async def test_refuse_closes_the_port_and_its_connections(sandbox, provider):
    account = account_of(sandbox, provider)
    reader, writer = await connect(account.settings["base_url"])
    writer.write(raw_request(provider.build(DRAFT, ID, account)))
    await read_response(reader)
    await sandbox.put_faults(provider.name, plan("refuse"))
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await send(sandbox, provider)
    await sandbox.put_faults(provider.name)
    assert (await send(sandbox, provider)).status in (200, 202)


@both
async def test_a_status_is_refused_in_the_providers_form(sandbox, provider):
    response, outcome = await answered(sandbox, provider, kind="status", status=400, text="no good")
    assert (response.status, outcome.kind, outcome.text) == (400, Kind.REJECTED, "no good")
    response, outcome = await answered(sandbox, provider, kind="status", status=429, retry_after="7")
    assert (outcome.kind, outcome.retry_after_s) == (Kind.THROTTLED, 7.0)
    assert not sandbox.inbox.taken


@both
async def test_html_comes_from_a_proxy_that_took_nothing(sandbox, provider):
    response, outcome = await answered(sandbox, provider, kind="html", status=403)
    assert (response.status, outcome.kind) == (403, Kind.UNAVAILABLE)
    assert not sandbox.inbox.taken


@both
async def test_garbage_is_an_accepted_mail_with_a_useless_answer(sandbox, provider):
    _, outcome = await answered(sandbox, provider, kind="garbage")
    assert outcome.kind is Kind.UNKNOWN
    assert sandbox.inbox.taken == TAKEN


@both
async def test_a_lost_mail_is_answered_with_success_and_shown_nowhere(sandbox, provider, clock):
    _, outcome = await answered(sandbox, provider, kind="lose")
    assert outcome.kind is Kind.ACCEPTED
    assert not sandbox.inbox.list()
    assert (sandbox.inbox.taken, sandbox.inbox.lost) == ({}, TAKEN)
    assert [caught.lost for caught in sandbox.inbox.find(ID)] == [True]
    assert await look_up(sandbox, provider, clock.now) == Absent()


@both
@pytest.mark.parametrize(("kind", "taken"), [("hang", {}), ("accept_hang", TAKEN)])
async def test_a_hanging_provider_never_answers(sandbox, provider, kind, taken):
    reader, writer = await connect(account_of(sandbox, provider).settings["base_url"])
    writer.write(raw_request(provider.probe(account_of(sandbox, provider))))
    await read_response(reader)
    await sandbox.put_faults(provider.name, plan(kind, count=1))
    writer.write(raw_request(provider.build(DRAFT, ID, account_of(sandbox, provider))))
    await send(sandbox, provider, "em_later.0")  # its connection is accepted after the bytes above have arrived
    assert sandbox.inbox.taken == taken | {"em_later.0": 1}
    await sandbox.stop()
    assert await reader.read() == b""
    writer.close()


@both
@pytest.mark.parametrize(("kind", "taken"), [("reset", {}), ("accept_reset", TAKEN)])
async def test_a_reset_is_seen_as_one(sandbox, provider, kind, taken):
    await sandbox.put_faults(provider.name, plan(kind))
    with pytest.raises(ConnectionResetError):
        await send(sandbox, provider)
    assert sandbox.inbox.taken == taken


async def test_a_slow_answer_comes_after_the_mail_was_taken(sandbox):
    loop = asyncio.get_running_loop()
    await sandbox.put_faults("sendgrid", plan("slow", delay_s=0.05))
    begun = loop.time()
    assert (await send(sandbox, SENDGRID)).status == 202
    assert loop.time() - begun >= 0.05
    assert sandbox.inbox.taken == TAKEN


async def test_a_counted_fault_ends_by_itself(sandbox):
    await sandbox.put_faults("sendgrid", plan("status", status=503, count=2))
    assert [(await send(sandbox, SENDGRID)).status for _ in range(3)] == [503, 503, 202]
    assert sandbox.faults["sendgrid"].plans == []


async def test_a_timed_fault_ends_by_itself_and_opens_the_port_again(sandbox):
    brief = plan("refuse", for_s=0.05)
    await sandbox.put_faults("sendgrid", brief, plan("status", status=503))
    assert 0 < sandbox.left_s("sendgrid", brief) <= 0.05
    with pytest.raises(ConnectionRefusedError):
        await send(sandbox, SENDGRID)
    await until_open(sandbox.url("sendgrid"))
    assert sandbox.left_s("sendgrid", brief) is None
    assert (await send(sandbox, SENDGRID)).status == 503  # the other one has no end


async def test_a_timed_fault_that_was_replaced_ends_nothing(sandbox):
    same = {"kind": "status", "status": 503, "for_s": 0.02}
    await sandbox.put_faults("sendgrid", plan(**same))
    await sandbox.put_faults("sendgrid", plan(**same | {"for_s": 60.0}))
    await asyncio.sleep(0.05)
    assert (await send(sandbox, SENDGRID)).status == 503


async def test_what_is_told_of_a_mail_can_be_a_fault_that_its_request_does_not_feel(sandbox):
    told = []
    sandbox.telling.caught = lambda caught, fate: told.append(fate)
    await sandbox.put_faults("mailgun", plan("bounce", count=1), plan("complain", count=1))
    assert [(await send(sandbox, MAILGUN)).status for _ in range(3)] == [200, 200, 200]
    assert told == ["bounce", "complain", None]


async def test_of_muted_mail_nothing_is_posted_and_its_provider_lists_what_became_of_it(sandbox, clock):
    heard = asyncio.Queue()

    async def hear(peer):
        heard.put_nowait((await peer.request()).partition(b"\r\n\r\n")[2])
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with ScriptedServer(hear) as server:
        sandbox.telling.tell("mailgun", f"{server.url}/", sandbox.url("mailgun"))
        await sandbox.put_faults("mailgun", plan("mute", count=1))
        for number in (1, 2):
            assert (await send(sandbox, MAILGUN, delivery_id=f"{ID}{number}")).status == 200
        async with asyncio.timeout(GIVEN_UP_S):
            told = [json.loads(await heard.get())["event-data"] for _ in ("accepted", "delivered")]
        assert {event["user-variables"]["everpost_id"] for event in told} == {f"{ID}2"}
        assert heard.empty()
    question = MAILGUN.history.start(account_of(sandbox, MAILGUN), 0.0, clock() + 1)
    listed = [(one.delivery_id, one.kind) for one in question.read(await exchange(question.request)).told]
    assert {*listed} == {
        (f"{ID}{number}", kind) for number in (1, 2) for kind in (SightingKind.QUEUED, SightingKind.DELIVERED)
    }


def test_shares_are_drawn_from_the_given_chance():
    draws = []
    for _ in range(2):
        faults = Faults(Random(1))
        faults.put(plan("status", share=0.2), plan("lose", share=0.5))
        draws.append([faults.draw(Target.SEND) for _ in range(1000)])
    kinds = [drawn.kind if drawn else None for drawn in draws[0]]
    assert draws[0] == draws[1]
    assert 150 < kinds.count(FaultKind.STATUS) < 250
    assert 350 < kinds.count(FaultKind.LOSE) < 450


# --- the control port ------------------------------------------------------------------------------------------------


async def control(sandbox, method, path, value=None, base=None):
    body = b"" if value is None else json.dumps(value).encode()
    response = await exchange(
        HttpRequest(method=method, url=(base or sandbox.control_url) + path, headers={}, body=body)
    )
    return response.status, json.loads(response.body) if response.body else None


async def test_faults_are_steered_over_http(sandbox):
    path = "/_sandbox/sendgrid/faults"
    given = {"kind": "refuse", "share": 1.0, "count": None, "status": 500, "delay_s": 0}
    assert (await control(sandbox, "PUT", path, given))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        await send(sandbox, SENDGRID)
    assert (await control(sandbox, "GET", path))[1]["data"][0]["kind"] == "refuse"
    assert (await control(sandbox, "DELETE", path))[0] == 200
    assert (await send(sandbox, SENDGRID)).status == 202


async def test_faults_are_steered_at_the_providers_own_port_too(sandbox):
    for base in (sandbox.url("sendgrid"), sandbox.url("mailgun")):
        assert (await control(sandbox, "PUT", "/_sandbox/faults", {"kind": "status"}, base))[0] == 200
        assert (await control(sandbox, "GET", "/_sandbox/faults", base=base))[1]["data"][0]["kind"] == "status"
    assert (await send(sandbox, SENDGRID)).status == 500
    assert (await send(sandbox, MAILGUN)).status == 500


@pytest.mark.parametrize("value", [{"kind": "none"}, {"kind": "lose", "share": 2}, {"kind": "lose", "part": 1}, "x"])
async def test_a_wrong_fault_is_refused_with_its_reason(sandbox, value):
    status, answer = await control(sandbox, "PUT", "/_sandbox/mailgun/faults", value)
    assert status == 400
    assert answer["message"]


async def test_the_inbox_is_shown_and_emptied_over_http(sandbox):
    await send(sandbox, SENDGRID)
    (seen,) = (await control(sandbox, "GET", "/_sandbox/inbox"))[1]["data"]
    assert (seen["from"], seen["to"], seen["delivery_id"]) == ("Ann <ann@example.com>", ["bob@example.org"], ID)
    whole = (await control(sandbox, "GET", f"/_sandbox/inbox/{seen['id']}"))[1]
    assert whole["draft"]["text"] == "It works"
    assert (await control(sandbox, "GET", f"/_sandbox/inbox?delivery_id={ID}"))[1]["data"] == [seen]
    assert (await control(sandbox, "GET", "/_sandbox/ledger"))[1] == {"taken": TAKEN, "lost": {}}
    assert (await control(sandbox, "DELETE", "/_sandbox/inbox"))[0] == 204
    assert (await control(sandbox, "GET", f"/_sandbox/inbox/{seen['id']}"))[0] == 404
    assert (await control(sandbox, "GET", "/_sandbox/nothing/faults"))[0] == 404


async def test_a_taken_port_leaves_none_open():
    first, second = Sandbox(), Sandbox()
    await first.start()
    with pytest.raises(OSError, match="address already in use"):
        await second.start(ports={"control": int(first.control_url.rpartition(":")[2])})
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*second.smtp_address)
    await first.stop()
