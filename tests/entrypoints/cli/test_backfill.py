"""`everpost backfill`, over a store of its own and a sandbox provider."""

import asyncio
import threading
from base64 import b64encode
from contextlib import contextmanager
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from everpost.sandbox.sandbox import Sandbox

CONFIG = """
data = "{data}"
[accounts.mailgun]
provider = "mailgun"
api_key = "key-1"
domain = "mg.example.com"
base_url = "{url}"
[accounts.relay]
provider = "smtp"
host = "127.0.0.1"
port = 1
security = "none"
[routes.default]
accounts = ["mailgun", "relay"]
"""
MAIL = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}


@contextmanager
def running_sandbox():
    """In a thread of its own: the command has an event loop of its own, too."""
    loop, sandbox = asyncio.new_event_loop(), Sandbox()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(coro):
        return asyncio.run_coroutine_threadsafe(coro, loop).result(10)

    call(sandbox.start())
    try:
        yield sandbox
    finally:
        call(sandbox.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def house(tmp_path):
    with running_sandbox() as sandbox:
        file = tmp_path / "everpost.toml"
        file.write_text(CONFIG.format(data=tmp_path / "data", url=sandbox.url("mailgun")))
        url = f"{sandbox.url('mailgun')}/v3/mg.example.com/messages"
        login = "Basic " + b64encode(b"api:key-1").decode()
        urlopen(Request(url, urlencode(MAIL).encode(), {"Authorization": login})).close()
        yield ("--config", str(file)), sandbox


def test_what_a_provider_lists_is_taken_in_once(everpost, house):
    config, _ = house
    first = everpost("backfill", "--account", "mailgun", "--since", "1h", *config, "--json")
    again = everpost("backfill", "--account", "mailgun", "--since", "1h", *config)
    assert (first.code, first.json) == (0, {"listed": 2, "fresh": 2, "joined": 0, "left_out": "", "trouble": ""})
    assert (again.code, again.out) == (0, "2 events listed, 0 of known mails; 0 were new\n")


def test_a_provider_that_can_not_be_asked_is_told_with_those_that_can(everpost, house):
    config, _ = house
    ended = everpost("backfill", "--account", "relay", "--since", "1h", *config)
    assert ended.code == 2
    assert "account 'relay' can't be asked for events" in ended.err
    assert "accounts whose providers list events: mailgun" in ended.err


def test_a_key_that_may_not_read_is_told(everpost, house):
    config, sandbox = house
    sandbox.conduct.rejected_keys = frozenset({"key-1"})
    ended = everpost("backfill", "--account", "mailgun", "--since", "2030-01-31T09:00:00Z", *config)
    assert ended.code == 0  # nothing can have happened since then
    ended = everpost("backfill", "--account", "mailgun", "--since", "90m", *config)
    assert ended.code == 1
    assert "it broke off: the key may not read (401): set lookup_api_key to one that may" in ended.err


def test_a_time_that_is_none_is_told_with_what_would_be_one(everpost, house):
    config, _ = house
    ended = everpost("backfill", "--account", "mailgun", "--since", "yesterday", *config)
    assert ended.code == 2
    assert "neither a time nor a duration such as 90m, 6h or 2d" in ended.err
