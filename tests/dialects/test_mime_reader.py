"""What is read of a mail that a client hands in; the rest is refused."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from drafts import drafts
from everpost.dialects.faults import Faults
from everpost.dialects.fields import check_content, check_direction, check_line
from everpost.dialects.mime_orders import is_order, stripped, without_orders
from everpost.dialects.mime_parts import take_apart
from everpost.dialects.mime_reader import read
from everpost.dialects.mime_words import Unreadable, decode_words, parse_parameters
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.providers.mime import mime_fault, render_mime

BOB = Address("bob@example.org")
HEAD = b"From: ann@example.com\r\nTo: bob@example.org\r\nSubject: Hello\r\n"
ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"


def parsed(data, recipients=(BOB,)):
    try:
        found = read(without_orders(take_apart(data)), recipients)
    except Unreadable as unreadable:
        return str(unreadable)
    return "; ".join(f"{each.field}: {each.message}" for each in found.errors) if isinstance(found, Problem) else found


def of(kind, *parts, fields=""):
    boundary = kind.partition("/")[2]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return f"{fields}Content-Type: {kind}; boundary={boundary}\r\n\r\n{body}"


TEXT = "Content-Type: text/plain\r\n\r\ntext"
HTML = "Content-Type: text/html\r\n\r\nhtml"
PNG = "Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC"
PDF = "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF"
INVITE = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR"


def with_body(body):
    return parsed(HEAD + body.encode())


def may_come_in(draft):
    """Whether it keeps to what is asked of all who hand in mail."""
    faults = Faults()
    check_content(draft, faults)
    for line in (draft.subject, *draft.headers.values()):
        check_line(line, limits.HEADER_VALUE_CHARS_MAX, "line", faults)
    for each in (draft.sender, *draft.recipients, *draft.reply_to):
        check_direction(each.name, "name", faults)
    for part in draft.attachments:
        check_direction(part.filename, "filename", faults)
    return not faults


def in_lines(text):
    """Any line break is the same, and one at the end may come or go."""
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def expected(draft):
    """As it was rendered: what the header can't say is left out, and inline files come first."""
    inline = [part for part in draft.attachments if part.content_id is not None and draft.html is not None]
    others = [replace(part, content_id=None) for part in draft.attachments if part not in inline]
    kept = {name: getattr(Draft(sender=draft.sender), name) for name in ("tags", "metadata", "send_at", "expires_at")}
    text = "" if draft.text is None and draft.html is None else draft.text
    return replace(
        draft,
        **kept,
        bcc=tuple(Address(each.email) for each in draft.bcc),
        text=in_lines(text),
        html=in_lines(draft.html),
        attachments=(*inline, *others),
        headers=draft.headers | ({} if "Message-ID" in draft.headers else {"Message-ID": None}),
        route="default",
        on_unknown=None,
        resolve_within_s=None,
        provider_options={},
    )


@given(drafts())
def test_what_our_own_writer_has_written_is_read_back(draft):
    assume(mime_fault(draft) is None and may_come_in(draft))
    found = parsed(render_mime(draft, ID), tuple(Address(each.email) for each in draft.recipients))
    assert isinstance(found, Draft), found
    headers = found.headers if "Message-ID" in draft.headers else found.headers | {"Message-ID": None}
    found = replace(found, text=in_lines(found.text), html=in_lines(found.html), headers=headers)
    assert asdict(found) == asdict(expected(draft))


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_bytes_without_sense_are_refused_with_a_reason(noise):
    for data in (noise, HEAD + noise, HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + noise):
        assert isinstance(parsed(data), str | Draft)


@pytest.mark.parametrize(
    ("body", "text", "html", "files"),
    [
        ("\r\ntext", "text", None, []),
        (TEXT, "text", None, []),
        (HTML, None, "html", []),
        ("\r\n", "", None, []),
        (PDF, "", None, [("a.pdf", None)]),
        (of("multipart/alternative", TEXT, HTML), "text", "html", []),
        (
            of("multipart/alternative", TEXT, of("multipart/related", HTML, PNG)),
            "text",
            "html",
            [("attachment", "logo")],
        ),
        (
            of("multipart/related", of("multipart/alternative", TEXT, HTML), PNG),
            "text",
            "html",
            [("attachment", "logo")],
        ),
        (of("multipart/mixed", of("multipart/alternative", TEXT, HTML), PDF), "text", "html", [("a.pdf", None)]),
        (of("multipart/mixed", TEXT, PDF, TEXT), "text", None, [("a.pdf", None), ("text.txt", None)]),
        (of("multipart/alternative", TEXT, HTML, PDF), "text", "html", [("a.pdf", None)]),
        (of("multipart/alternative", TEXT, HTML, INVITE), "text", "html", [("invite.ics", None)]),
        (
            of("multipart/mixed", TEXT, "Content-Type: message/rfc822\r\n\r\nFrom: a\r\n\r\nb"),
            "text",
            None,
            [("message.eml", None)],
        ),
    ],
)
def test_the_usual_structures_are_read(body, text, html, files):
    found = with_body(body)
    assert isinstance(found, Draft), found
    assert (found.text, found.html) == (text, html)
    assert [(part.filename, part.content_id) for part in found.attachments] == files


