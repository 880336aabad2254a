"""No text of a caller writes a header, a field or a command of its own: by every way in, at every provider."""

import ast
import json
import re
import subprocess
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import everpost
from attacks.house import MAIL, encoded
from everpost.dialects import legacy
from everpost.dialects.native import mail as native
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.providers.contract import HttpRequest, Unsendable
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from provider_cases import NAMES, built, submitted
from server_kit import EVERPOST, HOST, environ

SOURCE = Path(everpost.__file__).parent
EVIL = "X-Evil: 1"
SIGNATURE = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/ses/aws4_request, "}
CONTROLS = [*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u2028", "\u2029"]
BREAKS = [*CONTROLS, "\r\n", "\r\n\r\n", "\n\n", "\r\n ", "\r\n\t", "%0d%0a\r\n", "=?utf-8?q?=0D=0A?=\r\n", "\x00\r\n"]
DIRECTIONS = ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]
LOOKS = [
    "=?utf-8?q?a=0D=0AX-Evil:_1?=",
    "=?utf-8?b?DQpYLUV2aWw6IDE=?=",
    "%0d%0aX-Evil: 1",
    "\\r\\nX-Evil: 1",
    "&#13;&#10;X-Evil: 1",
]
LOOKS += [
    "\u560d\u560a" + EVIL,
    "\u010d\u010a" + EVIL,
    'a"; filename="b',
    "a\\",
    '"',
    "<x@evil.example>",
    "--everpost-",
    "a;b=c",
]
"""Harmless as they stand, and a line break for a reader that decodes once too often or drops bits of a character."""
SPLIT = 'a"; filename="b'
PLACES = {
    "subject": lambda text: {"subject": text},
    "from": lambda text: {"from": f"Ann{text} <ann@example.com>"},
    "from name": lambda text: {"from": {"email": "ann@example.com", "name": text}},
    "from email": lambda text: {"from": {"email": f"ann@example.com{text}"}},
    "to name": lambda text: {"to": [{"email": "bob@example.org", "name": text}]},
    "to email": lambda text: {"to": [f"bob{text}@example.org"]},
    "cc": lambda text: {"cc": f"{text} <cc@example.org>"},
    "bcc": lambda text: {"bcc": [f"bcc@example.org{text}"]},
    "reply_to": lambda text: {"reply_to": {"email": "r@example.org", "name": text}},
    "header name": lambda text: {"headers": {f"X-A{text}": "1"}},
    "header value": lambda text: {"headers": {"X-A": text}},
    "tag": lambda text: {"tags": [text]},
    "metadata key": lambda text: {"metadata": {text: "1"}},
    "metadata value": lambda text: {"metadata": {"a": text}},
    "file name": lambda text: {"attachments": [{"filename": text, "content": "YQ=="}]},
    "content type": lambda text: {"attachments": [{"filename": "a", "content": "YQ==", "content_type": f"a/b{text}"}]},
    "content id": lambda text: {
        "html": "x",
        "attachments": [{"filename": "a", "content": "YQ==", "content_id": f"a{text}"}],
    },
    "route": lambda text: {"route": text},
}
ORIGINAL = {name: PLACES[name] for name in ("subject", "from", "to email", "cc", "bcc")}
EXPECTED = {"date", "from", "to", "cc", "reply-to", "subject", "message-id", "x-everpost-id", "mime-version"}
EXPECTED |= {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}


def parsed(fields, dialect=native):
    return dialect.parse(json.dumps(MAIL | fields).encode())


def headers_at(provider, request):
    """The headers of the mail as the provider's stand-in reads it."""
    inbox = Inbox(lambda: 0.0)
    stand = APIS[provider](inbox, Conduct(), lambda: 0.0, Random(1))
    signed = replace(request, headers=request.headers | SIGNATURE) if request.signing else request
    assert stand.answer(submitted(signed)).status < 300
    return {name.lower(): value for name, value in inbox.list()[0].draft.headers.items()}


