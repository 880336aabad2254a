"""What the native API lets in has no fault that holds at every provider: it is told at the door, with its field."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects.native import mail as native
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.providers.fields import fault_of

PLAIN = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
TOKEN = "".join(chr(code) for code in range(0x20, 0x7F))
header_names = st.text(TOKEN, max_size=12) | st.sampled_from(
    ["Content-Language", "content-type", "Message-ID", "Date", "Sender", "Received", "X-Everpost-Id", "MIME-Version"]
)
content_types = st.text(TOKEN, max_size=12).map("text/{}".format) | st.from_regex(r"[!-~]{1,6}/[!-~]{1,6} *;[ -~]*")
attachments = st.builds(
    lambda name, kind, cid: {
        "filename": name,
        "content": "YQ==",
        "content_type": kind,
        "content_id": cid,
    },
    st.text(max_size=8),
    content_types,
    st.none() | st.text(TOKEN, max_size=6),
)
mails = st.fixed_dictionaries(
    {},
    optional={
        "from": st.emails() | st.text(max_size=12),
        "cc": st.lists(st.emails() | st.text(max_size=12), max_size=2),
        "reply_to": st.emails(),
        "subject": st.text(max_size=12),
        "headers": st.dictionaries(header_names, st.text(max_size=8), max_size=2),
        "attachments": st.lists(attachments, max_size=2),
        "tags": st.lists(st.text(max_size=6), max_size=2),
        "metadata": st.dictionaries(st.text(max_size=6) | st.just("everpost_id"), st.text(max_size=6), max_size=2),
    },
)


@given(mail=mails)
def test_a_mail_that_is_let_in_has_no_fault_at_every_provider(mail):
    parsed = native.parse(json.dumps(PLAIN | mail).encode())
    if isinstance(parsed, Draft):
        assert fault_of(parsed) is None


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("headers.Content-Language", {"headers": {"Content-Language": "de"}}),
        ("metadata.everpost_id", {"metadata": {"everpost_id": "em_x.0"}}),
        (
            "attachments[0].content_type",
            {"attachments": [{"filename": "a", "content": "YQ==", "content_type": "a/b\xa0;c"}]},
        ),
    ],
)
def test_what_no_provider_could_be_given_is_told_with_its_field(field, fields):
    problem = native.parse(json.dumps(PLAIN | fields).encode())
    assert isinstance(problem, Problem)
    assert [error.field for error in problem.errors] == [field]
