"""A whole mail comes out byte for byte where stand-ins of providers take it, but for our line."""

import asyncio
import ssl
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.dialects import raw
from everpost.engine.wire.smtp import SmtpTransport
from everpost.model.account import Account, Timeouts
from everpost.providers.contract import SmtpReply
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS, Sandbox
from everpost.wiring import PROVIDERS
from provider_cases import ID, STARTED_AT, account_of, submitted

HEAD = b"From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n\r\n"
OURS = b"X-Everpost-Id: " + ID.encode() + b"\r\n"
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/ses/aws4_request, x"}
parts = st.binary(max_size=60) | st.sampled_from([b".", b"..", b".\t", b"", b"QUIT", b"--x", b" "])
lines = st.lists(parts.map(lambda line: line.translate(None, b"\r\n\0")), max_size=6)


def mail_of(body):
    return raw.parse(HEAD + b"".join(line + b"\r\n" for line in body), ["bob@example.org", "eve@example.net"])


@pytest.mark.parametrize("name", ["ses", "mailgun", "sparkpost"])
@given(body=lines)
def test_an_api_gets_it_as_it_came(name, body):
    ascii_alone = [line.translate(None, bytes(range(128, 256))) for line in body]
    inbox, mail = Inbox(lambda: STARTED_AT), mail_of(ascii_alone if name == "sparkpost" else body)
    request = submitted(PROVIDERS[name].build(mail, ID, account_of(name)))
    if name == "ses":
        request = replace(request, headers=request.headers | SIGNED)
    api = APIS[name](inbox, Conduct(), lambda: STARTED_AT, Random(1))
    assert api.answer(request).status == 200
    (caught,) = inbox.list()
    assert caught.whole.removeprefix(OURS) == mail.raw
    assert caught.delivery_id == ID
    assert {address.email for address in caught.draft.recipients} == {"bob@example.org", "eve@example.net"}


async def caught_of(mails):
    """What a mail server gets, over a real connection each."""
    sandbox = Sandbox(clock=time.time, random=Random(7))
    await sandbox.start()
    transport = SmtpTransport(time.monotonic, ssl.create_default_context())
    host, port = sandbox.smtp_address
    account = Account(name="relay", provider="smtp", settings={"host": host, "port": str(port), "security": "none"})
    try:
        for mail in mails:
            request = PROVIDERS["smtp"].build(mail, ID, account)
            reply = await transport.send(request, Timeouts(), time.monotonic() + 60)
            assert isinstance(reply, SmtpReply)
            assert reply.code == 250
        return [caught.whole for caught in reversed(sandbox.inbox.list())]
    finally:
        transport.close()
        await sandbox.stop()


ODD = [[b"."], [b"..", b"."], [b"", b".", b"QUIT"], [bytes(range(14, 256))], [b"x" * 998], []]


def test_a_mail_server_gets_it_as_it_came_whatever_begins_its_lines():
    mails = [mail_of(body) for body in ODD]
    assert asyncio.run(caught_of(mails)) == [OURS + mail.raw for mail in mails]