def check_headers(provider, draft):
    """What arrives has the headers that were set, and no other."""
    request = built(provider, draft)
    if isinstance(request, Unsendable):
        assert re.fullmatch(r"[ -~]+", request.reason)
        return
    if isinstance(request, HttpRequest):
        read = headers_at(provider, request)
        assert read.keys() == {name.lower() for name in draft.headers}
        for name, value in draft.headers.items():
            shown = read[name.lower()]
            assert value in (shown, str(make_header(decode_header(shown))))  # some take ASCII only
        return
    names = [name.lower() for part in message_from_bytes(request.data).walk() for name in part]
    assert set(names) - EXPECTED == {name.lower() for name in draft.headers} - EXPECTED
    assert "x-evil" not in names
    assert not any("\r" in line or "\n" in line or " " in line or ">" in line for line in request.rcpt_to)
    assert re.search(rb"[^\r]\n|\r[^\n]", request.data) is None


@pytest.mark.parametrize("place", PLACES)
def test_a_control_character_is_refused_in_every_field(place):
    for text in BREAKS:
        refused = parsed(PLACES[place](f"a{text}{EVIL}"))
        assert isinstance(refused, Problem), ascii(text)
        assert all(re.fullmatch(r"[^\x00-\x1f]+", error.message) for error in refused.errors)


@pytest.mark.parametrize("place", ORIGINAL)
def test_a_control_character_is_refused_in_every_field_of_the_original_api(place):
    for text in BREAKS:
        assert isinstance(parsed(ORIGINAL[place](f"a{text}{EVIL}"), legacy), Problem), ascii(text)


@pytest.mark.parametrize("place", ["from", "from name", "to name", "cc", "reply_to", "file name"])
@pytest.mark.parametrize("control", DIRECTIONS, ids=ascii)
def test_no_name_is_turned_around(place, control):
    """Such as `invoice\\u202efdp.exe`, which looks like invoiceexe.pdf."""
    assert isinstance(parsed(PLACES[place](f"a{control}fdp.exe")), Problem)
    if place in ORIGINAL:
        assert isinstance(parsed(PLACES[place](f"a{control}fdp.exe"), legacy), Problem)


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_what_only_looks_like_a_line_break_is_none(provider, place):
    for text in LOOKS:
        draft = parsed(PLACES[place](text))
        if isinstance(draft, Draft):
            check_headers(provider, draft)


@pytest.mark.parametrize("provider", NAMES)
@given(fields=st.fixed_dictionaries({}, optional={place: st.text(max_size=20) for place in PLACES}))
def test_what_arrives_has_the_headers_that_were_set_and_no_other(provider, fields):
    mail = {}
    for place, text in fields.items():
        mail |= PLACES[place](text)
    draft = parsed(mail)
    if isinstance(draft, Draft):
        check_headers(provider, draft)


@pytest.mark.parametrize(
    "name", ["Bcc", "BCC", "Sender ", "From", "X-SMTPAPI", "x-mc-bccaddress", "X-MSYS-API", "Received"]
)
def test_no_header_names_further_recipients_or_what_is_written_for_you(name):
    assert isinstance(parsed({"headers": {name: "eve@evil.example"}}), Problem)


@pytest.mark.parametrize(
    ("provider", "options"),
    [
        *(
            ("mailgun", {name: "eve@evil.example"})
            for name in ("to", "CC", "bcc", "from", "h:From", "h:Bcc", "H:to", "h:Cc")
        ),
        ("mailgun", {"h:Sender": "eve@evil.example"}),
        ("sendgrid", {"personalizations": [{"bcc": [{"email": "eve@evil.example"}]}]}),
        ("sendgrid", {"personalizations": [{}, {"to": [{"email": "eve@evil.example"}]}]}),
        ("sendgrid", {"from": {"email": "eve@evil.example"}}),
        ("sendgrid", {"mail_settings": {"bcc": {"enable": True, "email": "eve@evil.example"}}}),
        ("smtp", {"rcpt_to": ["eve@evil.example"]}),
    ],
)
def test_no_option_of_a_provider_changes_sender_or_recipients(provider, options):
    draft = parsed({"provider_options": {provider: options}})
    assert isinstance(built(provider, draft), Unsendable)


