"""The protocol of Valkey and Redis, as far as it is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.valkey.resp import DEPTH_MAX, Malformed, Refusal, read, rendered

LINES = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20)
PIECES = (b"*1\r\n", b"*-1\r\n", b"$3\r\n", b"$-9\r\n", b":1\r\n", b"+", b"-", b"\r\n", b"abc", b"\xff")
REPLIES = st.recursive(
    st.none() | st.integers() | st.binary(max_size=50) | st.builds(Refusal, LINES),
    lambda items: st.lists(items, max_size=5),
    max_leaves=20,
)


def told(reply):
    """As a server writes it."""
    match reply:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case Refusal():
            return b"-%b\r\n" % reply.text.encode()
        case _:
            return b"*%d\r\n%b" % (len(reply), b"".join(map(told, reply)))


@given(REPLIES, st.binary(max_size=10))
def test_a_reply_is_read_up_to_its_end_whatever_follows(reply, rest):
    data = told(reply)
    assert read(data + rest) == (reply, len(data))


@given(REPLIES)
def test_a_reply_that_is_not_whole_is_waited_for(reply):
    data = told(reply)
    assert {read(data[:end]) for end in range(len(data))} == {None}


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5))
def test_a_command_is_an_array_of_strings(arguments):
    assert read(rendered(arguments)) == (arguments, len(rendered(arguments)))


@given(st.lists(st.sampled_from(PIECES)))
def test_any_bytes_are_a_reply_or_the_beginning_of_one_or_malformed(pieces):
    data = b"".join(pieces)
    try:
        found = read(data)
    except Malformed:
        return
    assert found is None or found[1] <= len(data)


def test_arrays_that_lie_too_deep_are_malformed():
    assert read(b"*1\r\n" * DEPTH_MAX + b":1\r\n") is not None
    with pytest.raises(Malformed, match="too deep"):
        read(b"*1\r\n" * 100_000)


def test_texts_and_numbers_go_out_as_strings():
    assert rendered(("SET", "ü", 1, 0.5)) == b"*4\r\n$3\r\nSET\r\n$2\r\n\xc3\xbc\r\n$1\r\n1\r\n$3\r\n0.5\r\n"


def test_a_status_is_a_string_and_an_array_may_be_missing():
    assert read(b"+OK\r\n") == (b"OK", 5)
    assert read(b"*-1\r\n") == (None, 5)


def test_a_refusal_has_a_code():
    refusal, _ = read(b"-MOVED 3999 127.0.0.1:6381\r\n")
    assert refusal.code == "MOVED"


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n", b"$x\r\n", b":\r\n", b"*1\r\n?\r\n"])
def test_what_is_no_reply_is_an_error(data):
    with pytest.raises(Malformed):
        read(data)
