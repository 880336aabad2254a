"""No text writes a header of its own, and no content costs much, by the door of Amazon SES: its requests hold whole
mails, templates and data for them."""

import base64
import json
import time

import pytest

from attacks.test_injection import BREAKS, DIRECTIONS, EVIL, LOOKS, check_headers
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import ses
from everpost.dialects.dropins.contract import Asked
from everpost.model.limits import JSON_VALUES_MAX, MIME_DEPTH_MAX, MIME_PARTS_MAX
from everpost.model.message import Draft
from everpost.model.problem import Problem

CPU_S = 2.0
SIMPLE = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works"}}}
MAIL = {
    "FromEmailAddress": "ann@example.com",
    "Destination": {"ToAddresses": ["bob@example.org"]},
    "Content": {"Simple": SIMPLE},
}
FILE = {"FileName": "a", "RawContent": "YQ=="}


def simple(**fields):
    return {"Content": {"Simple": SIMPLE | fields}}


def to(**fields):
    return {"Destination": MAIL["Destination"] | fields}


def template(subject, **data):
    content = {"Subject": subject, "Text": "x"}
    return {"Content": {"Template": {"TemplateContent": content, "TemplateData": json.dumps(data)}}}


PLACES = {
    "subject": lambda text: simple(Subject={"Data": text}),
    "from": lambda text: {"FromEmailAddress": f"Ann{text} <ann@example.com>"},
    "to": lambda text: to(ToAddresses=[f"bob{text}@example.org"]),
    "cc": lambda text: to(CcAddresses=[f"{text} <cc@example.org>"]),
    "bcc": lambda text: to(BccAddresses=[f"bcc@example.org{text}"]),
    "reply to": lambda text: {"ReplyToAddresses": [f"Desk{text} <desk@example.com>"]},
    "header name": lambda text: simple(Headers=[{"Name": f"X-A{text}", "Value": "1"}]),
    "header value": lambda text: simple(Headers=[{"Name": "X-A", "Value": text}]),
    "tag name": lambda text: {"EmailTags": [{"Name": text, "Value": "1"}]},
    "tag value": lambda text: {"EmailTags": [{"Name": "a", "Value": text}]},
    "file name": lambda text: simple(Attachments=[FILE | {"FileName": text}]),
    "file type": lambda text: simple(Attachments=[FILE | {"ContentType": f"a/b{text}"}]),
    "content id": lambda text: simple(Attachments=[FILE | {"ContentDisposition": "INLINE", "ContentId": f"a{text}"}]),
    "word of a template": lambda text: template("Hello {{name}}", name=text),
    "template": lambda text: template(f"Hello {text}"),
}


def parsed(fields):
    body = json.dumps(MAIL | fields).encode()
    return ses.parse(Submission(method="POST", path="/", query={}, headers={}, body=body))


@pytest.mark.parametrize("place", PLACES)
def test_a_control_character_is_refused_in_every_field(place):
    for text in BREAKS:
        assert isinstance(parsed(PLACES[place](f"a{text}{EVIL}")), Problem), ascii(text)


@pytest.mark.parametrize("place", ["from", "cc", "reply to", "file name"])
@pytest.mark.parametrize("control", DIRECTIONS, ids=ascii)
def test_no_name_is_turned_around(place, control):
    assert isinstance(parsed(PLACES[place](f"a{control}fdp.exe")), Problem)


@pytest.mark.parametrize("provider", ["ses", "mailgun", "smtp"])
@pytest.mark.parametrize("place", PLACES)
def test_what_only_looks_like_a_line_break_is_none(provider, place):
    for text in LOOKS:
        asked = parsed(PLACES[place](text))
        if isinstance(asked, Asked) and isinstance(asked.mails[0], Draft) and not asked.mails[0].provider_options:
            check_headers(provider, asked.mails[0])


@pytest.mark.parametrize("name", ["Bcc", "From", "X-SMTPAPI", "Received", "X-Everpost-Route"])
def test_no_header_names_further_recipients_or_what_is_written_for_you(name):
    assert isinstance(parsed(simple(Headers=[{"Name": name, "Value": "eve@evil.example"}])), Problem)


HEAD = b"From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"


def raw(whole):
    return {"Content": {"Raw": {"Data": base64.b64encode(whole).decode()}}}


@pytest.mark.parametrize(
    "line",
    [
        b"X-SES-MESSAGE-TAGS: a=b",
        b"x-ses-configuration-set: spy",
        b"From: eve@evil.example",
        b"To: eve@evil.example",
        b"X-Everpost-Surprise: 1",
    ],
)
def test_a_whole_mail_gives_no_orders_and_says_nothing_twice(line):
    assert isinstance(parsed(raw(HEAD + line + b"\r\n\r\nx\r\n")), Problem)


def nested(depth):
    levels = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return HEAD + b"".join(levels) + b"\r\nx"


BOMBS = {
    "parts within parts": raw(nested(MIME_DEPTH_MAX + 1)),
    "many levels": raw(nested(5000)),
    "many parts": raw(
        HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * (MIME_PARTS_MAX + 1)
    ),
    "a header without end": raw(HEAD + b"X-A: " + b"a" * 8_000_000),
    "many fields": raw(HEAD + b"X-A: a\r\n" * 500_000),
    "recipients in a field": raw(b"From: ann@example.com\r\nCc: " + b"c@example.org,\r\n " * 200_000 + b"\r\n\r\nx"),
    "recipients in a list": to(CcAddresses=["c@example.org"] * (JSON_VALUES_MAX - 100)),
    "words of a template": template("x" + "{{a}}" * 200_000, a="b" * 60_000),
    "names in a template": template("{{" * 2_000_000),
    "paths in a template": template(("{{" + "a." * 120 + "a}}") * 20_000),
    "different names in a template": template("".join(f"{{{{a{number}}}}}" for number in range(500_000))),
    "blanks in a template": template("{{" + " " * 5_000_000 + "{{a}}"),
    "depth of data": {"Content": {"Template": {"TemplateName": "a", "TemplateData": '{"a":' * 100_000}}},
}


@pytest.mark.parametrize("fields", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_a_bounded_cost(fields):
    body = json.dumps(MAIL | fields).encode()
    started = time.process_time()
    asked = ses.parse(Submission(method="POST", path="/", query={}, headers={}, body=body))
    assert time.process_time() - started < CPU_S
    assert isinstance(asked, Problem)
