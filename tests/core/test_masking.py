"""Words of others, as they may be kept and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_values import ADDRESS
from everpost.core.masking import masked
from everpost.model.limits import REASON_CHARS_MAX

ATOMS = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12)
local_parts = st.lists(ATOMS, min_size=1, max_size=3).map(".".join)
around = st.sampled_from([" ", "<", ">", '"', "'", "(", ")", ",", ";", ":", "[", "]", ""])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no such mailbox", "no such mailbox"),
        ("550 5.1.1 <ann@example.com>: unknown", "550 5.1.1 <<address>>: unknown"),
        ('the field "to" holds "ann@example.com"', 'the field "to" holds "<address>"'),
        ("ann@example.com,bob@example.org", "<address>,<address>"),
        (f"to:{ADDRESS}!", "to:<address>"),
        ('"ann smith"@example.com is unknown', "<address> is unknown"),
        (r'"ann \" smith"@example.com', "<address>"),
        ("GET /v3?address=ann%40example.com&x=1", "GET <address>&x=1"),
        ("jörg@exämple.org", "<address>"),
        ("cut off after ann@", "cut off after <address>"),
        ("ann@example.com@example.org and bob@x", "<address> and <address>"),
        ("meet @ noon", "meet @ noon"),
    ],
)
def test_addresses_are_masked_and_the_words_around_them_kept(text, told):
    assert masked(text) == told


@given(around, local_parts, st.sampled_from(["mail.example.org", "xn--exmple-cua.example"]), around)
def test_no_address_comes_through_whatever_stands_around_it(before, local, domain, after):
    told = masked(f"it says {before}zz{local}zz@{domain}{after} is unknown")
    assert "zz" not in told
    assert "example" not in told
    assert told.startswith("it says ")
    assert told.endswith(" is unknown")


@given(st.text(max_size=2 * REASON_CHARS_MAX))
def test_masking_twice_is_masking_once_and_the_result_is_cut(text):
    once = masked(text)
    assert len(once) <= REASON_CHARS_MAX
    assert masked(once) == once


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ['"', '"a', "a", "a@", "a%40", "%40", "\\", '"\\', "a "])
def test_no_words_make_masking_slow(piece):
    assert len(masked(piece * 100_000)) <= REASON_CHARS_MAX
