"""What all providers' events are told by: logins, and instants in words."""

from base64 import b64encode

import pytest

from everpost.providers import sightings
from everpost.providers.hooks import is_basic_auth
from hook_values import request

SECRETS = ("hook:one", "hook:two")


def login(text, scheme="Basic"):
    return request(b"", {"authorization": f"{scheme} {b64encode(text.encode()).decode()}"})


@pytest.mark.parametrize("asked", [login("hook:one"), login("hook:two"), login("hook:one", "basic")])
def test_any_of_the_logins_is_good(asked):
    assert is_basic_auth(asked, SECRETS)


@pytest.mark.parametrize(
    "asked",
    [
        login("hook:three"),
        login("hook:one "),
        login("hook:one", "Bearer"),
        login(""),
        request(b"", {}),
        request(b"", {"authorization": "Basic \udcff"}),
        request(b"", {"authorization": "Basic aG9vazpvbmU"}),
    ],
)
def test_any_other_is_not(asked):
    assert not is_basic_auth(asked, SECRETS)
    assert not is_basic_auth(asked, ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-01-01T00:00:09Z", 1767225609.0),
        ("2026-01-01T00:00:09.5234567Z", 1767225609.523456),
        ("2026-01-01T01:00:09+01:00", 1767225609.0),
        ("2026-01-01 00:00:09", 1767225609.0),
        ("yesterday", None),
        ("", None),
        (7, None),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
    ],
)
def test_an_instant_is_read_in_any_of_its_forms(text, told):
    assert sightings.iso_instant(text) == told
