"""A probe tells whether a provider is there and takes the credentials; nothing is sent, and no secret is told."""

import time

import pytest

from everpost.engine.probing import Verdict, probe
from everpost.engine.wire import NetworkWire
from everpost.model.account import Account
from everpost.model.outcome import Kind, Outcome
from everpost.providers.contract import HttpRequest, Limits, Provider, Security, SmtpProbe, Unsendable
from everpost.providers.smtp.adapter import PROVIDER as SMTP
from scripted_mail import Dialogue
from scripted_server import ScriptedServer

LOGIN = {"username": "ann", "password": "s3cret-word"}


def posting(start, **fields):
    return Provider(
        name="post",
        title="Post",
        docs="https://example.com/docs",
        settings=(),
        limits=Limits(recipients_max=1, content_bytes_max=1),
        build=lambda *_: Unsendable("a table only"),
        read=lambda *_: Outcome(kind=Kind.UNKNOWN, text="no such key: s3cret-word of ann@example.com"),
        resolve=None,
        probe=start,
        **fields,
    )


async def probed(provider, **settings):
    wire = NetworkWire()
    try:
        account = Account(name="one", provider=provider.name, settings=settings)
        return await probe(wire, account, provider, time.monotonic)
    finally:
        await wire.close()


def mail_server(server, **settings):
    return {"host": server.host, "port": str(server.port), "security": Security.NONE.value} | settings


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, "works"), (204, "works"), (401, "refused"), (403, "unclear"), (302, "unclear")]
)
async def test_the_status_decides_and_whatever_the_table_does_not_name_is_unclear(status, verdict):
    async def answers(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
        await peer.until_left()

    async with ScriptedServer(answers) as server:
        headers = {"Authorization": "Bearer s3cret-word"}
        request = HttpRequest(method="GET", url=f"{server.url}/scopes", headers=headers)
        found = await probed(posting(lambda _: request, probe_refused=frozenset({401})))
    assert (found.verdict, found.status) == (verdict, status)
    assert "s3cret-word" not in found.text
    assert "ann@example.com" not in found.text
    assert ("no such key" in found.text) == (verdict != "works")
    assert [asked.partition(b" HTTP")[0] for asked in server.requests] == [b"GET /scopes"]


async def test_a_provider_without_a_probe_is_not_asked():
    assert (await probed(posting(None))).verdict is Verdict.UNASKED


@pytest.mark.parametrize(
    ("steps", "verdict", "status"),
    [
        ({"NOOP": "250 Ok"}, "works", 250),
        ({"AUTH": "535 5.7.8 wrong: s3cret-word"}, "refused", 535),
        ({"AUTH": "454 4.7.0 later"}, "unclear", 454),
        ({"NOOP": "421 4.3.2 too busy"}, "unclear", 421),
        ({"greeting": "554 no"}, "unclear", 554),
        ({"greeting": "hello?"}, "unreachable", None),
    ],
)
async def test_a_mail_server_is_logged_in_to(steps, verdict, status):
    async with ScriptedServer(Dialogue(**steps)) as server:
        found = await probed(SMTP, **mail_server(server, **LOGIN))
    assert (found.verdict, found.status) == (verdict, status)
    assert "s3cret-word" not in found.text


def test_the_probe_of_a_mail_server_is_its_session_alone():
    settings = {"host": "mail.example.com", **LOGIN}
    assert SMTP.probe(Account(name="one", provider="smtp", settings=settings)) == SmtpProbe(
        host="mail.example.com", port=587, security=Security.STARTTLS, **LOGIN
    )
