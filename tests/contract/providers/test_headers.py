"""No text of a caller ever writes a header field of its own, at any provider."""

import re
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drafts import lines
from everpost.model.message import Address
from everpost.providers.contract import SmtpRequest, Unsendable
from provider_cases import DRAFT, ID, NAMES, about, body_of, built, fitted

every = pytest.mark.parametrize("provider", NAMES)
EVIL = "X-Evil: 1"
BREAKS = ["\r\n", "\n", "\r", "\r\n\r\n", "\0", "\x0b", "\x1b"]


def with_text(text):
    """The mail with this text in each of the places that end up in a line of a header."""
    name, email = Address("ann@example.com", text), Address(f"ann@example.com{text}")
    part = DRAFT.attachments[1]
    for field in ("sender", "to", "cc", "bcc", "reply_to"):
        for address in (name, email):
            yield field, {field: address if field == "sender" else (address,)}
    yield "subject", {"subject": text}
    yield "header name", {"headers": {f"X-A{text}": "1"}}
    yield "header value", {"headers": {"X-A": text}}
    yield "filename", {"attachments": (replace(part, filename=text),)}
    yield "content type", {"attachments": (replace(part, content_type=f"image/png{text}"),)}
    yield "content id", {"attachments": (replace(part, content_id=text),)}
    yield "tag", {"tags": (text,)}
    yield "metadata key", {"metadata": {text: "1"}}


@every
@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
@pytest.mark.parametrize("place", dict(with_text("")))
def test_no_line_break_from_any_field_reaches_a_header(provider, line_break, place):
    for change in [change for where, change in with_text(f"a{line_break}{EVIL}") if where == place]:
        refused = built(provider, replace(fitted(provider, DRAFT), **change))
        assert isinstance(refused, Unsendable)
        assert re.fullmatch(r"[ -~]+", refused.reason)


@every
@given(text=st.text(), html=st.text(), metadata=st.dictionaries(st.just("order"), st.text()), line=lines)
def test_the_header_of_a_request_is_made_of_known_fields_alone(provider, text, html, metadata, line):
    poisoned = f"{text}\r\n{EVIL}\r\n.\r\n\r\n--everpost-{ID}\r\n{EVIL}\r\n"
    draft = replace(
        fitted(provider, DRAFT),
        text=poisoned,
        html=html or "x",
        metadata=metadata,
        headers={"X-Line": line},
        subject=line or "x",
    )
    request = built(provider, fitted(provider, draft))
    if isinstance(request, SmtpRequest):
        whole = message_from_bytes(request.data)
        assert [name for part in whole.walk() for name in part if name.lower().startswith("x-")] == [
            "X-Everpost-Id",
            "X-Line",
        ]
        head = request.data.partition(b"\r\n\r\n")[0]
        assert all(re.match(rb"[\w-]+: |[ ]", line) for line in head.split(b"\r\n"))
        assert re.search(rb"[^\r]\n|\r[^\n]", request.data) is None
        assert max(len(line) for line in request.data.split(b"\r\n")) <= 998
    else:
        key = about(provider).get("key_header", "Authorization")
        own = {*about(provider).get("more_headers", ()), *([key] if key else ())}
        assert set(request.headers) == {"User-Agent", "Content-Type"} | own
        assert not any(re.search(r"[^ -~]", value) for value in request.headers.values())
        assert body_of(request)
