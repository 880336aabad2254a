import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects.native import mail as native
from everpost.dialects.native.schema import EmailRequest
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft, OnUnknown
from everpost.model.problem import Problem
from everpost.model.template import Templated

GOOD = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
FILE = {"filename": "a.txt", "content": "aGk="}


def parsed(**fields):
    wanted = {name: value for name, value in (GOOD | fields).items() if value is not ...}
    return native.parse(json.dumps(wanted).encode())


def faults(**fields):
    problem = parsed(**fields)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.status) == ("validation_failed", 422)
    return {error.field: error.message for error in problem.errors}


def test_every_field_reaches_the_draft():
    draft = parsed(
        **{"from": {"email": "ann@example.com", "name": "Ann"}},
        to=["bob@example.org", "Bob <bob@example.com>", {"email": "bob@example.net", "name": None}],
        cc="cc@example.org",
        bcc=["bcc@example.org"],
        reply_to={"email": "reply@example.com"},
        html="<p>It works</p>",
        attachments=[FILE | {"content_id": "<pic>", "content_type": "image/png"}, FILE | {"filename": "b.PDF"}],
        headers={"X-Order": "5"},
        tags=["a", "b", "a"],
        metadata={"order": "5"},
        send_at="2030-01-31T09:00:00+01:00",
        expires_at=1_900_000_000,
        route="fast",
        on_unknown="hold",
        resolve_within_s=30,
        provider_options={"plain": {"x": [1, {"y": None}]}},
    )
    assert draft == Draft(
        sender=Address("ann@example.com", "Ann"),
        to=(Address("bob@example.org"), Address("bob@example.com", "Bob"), Address("bob@example.net")),
        cc=(Address("cc@example.org"),),
        bcc=(Address("bcc@example.org"),),
        reply_to=(Address("reply@example.com"),),
        subject="Hello",
        text="It works",
        html="<p>It works</p>",
        attachments=(
            Attachment(filename="a.txt", content_type="image/png", content=b"hi", content_id="pic"),
            Attachment(filename="b.PDF", content_type="application/pdf", content=b"hi"),
        ),
        headers={"X-Order": "5"},
        tags=("a", "b"),
        metadata={"order": "5"},
        send_at=1_896_076_800.0,
        expires_at=1_900_000_000.0,
        route="fast",
        on_unknown=OnUnknown.HOLD,
        resolve_within_s=30.0,
        provider_options={"plain": {"x": [1, {"y": None}]}},
    )


def test_null_is_the_same_as_leaving_a_field_out():
    absent = {name: None for name in EmailRequest.__struct_encode_fields__ if name not in GOOD and name != "route"}
    assert parsed(**absent) == parsed()


def test_options_of_a_provider_may_stand_for_subject_and_text():
    assert isinstance(parsed(subject=..., text=..., provider_options={"plain": {"template": "5"}}), Draft)


BAD_BODIES = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "cut": (b'{"from": "a', "truncated"),
    "syntax": (b'{"from":\n  x}', "line 2, column 3 (byte 11)"),
    "trailing": (b"{} {}", "trailing characters"),
    "form": (b"from=ann%40example.com&to=bob", "looks like a form"),
    "latin-1": ('{"from": "é"}'.encode("latin-1"), "not UTF-8"),
    "too deep": (b"[" * 100_000, "nested too deeply"),
    "list": (b"[]", "a list; send a JSON object"),
    "string": (b'"hello"', "a string; send a JSON object"),
    "null": (b"null", "null; send a JSON object"),
    "endless number": (b'{"send_at": ' + b"9" * 5000 + b"}", "out of range at line 1"),
}


