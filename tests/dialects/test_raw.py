"""Whole mails that go out as they stand: what is read of them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects import raw
from everpost.model import limits
from everpost.model.message import Address, Draft

HEAD = "From: Ann <ann@example.com>\r\nTo: Bob <bob@example.org>\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"


def mail(more="", body="Hello\r\n", head=HEAD):
    return (head + more + "\r\n" + body).encode("latin-1")


def faults(data, envelope=()):
    found = raw.parse(data, envelope)
    assert found.code == "validation_failed"
    return {error.field: error.message for error in found.errors}


lines = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=80)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)


@given(st.lists(lines, max_size=8), st.lists(values, max_size=4), st.booleans())
def test_what_goes_in_is_kept_byte_for_byte(body, fields, is_folded):
    fold = "\r\n\tx" if is_folded else ""
    data = mail(
        "".join(f"X-{n}:{value}{fold}\r\n" for n, value in enumerate(fields)), "".join(f"{x}\r\n" for x in body)
    )
    read = raw.parse(data)
    assert isinstance(read, Draft), read
    assert read.raw == data
    assert read.is_raw


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: mail() + tail))
def test_whatever_comes_is_read_or_refused(data):
    read = raw.parse(data)
    if isinstance(read, Draft):
        assert read.raw.count(b"\r\n") == read.raw.count(b"\r") == read.raw.count(b"\n")
        assert b"\0" not in read.raw


def test_lines_that_all_end_by_lf_end_by_crlf_and_the_last_one_ends():
    assert raw.parse(mail(body="a\r\nb").replace(b"\r\n", b"\n")).raw == mail(body="a\r\nb\r\n")


@pytest.mark.parametrize(
    "bare", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n.\r\n", b"a\n.\r\nMAIL FROM:<eve@example.net>\r\n", b"\r.\r\n"]
)
def test_a_line_break_that_only_some_servers_see_is_refused_with_its_line(bare):
    assert faults(mail(body="first\r\n") + bare)["body"].startswith("line 6 has a CR or LF that stands alone")


def test_bcc_is_taken_out_and_written_to_all_the_same():
    read = raw.parse(mail("Bcc: eve@example.net,\r\n\tzoe@example.net\r\nX-Order: 1\r\n"))
    assert [address.email for address in read.bcc] == ["eve@example.net", "zoe@example.net"]
    assert read.raw == mail("X-Order: 1\r\n")


def test_the_envelope_says_whom_it_is_for_and_the_fields_where_they_are_shown():
    data = mail("Cc: Cleo <cleo@example.org>, absent@example.org\r\nBcc: not-sent-to@example.org\r\n")
    read = raw.parse(data, ["CLEO@example.org", "hidden@example.net", "bob@example.org"])
    assert read.to == (Address("bob@example.org", "Bob"),)
    assert read.cc == (Address("cleo@example.org", "Cleo"),)
    assert read.bcc == (Address("hidden@example.net"),)


def test_a_mail_to_nobody_who_is_shown_goes_to_the_envelope():
    hidden = HEAD.replace("Bob <bob@example.org>", "undisclosed-recipients:;")
    assert raw.parse(mail(head=hidden), ["eve@example.net"]).bcc == (Address("eve@example.net"),)
    assert "nobody is named" in faults(mail(head=hidden))["to"]


def test_sender_answers_for_several_who_have_written_it():
    several = HEAD.replace("Ann <ann@example.com>", "ann@example.com, abe@example.com")
    assert "Sender must name one" in faults(mail(head=several))["from"]
    assert raw.parse(mail("Sender: abe@example.com\r\n", head=several)).sender == Address("abe@example.com")


def test_the_subject_is_read_to_be_shown_in_one_line():
    assert raw.parse(mail("Subject: =?utf-8?b?w6QNCkJjYzogeA==?=\r\n")).subject == "ä  Bcc: x"


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        (mail(head=HEAD.replace("Date", "X-Date")), "date", "is missing"),
        (mail(head=HEAD.replace("From", "X-From")), "from", "is missing"),
        (mail("From: eve@example.net\r\n"), "from", "is given twice"),
        (mail("Subject: a\r\nSUBJECT: b\r\n"), "subject", "is given twice"),
        (mail("X-Everpost-Id: em_1.0\r\n"), "x-everpost-id", "written by Everpost"),
        (mail("X-MC-BccAddress: eve@example.net\r\n"), "x-mc-bccaddress", "an order"),
        (mail("X-SES-Message-Tags: a=b\r\n"), "x-ses-message-tags", "an order"),
        (mail("X-SMTPAPI: {}\r\n"), "x-smtpapi", "an order"),
        (mail("Subject: \xe4\r\n"), "body", "line 4 is no header field in ASCII"),
        (mail("No field\r\n"), "body", "line 4 is no header field"),
        (mail("Subject : a\r\n"), "body", "line 4 is no header field"),
        (mail("Subject: a\r\n \r\n"), "body", "line 5 is no header field"),
        (b"From ann Thu Jan 1\r\n" + mail(), "body", "line 1 is no header field"),
        (b" folded: before all\r\n" + mail(), "body", "line 1 is no header field"),
        (mail(body="a\0b\r\n"), "body", "line 5 has a NUL"),
        (mail(body="a\r\n" + "x" * 999 + "\r\n"), "body", "line 6 is longer than the 998 bytes"),
        (mail("To: x\r\n", head=HEAD.replace("To:", "X-To:")), "to[0]", "needs an @"),
        (mail("X-A: b\r\n" * (limits.RAW_HEAD_BYTES_MAX // 8)), "body", "the header has"),
        (b"", "body", "line 1 is no header field"),
        (mail(body="a\r\n" * (limits.CONTENT_BYTES_MAX // 3)), "body", "bytes, at most"),
        (
            mail("Cc: " + ",\r\n ".join(f"a{n}@b.org" for n in range(limits.RECIPIENTS_MAX)) + "\r\n"),
            "to",
            "1001 recip",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_is_wrong_is_named_with_its_place(data, field, words):
    assert words in faults(data)[field]


def test_a_line_of_998_bytes_is_taken():
    assert raw.parse(mail(body="x" * 998 + "\r\n")).raw.endswith(b"x" * 998 + b"\r\n")


def test_an_envelope_that_can_t_be_read_is_named():
    assert "needs an @" in faults(mail(), ["bob@example.org", "eve"])["envelope[1]"]
