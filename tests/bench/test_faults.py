"""What counts as lost and as sent twice, and the books that it is counted from."""

import asyncio
import json

import pytest

import stub
from callers import Callers, SmtpLine
from parts.faults import count
from peers.queues import _master
from providers import two_providers


@pytest.mark.parametrize(
    ("acknowledged", "taken", "words"),
    [
        ({"a", "b"}, {"a": 1, "b": 1}, "2 / 0 / 0"),
        ({"a", "b"}, {"a": 1}, "2 / 1 / 0"),
        ({"a"}, {"a": 2, "b": 3}, "1 / 0 / 2"),  # twice is twice, acknowledged or not
        (set(), {}, "0 / 0 / 0"),  # what was not acknowledged is not lost
        (set(), {"z": 2}, "0 / 0 / 0"),  # somebody else's
    ],
)
def test_lost_is_acknowledged_and_nowhere_and_twice_is_more_than_once(acknowledged, taken, words):
    assert count(["a", "b"], acknowledged, taken).words == words


@pytest.mark.slow
def test_the_providers_remember_what_they_took_through_faults():
    with two_providers() as (first, second):
        second.fail({"kind": "status", "status": 500})
        for provider, prefix in ((first, "a"), (second, "b")):
            callers = Callers(SmtpLine(provider.mail_port))
            callers.send([f"{prefix}-1", f"{prefix}-2"], 2, lambda _: None)
            assert callers.acknowledged == ({"a-1", "a-2"} if prefix == "a" else set())
        assert (first.taken(), second.taken()) == ({"a-1": 1, "a-2": 1}, {})
        first.forget()
        assert first.taken() == {}


async def talk(party, *parts):
    """What is answered to these parts, to the end of the connection or until nothing more comes."""
    server = await asyncio.get_running_loop().create_server(party, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for part in parts:
        writer.write(part)
        await writer.drain()
    answers = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    server.close()
    return answers.decode().split("\r\n")


async def test_the_stub_of_a_mail_server_counts_mails_and_answers_in_order():
    books = stub.Books()
    mail = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
    content = b"Subject: one\r\n\r\nbody\r\n..\r\nmore\r\n.\r\n"
    for _ in range(2):
        answers = await talk(lambda: stub.Session(books, 0.01), b"EHLO x\r\n", mail, content + b"QUIT\r\n")
        assert [line[:3] for line in answers if line] == ["220", *["250"] * 5, "354", "250", "221"]
    assert (books.taken, books.ids) == (2, {b"one"})


@pytest.mark.parametrize("separator", ["", " "])
async def test_the_stub_of_an_api_counts_mails_by_their_subject(separator):
    books = stub.Books()
    body = f'{{"subject":{separator}"two"}}'.encode()
    post = b"POST /v3/mail/send HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    for _ in range(2):
        books.take(post)
    assert json.loads(books.told().partition(b"\r\n\r\n")[2]) == {"taken": 2, "different": 1}


async def test_the_stub_of_an_api_takes_no_question_for_a_mail():
    books = stub.Books()
    ask = b"POST /v3/logs HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    count = b"GET /count HTTP/1.1\r\n\r\n"
    server = await asyncio.get_running_loop().create_server(lambda: stub.Connection(books, 0.0), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(ask + count)
    assert await reader.readuntil(b"\r\n\r\n") == stub.NO_RECORDS
    told = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    assert json.loads(told.partition(b"\r\n\r\n")[2]) == {"taken": 0, "different": 0}
    writer.close()
    server.close()


def test_postfix_is_moved_to_its_port_and_out_of_any_chroot():
    usual = (
        "# comment\n"
        "smtp      inet  n       -       y       -       -       smtpd\n"
        "pickup    unix  n       -       y       60      1       pickup\n"
        "maildrop  unix  -       n       n       -       -       pipe\n"
        "  flags=DRXhu user=vmail argv=/usr/bin/maildrop\n"
    )
    assert _master(usual, 2500).splitlines() == [
        "# comment",
        "127.0.0.1:2500 inet n - n - - smtpd",
        "pickup unix n - n 60 1 pickup",
        "maildrop unix - n n - - pipe",
        "  flags=DRXhu user=vmail argv=/usr/bin/maildrop",
    ]
