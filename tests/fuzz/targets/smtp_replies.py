"""The wire's SMTP side: a reply is the same in whatever pieces it comes, and nothing that was not asked for is one.

The input is a byte that chooses the pieces, and what a server says after one command.
"""

from everpost.engine.wire.session import REPLY_BYTES_MAX, Session
from fuzz.pieces import pieces
from fuzz.targets.http_answers import Socket


def check(data):
    how, said = data[:1], data[1:]
    if len(said) > REPLY_BYTES_MAX:
        return  # what is too long may be refused before or after a reply within it
    whole = read([said])
    assert read(pieces(said, how)) == whole
    reply, is_usable = whole
    if reply is not None:
        assert 200 <= reply.code <= 599
        lines = said.split(b"\n")
        last = next(at for at, line in enumerate(lines) if line[3:4] != b"-")
        assert reply.code == int(lines[last][:3])
        assert is_usable == (lines[last + 1 :] == [b""])  # whatever follows was not asked for


def read(chunks):
    session = Session()
    session.connection_made(Socket())
    session._give_up = session._fail
    session.expect()
    for chunk in chunks:
        if session._lost is None:
            session.data_received(chunk)
    return session._reply, session._lost is None