@pytest.mark.parametrize("line_end", ["\r\n", "=0D\r\n", "=0D=0A"])
def test_the_lines_of_a_text_end_by_lf_however_they_were_written(line_end):
    head = "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    assert with_body(f"{head}Gr=C3=BC=C3=9Fe{line_end}.{line_end}").text == "Grüße\n.\n"


def test_a_mail_within_the_mail_and_an_invitation_keep_all_their_bytes():
    inner = "From: a@example.com\r\nX-Odd:  two  blanks \r\n\r\nbody\r\n"
    found = with_body(of("multipart/mixed", TEXT, f"Content-Type: message/rfc822\r\n\r\n{inner}", INVITE))
    assert found.attachments == (
        Attachment(filename="message.eml", content_type="message/rfc822", content=inner.encode()),
        Attachment(filename="invite.ics", content_type="text/calendar; method=REQUEST", content=b"BEGIN:VCALENDAR"),
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (of("multipart/signed", TEXT, PDF), "would be broken"),
        (of("multipart/encrypted", TEXT, PDF), "would be broken"),
        (of("multipart/alternative", TEXT, "Content-Type: text/x-amp-html\r\n\r\namp", HTML), "text/x-amp-html"),
        (of("multipart/alternative", TEXT, TEXT), "text/plain"),
        ("Content-Type: text/plain; charset=klingon\r\n\r\nx", "'klingon' is not known"),
        ("Content-Type: text/plain; charset=punycode\r\n\r\nx", "'punycode' is not known"),
        (
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==",
            "not in its character set",
        ),
        ("Content-Transfer-Encoding: base64\r\n\r\n???", "not base64"),
        ("Content-Transfer-Encoding: x-uuencode\r\n\r\nx", "'x-uuencode' is not known"),
        ("Content-Type: multipart/mixed\r\n\r\nx", "boundary"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\nx", "does not occur"),
        ("X-Odd: =?klingon?q?x?=\r\n\r\nx", "'klingon' is not known"),
        ("X-Odd: a\r\nX-Odd: b\r\n\r\nx", "is given twice"),
        ("X-Odd: \u001f\r\n\r\nx", "control character"),
        ("Cc: eve@example.org\r\n\r\nx", "is shown and is no recipient"),
        ("Cc: eve\r\n\r\nx", "needs an @"),
        (
            "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''a%0D%0Ab\r\n\r\nx",
            "control character",
        ),
    ],
)
def test_what_can_not_be_carried_is_refused_with_the_reason(body, told):
    assert told in with_body(body)


def test_bombs_are_put_out_before_they_take_time_or_memory():
    many = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 1_000_000
    assert f"more than {limits.MIME_PARTS_MAX} parts" in parsed(many)
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    assert f"more than {limits.MIME_DEPTH_MAX} levels" in parsed(HEAD + levels)
    assert f"more than {limits.MIME_HEAD_BYTES_MAX} bytes" in parsed(HEAD + b"X-A: b\r\n" * 100_000 + b"\r\n")
    assert "headers: " in parsed(HEAD + b"".join(b"X-%d: b\r\n" % n for n in range(1000)) + b"\r\n")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("=?utf-8?b?w6Q=?= =?utf-8?q?=C3=B6?=", "äö"),
        ("=?utf-8?b?w6TD?= =?utf-8?b?tg==?=", "äö"),  # cut within a character
        ("=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=B6?=", "äö"),
        ("a =?utf-8*en?q?b_c?= d", "a b c d"),
        ("=?no word?=", "=?no word?="),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_read(value, meant):
    assert decode_words(value) == meant


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ('a/b; Name="x; \\"y\\""', {"name": 'x; "y"'}),
        ("a/b; filename*=utf-8'en'%C3%A4.txt", {"filename": "ä.txt"}),
        ("a/b; filename*0*=iso-8859-1''%E4; filename*1=b.txt", {"filename": "äb.txt"}),
        ("a/b; filename*1=b; filename*0=a", {"filename": "ab"}),
        ('a/b; filename="=?utf-8?q?=C3=A4?="', {"filename": "ä"}),
        ("a/b; filename=two words.txt", {"filename": "two words.txt"}),
        ("a/b", {}),
    ],
)
def test_parameters_are_read(value, parameters):
    assert parse_parameters(value) == ("a/b", parameters)


def test_fields_for_us_are_taken_out_with_their_folds_and_nothing_else():
    data = b"X-Everpost-Tags: a,\r\n b\r\nX-Mine: c\r\n d\r\nIdempotency-Key: k\r\n\r\nX-Everpost-Tags: stays\r\n"
    assert stripped(data) == b"X-Mine: c\r\n d\r\n\r\nX-Everpost-Tags: stays\r\n"
    assert is_order("resend-idempotency-key")
