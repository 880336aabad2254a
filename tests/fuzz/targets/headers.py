"""What a caller's headers, query and cursor say: read or refused, within their bounds, never an error.

The input is a text in latin-1, as headers are.
"""

from everpost.dialects.faults import Faults
from everpost.entrypoints.http import headers, query
from everpost.entrypoints.http.mail_operations import MAIL
from everpost.model.delivery import DeliveryState
from everpost.model.limits import IDEMPOTENCY_KEY_CHARS_MAX, WAIT_S_MAX
from everpost.model.problem import Problem

LIST = next(operation for operation in MAIL if operation.id == "listEmails")


def check(data):
    text = data.decode("latin-1").strip()
    check_headers(text)
    check_query(data)
    check_cursor(text)


def check_headers(text):
    key = headers.read_idempotency_key([text])
    if isinstance(key, str):
        assert 0 < len(key) <= IDEMPOTENCY_KEY_CHARS_MAX
        assert all("!" <= char <= "~" for char in key)
        assert headers.read_idempotency_key([_quoted(key)]) == key
    else:
        assert isinstance(key, Problem)
    assert isinstance(headers.read_idempotency_key([text, text]), Problem)
    wait_s = headers.read_wait([text])
    assert wait_s is None or 0 < wait_s <= WAIT_S_MAX
    token = headers.read_token(text)
    assert token is None or token
    version = headers.read_version(text)
    assert isinstance(version, Problem) or 0 <= version < 10**18
    for found in (headers.read_request_id(text), headers.read_trace(text)):
        assert found is None or (found == text and found.isascii() and len(found) <= 256)


def _quoted(key):
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def check_query(raw):
    found = query.read_query(raw, LIST.query)
    if isinstance(found, Problem):
        assert (found.code, found.status) == ("bad_parameter", 400)
        return
    faults = Faults()
    assert 1 <= query.read_limit(found, 50, 200, faults) <= 200
    state = query.read_choice(found, "state", DeliveryState, faults)
    assert state is None or state in DeliveryState
    at = query.read_time(found, "created_from", faults)
    assert at is None or 0 <= at < 1e11


def check_cursor(text):
    faults = Faults()
    place = query.read_cursor({"cursor": text}, "cursor", faults)
    assert (place is None) == (bool(faults) or not text)
    if place is not None:
        assert query.cursor(place) == text
