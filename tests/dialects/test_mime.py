"""What the dialect of RFC 5322 reads beyond what our own providers write (tests/contract/test_mirror.py)."""

import pytest

from everpost.dialects import mime
from everpost.dialects.contract import Parsed
from everpost.model.account import Account
from everpost.model.limits import NAME_CHARS_MAX
from everpost.model.message import Address, Draft
from everpost.model.problem import Problem
from everpost.providers.smtp import adapter as smtp

ACCOUNT = Account(name="main", provider="smtp", settings={"host": "smtp.example.com"})


@pytest.mark.parametrize("char", ["a", "\u00e4", "\u4e00", "\U0001f600", '"'])
def test_a_name_of_the_greatest_length_is_read_back_in_any_script(char):
    sender = Address("ann@example.com", char * NAME_CHARS_MAX)
    mail = Draft(sender=sender, to=(sender,), subject="Hello", text="It works")
    parsed = mime.parse(smtp.build(mail, "em_1.0", ACCOUNT).data, [sender.email])
    assert isinstance(parsed, Parsed), parsed
    assert (parsed.draft.sender, parsed.draft.to) == (sender, (sender,))


def test_an_encoded_name_holds_no_further_address():
    head = b"From: =?utf-8?q?Ann_=3Ceve=40example.org=3E=2C?= <ann@example.com>\r\n"
    parsed = mime.parse(head + b"To: bob@example.org\r\nSubject: Hello\r\n\r\nIt works\r\n")
    assert isinstance(parsed, Parsed), parsed
    assert parsed.draft.sender == Address("ann@example.com", "Ann <eve@example.org>,")


def test_parts_that_are_nested_without_end_are_refused():
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1500))
    parsed = mime.parse(b"From: ann@example.com\r\n" + levels)
    assert isinstance(parsed, Problem)
    assert "nested" in parsed.errors[0].message
