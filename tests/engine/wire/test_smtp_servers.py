"""Transactions with a real mail server, aiosmtpd, in a thread of its own: encryption, logins, limits, round trips."""

import asyncio
import datetime as dt
import threading
from contextlib import asynccontextmanager

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from everpost.providers.contract import Phase, Security, SmtpReply, SmtpStage
from scripted_server import LOOPBACK
from wire_kit import MAIL, mail_for, server_tls, smtp_outcome

TAKEN = (SmtpStage.DOT, 250)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Book:
    """Keeps what the server has taken."""

    host = LOOPBACK

    def __init__(self) -> None:
        self.port = 0
        self.requests = []
        self.logins = []
        self.encrypted = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.requests.append(envelope)
        self.encrypted.append(is_encrypted(server))
        return "250 2.0.0 Ok: queued as 4711"

    def authenticate(self, server, session, envelope, mechanism, login):
        self.logins.append((mechanism, login.login.decode(), login.password.decode(), is_encrypted(server)))
        return AuthResult(success=login.password == b"secret", handled=False)


def is_encrypted(server):
    return server.transport.get_extra_info("ssl_object") is not None


@pytest.fixture(scope="module")
def elsewhere():
    """Runs a coroutine function in another thread's loop, whichever loop the test has."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield lambda work: asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@asynccontextmanager
async def mail_server(elsewhere, *, implicit_tls=None, **options):
    book = Book()
    sessions = []

    def made():
        sessions.append(SMTP(book, hostname="mail.example", authenticator=book.authenticate, **options))
        return sessions[-1]

    async def start():
        server = await asyncio.get_running_loop().create_server(made, LOOPBACK, 0, ssl=implicit_tls)
        book.port = server.sockets[0].getsockname()[1]
        return server

    async def stop():
        server.close()
        for session in sessions:
            if session.transport is not None and not session.transport.is_closing():
                session.transport.abort()
        for _ in range(10):
            await asyncio.sleep(0)

    server = await elsewhere(start())
    try:
        yield book
    finally:
        await elsewhere(stop())


def server_side(how, context):
    if how is Security.STARTTLS:
        return {"tls_context": context, "require_starttls": True}
    return {"implicit_tls": context, "auth_require_tls": False}  # aiosmtpd does not see this kind of TLS


@pytest.mark.parametrize("how", [Security.STARTTLS, Security.TLS])
async def test_an_encrypted_session_with_a_login(send, elsewhere, trusted, how):
    async with mail_server(elsewhere, **server_side(how, trusted)) as book:
        request = mail_for(book, security=how, username="ann", password="secret")
        answer = await send(book, request)
        assert answer == SmtpReply(stage=SmtpStage.DOT, code=250, text="2.0.0 Ok: queued as 4711")
        assert book.logins == [("PLAIN", "ann", "secret", True)]
        (envelope,) = book.requests
        assert (envelope.mail_from, envelope.rcpt_tos) == (request.mail_from, list(request.rcpt_to))
        assert (envelope.content, book.encrypted) == (MAIL, [True])


@pytest.mark.parametrize("how", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize(
    "certificate",
    [
        lambda authority: server_tls(trustme.CA()),
        lambda authority: server_tls(authority, "elsewhere.example"),
        lambda authority: server_tls(authority, not_after=LONG_AGO),
    ],
    ids=["unknown authority", "wrong name", "expired"],
)
async def test_a_certificate_that_proves_nothing_is_given_neither_password_nor_mail(
    send, elsewhere, authority, how, certificate
):
    async with mail_server(elsewhere, **server_side(how, certificate(authority))) as book:
        answer = await send(book, mail_for(book, security=how, username="ann", password="secret"))
        assert smtp_outcome(answer) == (Phase.TLS, False)
        assert (book.logins, book.requests) == ([], [])


@pytest.mark.parametrize("how", [Security.STARTTLS, Security.TLS])
async def test_a_server_that_speaks_no_tls_is_given_neither_password_nor_mail(send, elsewhere, how):
    async with mail_server(elsewhere, auth_require_tls=False) as book:
        answer = await send(book, mail_for(book, security=how, username="ann", password="secret"))
        assert smtp_outcome(answer) == (Phase.TLS, False)
        assert (book.logins, book.requests) == ([], [])


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("password", "said"), [("secret", TAKEN), ("wrong", (SmtpStage.AUTH, 535))])
async def test_each_mechanism_with_a_right_and_a_wrong_password(send, elsewhere, mechanism, password, said):
    others = {"PLAIN", "LOGIN"} - {mechanism}
    async with mail_server(elsewhere, auth_require_tls=False, auth_exclude_mechanism=others) as book:
        assert smtp_outcome(await send(book, mail_for(book, username="ann", password=password))) == said
        assert book.logins == [(mechanism, "ann", password, False)]
        assert len(book.requests) == (said == TAKEN)


async def test_if_one_recipient_is_refused_nobody_gets_the_mail(send, elsewhere):
    async with mail_server(elsewhere) as book:
        request = mail_for(book, rcpt_to=("bob@example.org", "nobody@example.org", "eve@example.org"))
        answer = await send(book, request)
        assert answer == SmtpReply(stage=SmtpStage.RCPT, code=550, text="5.1.1 nobody", recipient="nobody@example.org")
        assert book.requests == []


@pytest.mark.parametrize(
    "data",
    [
        b".\r\n..\r\n...\r\n.a\r\n",
        b"Dots:\r\n.\r\nQUIT\r\n",
        "Ümlaut\r\n.é\r\n".encode(),
        b"x" * 998 + b"\r\n",
        b"\r\n\r\n",
        b"a line\r\n" * 30_000,
    ],
    ids=["dots", "a dot alone", "8 bit", "long line", "empty lines", "large"],
)
@pytest.mark.parametrize("how", [Security.NONE, Security.STARTTLS])
async def test_content_arrives_as_it_was_given(send, elsewhere, trusted, data, how):
    options = {"tls_context": trusted} if how is Security.STARTTLS else {}
    async with mail_server(elsewhere, **options) as book:
        assert smtp_outcome(await send(book, mail_for(book, data=data, security=how))) == TAKEN
        assert [envelope.content for envelope in book.requests] == [data]


async def test_content_with_other_line_ends_arrives_in_whole_lines(send, elsewhere):
    async with mail_server(elsewhere) as book:
        assert smtp_outcome(await send(book, mail_for(book, data=b"a\n.b\r.\n\nc"))) == TAKEN
        assert book.requests[0].content == b"a\r\n.b\r\n.\r\n\r\nc\r\n"


async def test_a_mail_that_is_too_large_is_refused_by_its_announced_size(send, elsewhere):
    async with mail_server(elsewhere, data_size_limit=1000) as book:
        assert smtp_outcome(await send(book, mail_for(book, data=b"x" * 70 + b"\r\n"))) == TAKEN
        assert smtp_outcome(await send(book, mail_for(book, data=(b"x" * 70 + b"\r\n") * 20))) == (SmtpStage.MAIL, 552)
        assert len(book.requests) == 1


@pytest.mark.parametrize(("enabled", "said"), [(True, TAKEN), (False, (SmtpStage.MAIL, 553))])
async def test_addresses_in_other_scripts_need_a_server_that_reads_them(send, elsewhere, enabled, said):
    async with mail_server(elsewhere, enable_SMTPUTF8=enabled) as book:
        request = mail_for(book, mail_from="άνν@example.com", rcpt_to=("βοβ@example.org",))
        assert smtp_outcome(await send(book, request)) == said
        assert [envelope.rcpt_tos for envelope in book.requests] == ([["βοβ@example.org"]] if enabled else [])