@pytest.mark.parametrize(("body", "words"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_what_is_no_json_object_is_told_with_the_place(body, words):
    problem = native.parse(body)
    assert (problem.code, problem.status) == ("bad_json", 400)
    assert words in problem.detail


LONG_LOCAL = "a" * 65 + "@example.com"
LONG_DOMAIN = "a@" + ".".join(["b" * 60] * 5) + ".com"
HEADER = limits.HEADER_VALUE_CHARS_MAX
CASES = {
    # what is missing
    "no sender": ({"from": ...}, "from", "is missing"),
    "no recipient": ({"to": ...}, "to", "is missing"),
    "empty recipients": ({"to": []}, "to", "is missing"),
    "no subject": ({"subject": ...}, "subject", "is missing"),
    "empty subject": ({"subject": ""}, "subject", "is missing"),
    "no content": ({"text": ...}, "text", "no content"),
    "empty content": ({"text": "", "html": ""}, "text", "no content"),
    # types and names
    "sender is a number": ({"from": 5}, "from", "must be a string or an object, not a number"),
    "sender is a list": ({"from": ["ann@example.com"]}, "from", "not a list"),
    "recipient is a number": ({"to": ["bob@example.org", 5]}, "to[1]", "not a number"),
    "recipient without email": ({"to": [{"name": "Bob"}]}, "to[0].email", "is missing"),
    "recipient with a typo": ({"to": {"email": "b@example.org", "nam": "B"}}, "to.nam", "did you mean `name`?"),
    "subject is a list": ({"subject": ["x"]}, "subject", "must be a string, not a list"),
    "text is an object": ({"text": {}}, "text", "must be a string, not an object"),
    "unknown field": ({"sbject": "x"}, "sbject", "did you mean `subject`?"),
    "very unknown field": ({"zzzzzzzz": "x"}, "zzzzzzzz", "known are: allow_loss, attachments, bcc"),
    "tags is a string": ({"tags": "x"}, "tags", "must be a list, not a string"),
    "metadata value": ({"metadata": {"a": 5}}, "metadata.a", "must be a string, not a number"),
    "metadata odd key": ({"metadata": {"a b": True}}, 'metadata["a b"]', "not true"),
    "on_unknown": ({"on_unknown": "maybe"}, "on_unknown", "must be one of: resend, hold"),
    "options": ({"provider_options": {"plain": 5}}, "provider_options.plain", "must be an object"),
    "route is null": ({"route": None}, "route", "must be a string, not null"),
    # addresses
    "bad address": ({"to": ["bob@example.org", "bob"]}, "to[1]", "needs an @"),
    "bad address in cc": ({"cc": "x@@example.org"}, "cc", "x@@example.org"),
    "two addresses in one": ({"to": "a@example.org, b@example.org"}, "to", "a@example.org"),
    "long local part": ({"bcc": LONG_LOCAL}, "bcc", "at most 64"),
    "long address": ({"to": LONG_DOMAIN}, "to", "at most 254"),
    "absurd address": ({"to": "a" * 1_000_000}, "to", "too long"),
    "line break in an address": ({"to": "bob@example.org\r\nBcc: x@example.org"}, "to", "control"),
    "bad address in an object": ({"to": [{"email": "bob"}]}, "to[0].email", "needs an @"),
    "line break in a name": ({"from": {"email": "a@example.com", "name": "A\nB"}}, "from.name", "control"),
    "bad reply_to": ({"reply_to": ["a@example.com", ""]}, "reply_to[1]", "empty"),
    "many recipients": ({"to": ["b@example.org"] * 999, "cc": ["c@example.org"] * 2}, "to", "1001 recipients"),
    "many reply_to": ({"reply_to": ["b@example.org"] * 11}, "reply_to", "11 addresses are more than the 10"),
    # headers
    "CRLF in a header": ({"headers": {"X-A": "a\r\nBcc: x@example.org"}}, "headers.X-A", "control character"),
    "NUL in a header": ({"headers": {"X-A": "a\0"}}, "headers.X-A", "control character"),
    "NEL in a header": ({"headers": {"X-A": "a\x85b"}}, "headers.X-A", "control character"),
    "CRLF in a header's name": ({"headers": {"X\r\nBcc": "x"}}, 'headers["X\\r\\nBcc"]', "visible ASCII"),
    "colon in a header's name": ({"headers": {"X:": "x"}}, 'headers["X:"]', "visible ASCII"),
    "empty header name": ({"headers": {"": "x"}}, 'headers[""]', "visible ASCII"),
    "own field": ({"headers": {"SUBJECT": "x"}}, "headers.SUBJECT", "use that"),
    "written for you": ({"headers": {"Message-ID": "x"}}, "headers.Message-ID", "leave it out"),
    "ours": ({"headers": {"X-Everpost-Delivery": "x"}}, "headers.X-Everpost-Delivery", "leave it out"),
    "a header twice": ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.x-a", "twice"),
    "long header": ({"headers": {"X-A": "a" * (HEADER + 1)}}, "headers.X-A", f"at most {HEADER}"),
    "long header name": ({"headers": {"X" * 77: "a"}}, f"headers.{'X' * 77}", "at most 76"),
    "many headers": ({"headers": {f"X-{n}": "" for n in range(101)}}, "headers", "101 headers are more than the 100"),
    # lines
    "CR in the subject": ({"subject": "a\rb"}, "subject", "control character"),
    "long subject": ({"subject": "a" * 999}, "subject", "has 999 characters, at most 998"),
    "LF in a tag": ({"tags": ["ok", "a\nb"]}, "tags[1]", "control character"),
    "empty tag": ({"tags": [""]}, "tags[0]", "is empty"),
    "long tag": ({"tags": ["a" * 129]}, "tags[0]", "at most 128"),
    "many tags": ({"tags": [str(n) for n in range(11)]}, "tags", "11 tags are more than the 10"),
    "LF in metadata": ({"metadata": {"a": "x\n"}}, "metadata.a", "control character"),
    "LF in a metadata key": ({"metadata": {"a\n": "x"}}, 'metadata["a\\n"]', "control character"),
    "long metadata key": ({"metadata": {"a" * 65: "x"}}, f"metadata.{'a' * 65}", "at most 64"),
    "large metadata": ({"metadata": {"a": "x" * 5000, "b": "x" * 5000}}, "metadata", "has 10002 bytes"),
    "many metadata": ({"metadata": {str(n): "" for n in range(51)}}, "metadata", "51 entries are more than the 50"),
    "empty route": ({"route": ""}, "route", "is empty"),
    "NUL in the text": ({"text": "a\0b"}, "text", "NUL"),
    "NUL in the html": ({"html": "a\0b"}, "html", "NUL"),
    # attachments
    "no file name": ({"attachments": [{"content": ""}]}, "attachments[0].filename", "is missing"),
    "no content of a file": ({"attachments": [{"filename": "a"}]}, "attachments[0].content", "is missing"),
    "empty file name": ({"attachments": [FILE | {"filename": ""}]}, "attachments[0].filename", "is empty"),
    "LF in a file name": ({"attachments": [FILE | {"filename": "a\nb"}]}, "attachments[0].filename", "control"),
    "long file name": ({"attachments": [FILE | {"filename": "a" * 256}]}, "attachments[0].filename", "at most 255"),
    "bad base64": ({"attachments": [FILE, FILE | {"content": "?"}]}, "attachments[1].content", "not base64"),
    "cut base64": ({"attachments": [FILE | {"content": "aGk"}]}, "attachments[0].content", "padding"),
    "not even ASCII": ({"attachments": [FILE | {"content": "é"}]}, "attachments[0].content", "not base64"),
    "url-safe base64": ({"attachments": [FILE | {"content": "_-8="}]}, "attachments[0].content", "+ and /"),
    "data url": ({"attachments": [FILE | {"content": "data:a/b;base64,aGk="}]}, "attachments[0].content", "leave out"),
    "bad type": ({"attachments": [FILE | {"content_type": "pdf"}]}, "attachments[0].content_type", "media type"),
    "multipart": (
        {"attachments": [FILE | {"content_type": "multipart/mixed"}]},
        "attachments[0].content_type",
        "media type",
    ),
    "CRLF in a type": (
        {"attachments": [FILE | {"content_type": "a/b\r\nX: y"}]},
        "attachments[0].content_type",
        "media type",
    ),
    "bad content id": ({"attachments": [FILE | {"content_id": "a b"}]}, "attachments[0].content_id", "visible ASCII"),
    "many files": ({"attachments": [FILE] * 101}, "attachments", "101 attachments are more than the 100"),
    # times and the like
    "no time": ({"send_at": "tomorrow"}, "send_at", "RFC 3339"),
    "time without zone": ({"send_at": "2030-01-31T09:00:00"}, "send_at", "with a zone"),
    "milliseconds": ({"send_at": 1_900_000_000_000}, "send_at", "milliseconds"),
    "before 1970": ({"expires_at": -1}, "expires_at", "before 1970"),
    "time is a list": ({"expires_at": [1]}, "expires_at", "must be a number or a string, not a list"),
    "huge number": ({"send_at": 10**300}, "send_at", "no sensible time"),
    "long resolving": ({"resolve_within_s": 10**6}, "resolve_within_s", "604800"),
    "negative resolving": ({"resolve_within_s": -1}, "resolve_within_s", "between 0 and"),
    "resolving is true": ({"resolve_within_s": True}, "resolve_within_s", "not true"),
    "large options": ({"provider_options": {"plain": {"x": "y" * 70_000}}}, "provider_options", "65536"),
}


@pytest.mark.parametrize(("fields", "path", "words"), CASES.values(), ids=CASES)
def test_a_faulty_field_is_named_and_its_mending_told(fields, path, words):
    found = faults(**fields)
    assert list(found) == [path]
    assert words in found[path]


def test_all_faulty_fields_are_named_at_once():
    found = faults(
        **{"from": 5, "subject": "a\nb"},
        to=["bob@example.org", 7, "bob"],
        attachments=[{"content": "?"}, "x"],
        headers={"From": "x"},
        send_at="soon",
        sendat=1,
    )
    assert set(found) == {
        "from",
        "subject",
        "to[1]",
        "to[2]",
        "attachments[0].filename",
        "attachments[0].content",
        "attachments[1]",
        "headers.From",
        "send_at",
        "sendat",
    }


def test_too_much_content_is_refused_with_the_limit():
    half = base64.b64encode(bytes(limits.CONTENT_BYTES_MAX // 2 + 1)).decode()
    found = faults(attachments=[FILE | {"content": half}] * 2)
    assert str(limits.CONTENT_BYTES_MAX) in found["attachments"]


def test_a_flood_of_faults_is_cut():
    assert len(faults(to=[5] * 10_000)) == 100


def test_options_nested_too_deeply_are_refused():
    nested = "[" * 400 + "]" * 400
    body = json.dumps(GOOD)[:-1] + f', "provider_options": {{"plain": {{"x": {nested}}}}}}}'
    problem = native.parse(body.encode())
    assert [error.field for error in problem.errors] == ["provider_options"]


@pytest.mark.parametrize("content", ["aGVs\r\nbG8=", " aGVsbG8=", "aGVsbG8=\n"])
def test_base64_may_be_broken_into_lines(content):
    assert parsed(attachments=[FILE | {"content": content}]).attachments[0].content == b"hello"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
plausible = st.dictionaries(
    st.sampled_from([*EmailRequest.__struct_encode_fields__, "unknown"]),
    anything
    | st.sampled_from(["ann@example.com", ["bob@example.org"], {"email": "x"}, [FILE], [{}], {"X-A": "b"}, 1e9]),
)


@given(st.binary() | anything.map(json.dumps).map(str.encode) | plausible.map(json.dumps).map(str.encode))
def test_no_body_makes_parse_raise_and_what_it_accepts_can_be_stored(body):
    match native.parse(body):
        case (Draft() as draft) | Templated(draft=draft):
            assert msgspec.json.decode(msgspec.json.encode(draft), type=Draft) == draft
        case Problem() as problem:
            assert problem.status in (400, 422)
            assert problem.detail
            assert (problem.code == "validation_failed") == bool(problem.errors)
