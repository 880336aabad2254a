"""A large mail is read and packed aside, whichever way it comes: meanwhile everybody else is answered."""

import asyncio
import base64
import threading
from contextlib import asynccontextmanager

import pytest

from everpost.dialects.raw import MEDIA_TYPE
from everpost.entrypoints.http.app import build_app
from everpost.model.limits import IN_LOOP_BYTES_MAX
from everpost.model.message import Address
from http_kit import NATIVE, ORIGINAL, Caller, ScriptedWire, running
from smtp_kit import MAIL, submitting

LONG_S = 30  # that a test which fails takes
OTHERS = 20  # who are answered meanwhile: a mail that was not put aside would be done long before the last of them
TURNS_MAX = 100_000  # of the event loop, until a mail has come by a socket of this machine
FILE = bytes(range(256)) * (IN_LOOP_BYTES_MAX // 256)
CODED = base64.b64encode(FILE).decode()
LARGE = (
    MAIL.removesuffix(b"\r\nIt works\r\n")
    + b"Date: Thu, 01 Jan 2026 09:00:00 +0000\r\nContent-Type: application/pdf\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(FILE).replace(b"\n", b"\r\n")
)


@asynccontextmanager
async def occupied(aside):
    """While whatever is put aside has to wait. What it brings is to be called to end that."""
    gate = threading.Event()
    first = asyncio.create_task(aside.run(IN_LOOP_BYTES_MAX + 1, lambda: gate.wait(LONG_S)))
    await asyncio.sleep(0)
    try:
        yield gate.set
    finally:
        gate.set()
        assert await first


def multipart(file, *fields):
    """A form; of the file, its name there and its content."""
    head = b'--B\r\nContent-Disposition: form-data; name="%b"'
    pieces = [(head + b'; filename="a.pdf"\r\n\r\n%b\r\n') % file]
    pieces += [(head + b"\r\n\r\n%b\r\n") % each for each in fields]
    return b"".join([*pieces, b"--B--\r\n"])


FORM = {"content-type": "multipart/form-data; boundary=B"}
RAW = {"content-type": MEDIA_TYPE}
TO = (b"to", b"bob@example.org")
MAILGUN = "/v3/mg.example.com/messages"
REQUESTS = {
    "native": ("/v1/emails", NATIVE | {"attachments": [{"filename": "a.pdf", "content": CODED}]}, {}),
    "native, by a key": (
        "/v1/emails",
        NATIVE | {"attachments": [{"filename": "a.pdf", "content": CODED}]},
        {"idempotency-key": "1"},
    ),
    "original": ("/sendEmail", ORIGINAL | {"text": "x" * IN_LOOP_BYTES_MAX}, {}),
    "raw": ("/v1/emails/raw", LARGE, RAW),
    "raw, by a key": ("/v1/emails/raw", LARGE, RAW | {"idempotency-key": "1"}),
    "mailgun": (
        MAILGUN,
        multipart((b"attachment", FILE), (b"from", b"ann@example.com"), TO, (b"subject", b"Hello"), (b"text", b"Hi")),
        FORM,
    ),
    "mailgun, whole": (f"{MAILGUN}.mime", multipart((b"message", LARGE), TO), FORM),
    "sendgrid": (
        "/v3/mail/send",
        {
            "from": {"email": "ann@example.com"},
            "personalizations": [{"to": [{"email": "bob@example.org"}]}],
            "subject": "Hello",
            "content": [{"type": "text/plain", "value": "Hi"}],
            "attachments": [{"filename": "a.pdf", "content": CODED}],
        },
        {},
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_large_request_lets_others_pass(name):
    path, body, headers = REQUESTS[name]
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, engine):
        call = Caller(build_app(services))
        async with occupied(engine.ports.aside) as release:
            large = asyncio.create_task(call("POST", path, body, headers))
            for _ in range(OTHERS):
                await asyncio.sleep(0)
                assert (await call("POST", "/v1/emails", NATIVE)).status == 202
            assert not large.done()
            release()
            answer = await large
            assert answer.status in (200, 202) or b"it takes no mail as it stands" in answer.body


async def test_a_large_mail_by_smtp_lets_others_pass():
    async with submitting() as served, served.client() as sender, served.client() as other:
        for each in (sender, other):
            await served.known(each)
        async with occupied(served.engine.ports.aside) as release:
            large = asyncio.create_task(send(sender, LARGE))
            await told_of(served.admission)
            for _ in range(OTHERS):
                assert (await send(other, MAIL)).startswith("250 2.0.0 queued as em_")
            assert not large.done()
            release()
            assert (await large).startswith("250 2.0.0 queued as em_")
        assert [mail.to for mail in await served.mails()][-1:] == [(Address("bob@example.org"),)]


async def told_of(admission):
    """Gives way until a mail is worked on."""
    for _ in range(TURNS_MAX):
        if admission.accepting:
            return
        await asyncio.sleep(0)
    raise AssertionError("no mail was worked on aside")


async def send(client, mail):
    for line in ("MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.org>", "DATA"):
        assert (await client.say(line))[:3] in ("250", "354")
    return await client.send(mail + b".\r\n")
