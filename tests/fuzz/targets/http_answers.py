"""The wire's HTTP side: an answer is the same in whatever pieces it comes, and none goes on for ever.

The input is a byte that chooses the pieces, one whose lowest bit says whether an end follows, and an answer.
"""

from everpost.engine.wire.connection import Connection
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from fuzz.pieces import pieces


class Socket:
    """What a Connection asks of a transport, without a network."""

    closing = False

    def is_closing(self):
        return self.closing

    def abort(self):
        self.closing = True

    def get_extra_info(self, name):
        return None

    def set_write_buffer_limits(self, high, low): ...


def check(data):
    how, end, answer = data[:1], data[1:2], data[2:]
    for bodyless in (False, True):
        whole = read([answer], bodyless=bodyless, ends=bool(end and end[0] & 1))
        assert read(pieces(answer, how), bodyless=bodyless, ends=bool(end and end[0] & 1)) == whole
        response = whole[0]
        if response is not None:
            assert response.status >= 200
            assert len(response.body) <= ANSWER_HEAD_BYTES_MAX + ANSWER_BODY_BYTES_MAX  # framing included
            assert not (bodyless and response.body)


def read(chunks, *, bodyless, ends):
    """The answer, whether none can come any more, and whether another request may follow."""
    connection = Connection()
    connection.connection_made(Socket())
    connection._give_up = connection._fail  # there is no socket to be reset
    connection.begin(bodyless=bodyless)
    for chunk in chunks:
        if connection._lost is None:
            connection.data_received(chunk)
    if ends and connection._lost is None:
        connection.eof_received()
    return connection._response, connection._lost is None, connection.reusable and connection.is_usable
