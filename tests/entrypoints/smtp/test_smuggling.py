"""One mail is one mail, however its bytes are arranged: only CRLF ends a line, only CRLF.CRLF a mail."""

import itertools

import pytest

from everpost.entrypoints.smtp.lines import Broken, Content, take_line
from everpost.model import limits
from smtp_kit import MAIL, submitting

END = b"\r\n.\r\n"
BREAKS = (b"\r\n", b"\n", b"\r", b"\0", b"\n\r", b"\r\r\n", b"\r\n\n", b"\r\0\n")
LOOKALIKES = [
    first + dot + last
    for first, dot, last in itertools.product(BREAKS, (b".", b"..", b". ", b".\t"), BREAKS)
    if END not in first + dot + last
]
SECOND = b"MAIL FROM:<eve@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nFrom: eve@example.net\r\n\r\nsmuggled"


def read(data, cuts=()):
    """What is taken of a stream that comes in these pieces: the content, and what is left for the next command."""
    content, buffer = Content(), bytearray()
    for start, end in itertools.pairwise((0, *cuts, len(data))):
        buffer += data[start:end]
        if content.feed(buffer):
            return content.whole(), bytes(buffer) + data[end:]
    return None


def sound(data):
    return data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n") and b"\0" not in data


@pytest.mark.parametrize("lookalike", LOOKALIKES)
def test_what_only_looks_like_the_end_ends_nothing(lookalike):
    data = b"first" + lookalike + SECOND + END
    if not sound(data):
        with pytest.raises(Broken):
            read(data)
    else:
        whole, rest = read(data)
        assert rest == b""
        assert whole.endswith(b"smuggled\r\n")


@pytest.mark.parametrize("data", [b"one\r\n..two\r\n.three\r\n....\r\n" + b".\r\nNOOP\r\n", b".\r\nNOOP\r\n"])
def test_the_end_is_found_wherever_the_stream_is_cut(data):
    expected = read(data)
    assert expected[1] == b"NOOP\r\n"
    for cut in range(len(data)):
        assert read(data, (cut,)) == expected
    assert read(data, range(1, len(data))) == expected
    assert expected[0] in (b"one\r\n.two\r\nthree\r\n...\r\n", b"")


@pytest.mark.parametrize("broken", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r\r\n", b"\r\r\n", b"a\n", b"a\rb"])
def test_a_command_with_a_break_of_its_own_ends_the_connection(broken):
    with pytest.raises(Broken):
        take_line(bytearray(broken))


def test_a_command_and_a_line_have_a_greatest_length():
    with pytest.raises(Broken, match="at most"):
        take_line(bytearray(b"a" * limits.SMTP_COMMAND_BYTES_MAX))
    with pytest.raises(Broken, match="at most"):
        Content().feed(bytearray(b"a" * (limits.SMTP_LINE_BYTES_MAX + 1)))


@pytest.mark.parametrize("lookalike", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n"])
async def test_no_second_mail_is_smuggled_in_and_none_is_taken_of_such_a_stream(lookalike):
    async with submitting() as served, served.client() as client:
        await served.known(client)
        for line in ("MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.org>", "DATA"):
            await client.say(line)
        assert (await client.send(MAIL + lookalike + SECOND + END)).startswith("554 5.5.2")
        assert await client.rest() == b""
        assert await served.mails() == []


async def test_content_that_is_sent_ahead_of_the_word_to_begin_is_none():
    async with submitting() as served, served.client() as client:
        await served.known(client)
        await client.say("MAIL FROM:<ann@example.com>")
        ahead = b"RCPT TO:<bob@example.org>\r\nDATA\r\n" + MAIL + b".\r\n"
        assert (await client.send(ahead)).startswith("250 ")
        assert (await client.reply()).startswith("554 5.5.2")
        assert await client.rest() == b""
        assert await served.mails() == []