@pytest.mark.parametrize(
    ("spelled", "kept"),
    [
        ("ann@ex\u0430mple.com", "ann@xn--exmple-4nf.com"),  # a Cyrillic a
        ("ann@\u0435xample.com", "ann@xn--xample-2of.com"),
        ("ann@example\u3002com", "ann@example.com"),
        ("ann@\uff45xample.com", "ann@example.com"),
    ],
)
def test_a_domain_in_another_script_shows_itself(spelled, kept):
    draft = parsed({"to": spelled})
    assert draft.to[0].email == kept


@pytest.mark.parametrize(
    "spelled",
    [
        "ann\uff20example.com",
        "ann@exa\u200bmple.com",
        "ann@exam\u00adple.com",
        "ann@[127.0.0.1]",
        '"a b"@example.com',
        "a@b@c.example",
    ],
)
def test_an_address_that_readers_could_take_for_different_ones_is_refused(spelled):
    found = parsed({"to": spelled})
    assert isinstance(found, Problem) or found.to[0].email.isascii()
    if isinstance(found, Draft):
        assert found.to[0].email == "ann@example.com"


def test_nothing_is_written_by_the_standard_librarys_serializer():
    """CVE-2024-6923 and CVE-2026-1299 are faults of email.generator: what goes out is written without it."""
    used = set()
    for path in (SOURCE / "providers").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("email", "mailbox", "smtplib")):
                used |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names if alias.name.startswith(("email", "mailbox", "smtplib"))}
    assert used == {"email.utils.format_datetime", "email.utils.parsedate_to_datetime"}


@pytest.mark.parametrize(
    "words",
    [
        ("--subject", f"a\r\n{EVIL}"),
        ("--subject", "a", "--tag", f"b\n{EVIL}"),
        ("--subject", "a", "--cc", f"c@example.org\n{EVIL}"),
        ("--subject", "a", "--route", f"d\r{EVIL}"),
        ("--subject", "a", "--idempotency-key", f"e\r\n{EVIL}"),
    ],
)
def test_the_command_line_sends_nothing_with_a_line_break(house, words):
    before = house.control("GET", "ledger").json
    base = ("send", "--from", "ann@example.com", "--to", "bob@example.org", "--text", "It works")
    there = {"EVERPOST_URL": f"http://{HOST}:{house.port}", "EVERPOST_KEY": house.token()}
    ended = subprocess.run((*EVERPOST, *base, *words), capture_output=True, env=environ() | there, check=False)
    assert ended.returncode != 0
    assert not any(line.startswith(EVIL) for line in ended.stderr.decode().splitlines())
    assert house.control("GET", "ledger").json == before


@pytest.mark.parametrize("account", ["mailgun", "sendgrid", "smtp"])
def test_a_real_reader_at_the_end_sees_the_headers_that_were_set(house, account):
    house.ask("POST", "/setEmailProvider", {"provider": account})
    headers = {"X-One": LOOKS[0], "X-Two": "a: b", "X-Three": "\u00e9\u4e2d"}
    fields = {
        "subject": LOOKS[1],
        "headers": headers,
        "attachments": [{"filename": SPLIT, "content": encoded(b"a")}],
    }
    answer = house.ask("POST", "/v1/emails", MAIL | fields, [("Prefer", "wait=20")])
    assert (answer.status, answer.json["state"]) == (200, "sent")
    caught = house.caught(answer.json["id"] + ".0")["draft"]
    assert caught["headers"] == headers
    assert caught["subject"] == LOOKS[1]
    assert [file["filename"] for file in caught["attachments"]] == [SPLIT]
