"""The doors for providers' clients, as somebody hostile knocks: no header of their own, no bomb, and no text that is
more than a text."""

import json
import re
from urllib.parse import quote, urlencode

import pytest

from attacks.house import MAIL, ask
from attacks.test_injection import BREAKS, EVIL
from attacks.test_sql import CORPUS
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import mailgun, mailgun_whole, postmark, resend, sendgrid
from everpost.dialects.dropins.table import DROPINS
from everpost.model.problem import Problem

FORM = "application/x-www-form-urlencoded"
BOB = "bob@example.org"
SENDGRID = {
    "personalizations": [{"to": [{"email": BOB}]}],
    "from": {"email": "ann@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "It works"}],
}
FIELDS = {"from": "ann@example.com", "to": BOB, "subject": "Hello", "text": "It works"}
POSTMARK = {"From": "ann@example.com", "To": BOB, "Subject": "Hello", "TextBody": "It works"}
MIME = f"From: ann@example.com\r\nTo: {BOB}\r\nSubject: Hello\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n\r\nx\r\n"
PLACES = {
    "sendgrid": {
        "subject": lambda text: {"subject": text},
        "from": lambda text: {"from": {"email": "ann@example.com", "name": text}},
        "to": lambda text: {"personalizations": [{"to": [{"email": f"{BOB}{text}"}]}]},
        "reply_to": lambda text: {"reply_to": {"email": BOB, "name": text}},
        "header": lambda text: {"headers": {"X-A": text}},
        "header name": lambda text: {"headers": {f"X-A{text}": "1"}},
        "own header": lambda text: {"personalizations": [{"to": [{"email": BOB}], "headers": {"X-A": text}}]},
        "substitution": lambda text: {
            "subject": "Hello -a-",
            "personalizations": [{"to": [{"email": BOB}], "substitutions": {"-a-": text}}],
        },
        "category": lambda text: {"categories": [text]},
        "custom_args": lambda text: {"custom_args": {"a": text}},
        "file": lambda text: {"attachments": [{"content": "YQ==", "filename": text}]},
        "type": lambda text: {"attachments": [{"content": "YQ==", "filename": "a", "type": f"a/b{text}"}]},
    },
    "mailgun": {
        "subject": lambda text: {"subject": text},
        "from": lambda text: {"from": f"Ann{text} <ann@example.com>"},
        "to": lambda text: {"to": f"{BOB}{text}"},
        "reply_to": lambda text: {"h:Reply-To": f"{text} <{BOB}>"},
        "header": lambda text: {"h:X-A": text},
        "header name": lambda text: {f"h:X-A{text}": "1"},
        "variable": lambda text: {"subject": "%recipient.a%", "recipient-variables": json.dumps({BOB: {"a": text}})},
        "tag": lambda text: {"o:tag": text},
        "v": lambda text: {"v:a": text},
    },
    "resend": {
        "subject": lambda text: {"subject": text},
        "from": lambda text: {"from": f"Ann{text} <ann@example.com>"},
        "to": lambda text: {"to": [f"{BOB}{text}"]},
        "reply_to": lambda text: {"reply_to": f"{text} <{BOB}>"},
        "header": lambda text: {"headers": {"X-A": text}},
        "header name": lambda text: {"headers": {f"X-A{text}": "1"}},
        "tag": lambda text: {"tags": [{"name": "a", "value": text}]},
        "file": lambda text: {"attachments": [{"content": "YQ==", "filename": text}]},
        "content_id": lambda text: {"attachments": [{"content": "YQ==", "filename": "a", "content_id": f"a{text}"}]},
    },
    "postmark": {
        "subject": lambda text: {"Subject": text},
        "from": lambda text: {"From": f"Ann{text} <ann@example.com>"},
        "to": lambda text: {"To": f"{BOB}{text}"},
        "reply_to": lambda text: {"ReplyTo": f"{text} <{BOB}>"},
        "header": lambda text: {"Headers": [{"Name": "X-A", "Value": text}]},
        "header name": lambda text: {"Headers": [{"Name": f"X-A{text}", "Value": "1"}]},
        "tag": lambda text: {"Tag": text},
        "metadata": lambda text: {"Metadata": {"a": text}},
        "file": lambda text: {"Attachments": [{"Name": text, "Content": "YQ==", "ContentType": "text/plain"}]},
    },
}
READ = {"sendgrid": (sendgrid, SENDGRID), "resend": (resend, FIELDS), "postmark": (postmark, POSTMARK)}


def asked(body, kind="application/json"):
    return Submission(method="POST", path="/", query={}, headers={"content-type": kind}, body=body)


def read(door, fields):
    if door == "mailgun":
        return mailgun, mailgun.parse(asked(urlencode(FIELDS | fields).encode(), FORM))
    dialect, plain = READ[door]
    return dialect, dialect.parse(asked(json.dumps(plain | fields).encode()))


@pytest.mark.parametrize(("door", "place"), [(door, place) for door, places in PLACES.items() for place in places])
def test_a_control_character_is_refused_in_every_field_of_every_door(door, place):
    for text in BREAKS:
        dialect, refused = read(door, PLACES[door][place](f"a{text}{EVIL}"))
        assert isinstance(refused, Problem), ascii(text)
        assert re.fullmatch(rb"[^\x00-\x1f]+", dialect.refuse(refused).body)


@pytest.mark.parametrize("place", ["to", "v:a", "o:tag", "v:\r\nX"])
def test_nothing_beside_a_whole_mail_breaks_into_it(place):
    for text in BREAKS:
        fields = {"to": BOB, "message": MIME} | {place: f"a@example.org{text}{EVIL}"}
        refused = mailgun_whole.parse(asked(urlencode(fields).encode(), FORM))
        assert isinstance(refused, Problem), ascii(text)


# --- a real server ---------------------------------------------------------------------------------------------------

SIZE = 4 * 1024 * 1024
CPU_S = 2.0


def repeated(item):
    return item * (SIZE // len(item))


def numbered(item):
    return b"".join(item % number for number in range(SIZE // (len(item) + 4)))


PART = b'--x\r\ncontent-disposition: form-data; name="to"\r\n\r\nbob@example.org\r\n'
NAMES = {f"-n{number}-": "x" for number in range(20_000)}
BOMBS = {
    "sendgrid substitutions": (
        "/v3/mail/send",
        json.dumps(
            {
                "personalizations": [{"to": [{"email": BOB}], "substitutions": NAMES}],
                "content": [{"type": "text/plain", "value": "-n" * 200_000}],
            }
        ).encode(),
        "",
    ),
    "sendgrid personalizations": ("/v3/mail/send", b'{"personalizations":[{}' + repeated(b",{}") + b"]}", ""),
    "sendgrid depth": ("/v3/mail/send", b'{"personalizations":' + repeated(b"["), ""),
    "sendgrid arguments": ("/v3/mail/send", b'{"custom_args":{"a":"1"' + numbered(b',"k%d":"1"') + b"}}", ""),
    "mailgun fields": ("/v3/mg.example.com/messages", b"to=a" + repeated(b"&to=a"), FORM),
    "mailgun parts": ("/v3/mg.example.com/messages", repeated(PART) + b"--x--", "multipart/form-data; boundary=x"),
    "mailgun commas": ("/v3/mg.example.com/messages", b"to=" + repeated(b","), FORM),
    "mailgun variables": ("/v3/mg.example.com/messages", b"recipient-variables=" + repeated(b"["), FORM),
    "a whole mail of parts": (
        "/v3/mg.example.com/messages.mime",
        b"to=bob%40example.org&message=" + repeated(b"A:%0D%0A"),
        FORM,
    ),
    "mailgun's list": ("/v3/mg.example.com/bounces", b"[{}" + repeated(b",{}") + b"]", "application/json"),
    "resend batch": ("/emails/batch", b"[{}" + repeated(b",{}") + b"]", ""),
    "resend bytes": ("/emails", b'{"attachments":[{"content":[0' + repeated(b",0") + b"]}]}", ""),
    "postmark batch": ("/email/batch", b"[{}" + repeated(b",{}") + b"]", ""),
    "postmark addresses": ("/email", b'{"From":"a@b.example","To":"' + repeated(b'\\"x,') + b'"}', ""),
    "postmark's list": (
        "/message-streams/outbound/suppressions",
        b'{"Suppressions":[{}' + repeated(b",{}") + b"]}",
        "",
    ),
}


@pytest.mark.parametrize(("path", "body", "kind"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_a_bounded_cost_at_every_door(house, path, body, kind):
    headers = [("content-type", kind), ("X-Postmark-Server-Token", house.token())]
    cpu_s = house.cpu_s
    answer = house.ask("POST", path, body, headers)
    assert 400 <= answer.status < 500, answer
    assert b'"code"' not in answer.body
    assert house.cpu_s - cpu_s < CPU_S
    assert house.is_honest_to_others()


TEXTS = (*CORPUS[:6], "\x00' OR 1=1", "%s", "-1", "9" * 40, "1e309", "\ud7ff", "{id}")
READINGS = [(dropin, row) for dropin in DROPINS for row in dropin.rows if row.method == "GET"]


def shown_to(house, dropin, target):
    token = house.token("stranger", "admin")
    if dropin.read_key is None:
        headers = [("Authorization", f"Bearer {token}"), ("X-Postmark-Server-Token", token)]
    else:
        headers = [("Authorization", f"AWS4-HMAC-SHA256 Credential={token}/20260101/x/ses/aws4_request, Signature=x")]
    return ask(house.port, "GET", target, headers=headers)


@pytest.mark.parametrize(("dropin", "row"), READINGS, ids=[f"{dropin.name} {row.path}" for dropin, row in READINGS])
def test_no_question_at_a_door_widens_what_is_found_or_breaks_it(house, dropin, row):
    """Somebody of another project asks."""
    assert house.ask("POST", "/v1/emails", MAIL, project="shop").status == 202
    for text in TEXTS:
        path = re.sub(r"\{[^}]+\}", quote(text, safe=""), row.path)
        targets = [path, *(f"{path}?{name}={quote(text)}" for name in row.query)]
        for target in targets:
            answer = shown_to(house, dropin, target)
            assert answer.status < 500, (target, answer)
            assert b"em_" not in answer.body
            assert b"bob@example.org" not in answer.body
