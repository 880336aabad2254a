"""Base64 is read in pieces, and that makes no difference."""

import base64
import binascii

from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects import coded

ODD = st.text("AZaz09+/= \n-é", max_size=40)
SOUND = st.binary(max_size=40).map(lambda content: base64.b64encode(content).decode())


def told(read, text):
    try:
        return read(text)
    except ValueError as error:
        return str(error)


@given(st.lists(st.one_of(ODD, SOUND), max_size=3).map("".join))
def test_text_that_is_read_in_pieces_is_what_it_is_as_a_whole(text):
    before, coded.PIECE_CHARS = coded.PIECE_CHARS, 8
    try:
        in_pieces = told(coded.from_base64, text)
    finally:
        coded.PIECE_CHARS = before
    assert in_pieces == told(lambda whole: binascii.a2b_base64(whole, strict_mode=True), text)


def test_a_piece_that_ends_in_the_middle_of_padding_hides_no_more_content():
    text = "AAAA" * (coded.PIECE_CHARS // 4 - 1) + "AA==" + "AAAA"
    assert told(coded.from_base64, text) == "Excess data after padding"
    assert told(coded.from_base64, text.encode()) == "Excess data after padding"


def test_a_large_text_is_read_whole():
    content = bytes(range(256)) * (coded.PIECE_CHARS // 256)
    assert coded.from_base64(base64.b64encode(content)) == content
