"""Every operation of every door refuses in its provider's own shape, whatever is wrong."""

import re
from dataclasses import replace

import pytest

from dropins.test_doors import own_token
from dropins.test_reading import has_its_shape
from everpost.dialects.answers import Rendered
from everpost.dialects.dropins.contract import Send
from everpost.dialects.dropins.table import DROPINS
from everpost.entrypoints.http.admission import Admission
from everpost.entrypoints.http.app import build_app
from everpost.model.key import Scope
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable
from http_kit import Caller, ScriptedWire, running

ROWS = [(dropin.name, row.method, row.path) for dropin in DROPINS for row in dropin.rows]
PLACES = {"id": "em_0123456789abcdefghjkmnpqrs", "address:path": "bob@example.org", "stream": "outbound"}
WITH_BODY = [each for each in ROWS if each[1] in ("POST", "PUT", "PATCH")]
BODILESS = (  # a body says nothing there
    ("sendgrid", "POST", "/v3/mail/batch"),
    ("resend", "POST", "/emails/{id}/cancel"),
)


def target(path):
    return re.sub(r"\{([^}]+)\}", lambda found: PLACES.get(found[1], "7"), path)


def is_refusal(door, answer, status=400):
    """Whether an answer is an error that the clients of this provider read, of this status or a higher one."""
    kind = answer.headers["content-type"]
    if answer.status < status:
        return False
    if door == "mailgun" and answer.status == 401:
        return (kind, answer.body) == ("text/plain; charset=utf-8", b"Forbidden")
    told = Rendered(status=answer.status, headers=answer.headers, body=answer.body)
    return kind == "application/json" and has_its_shape(door, told)


class BrokenStore(MemoryStore):
    """Every question fails with this, once it is set."""

    fault = None

    def __getattribute__(self, name):
        fault = super().__getattribute__("fault")
        if fault is None or name.startswith("_") or name in ("fault", "close"):
            return super().__getattribute__(name)

        async def broken(*_, **__):
            raise fault

        return broken


@pytest.fixture
async def place():
    wire, store = ScriptedWire(), BrokenStore()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        keyed = Caller(build_app(replace(services, keyring=engine.keyring)))
        yield Caller(build_app(services)), keyed, engine, store
        store.fault = None


@pytest.mark.parametrize(("door", "method", "path"), ROWS)
async def test_without_a_key_or_with_another_one(door, method, path, place):
    _, keyed, _, _ = place
    for token in ({}, own_token(door, "nonsense")):
        assert is_refusal(door, await keyed(method, target(path), b"", token), 401)


NEEDS = {(dropin.name, row.method, row.path): row.scope for dropin in DROPINS for row in dropin.rows}
LESS = {Scope.SEND: Scope.READ, Scope.ADMIN: Scope.SEND}


@pytest.mark.parametrize(("door", "method", "path"), [row for row in ROWS if NEEDS[row] in LESS])
async def test_with_a_key_that_may_do_less(door, method, path, place):
    _, keyed, engine, _ = place
    _, token = await engine.keyring.create("default", LESS[NEEDS[door, method, path]], "")
    assert is_refusal(door, await keyed(method, target(path), b"", own_token(door, token)), 401)


SENDS = [(dropin.name, row.method, row.path) for dropin in DROPINS for row in dropin.rows if isinstance(row.does, Send)]


@pytest.mark.parametrize(("door", "method", "path"), SENDS)
async def test_when_there_is_too_much_to_do(door, method, path, place, monkeypatch):
    monkeypatch.setattr(Admission, "enter", lambda *_: None)
    call, *_ = place
    answer = await call(method, target(path), b"{}")
    assert is_refusal(door, answer, 429)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize(("door", "method", "path"), ROWS)
async def test_with_a_parameter_that_nobody_knows(door, method, path, place):
    call, *_ = place
    assert is_refusal(door, await call(method, f"{target(path)}?surprise=1", b""))


@pytest.mark.parametrize(("door", "method", "path"), ROWS)
async def test_by_another_method(door, method, path, place):
    call, *_ = place
    assert is_refusal(door, await call("TRACE", target(path), b""), 405)


@pytest.mark.parametrize(("door", "method", "path"), WITH_BODY)
async def test_with_a_body_that_is_too_large(door, method, path, place):
    call, *_ = place
    if (door, method, path) not in BODILESS:
        assert is_refusal(door, await call(method, target(path), b"x", {"content-length": "99999999999"}), 413)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null", b"7", b"[" * 5000])
@pytest.mark.parametrize(("door", "method", "path"), WITH_BODY)
async def test_with_a_body_that_makes_no_sense(door, method, path, body, place):
    call, *_ = place
    if (door, method, path) not in BODILESS:
        assert is_refusal(door, await call(method, target(path), body))


@pytest.mark.parametrize("fault", [StoreUnavailable("the disk is gone"), ZeroDivisionError("a bug")])
@pytest.mark.parametrize(("door", "method", "path"), ROWS)
async def test_when_the_store_is_away_or_something_is_wrong_here(door, method, path, fault, place):
    """The key itself can't be looked up then."""
    _, keyed, engine, store = place
    _, token = await engine.keyring.create("default", Scope.ADMIN, "")
    store.fault = fault
    assert is_refusal(door, await keyed(method, target(path), b"{}", own_token(door, token)), 500)
