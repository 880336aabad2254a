"""The sandbox is steered through the API of the server that sends through it."""

import asyncio

import pytest

from everpost.engine.console import Console
from everpost.entrypoints.dev.drills import Drills
from everpost.entrypoints.dev.operations import sandbox_operations
from everpost.entrypoints.http.app import build_app
from everpost.sandbox.sandbox import Sandbox
from everpost.sandbox.telling import TELLERS
from everpost.wiring import PROVIDERS
from http_kit import Caller, ScriptedWire, running

PATH = "/v1/sandbox/faults"


@pytest.fixture
async def sandbox():
    sandbox = Sandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def call(sandbox):
    async with running(ScriptedWire(), inbox=sandbox.inbox) as (services, _):
        yield Caller(build_app(services, sandbox_operations(sandbox, Drills(sandbox))))


def of(answer, provider):
    return next(each for each in answer.json["data"] if each["provider"] == provider)


async def test_a_fault_is_put_shown_and_healed(call, sandbox):
    put = await call(
        "PUT", f"{PATH}/mailgun", {"faults": [{"kind": "status", "status": 429, "share": 0.5, "for_s": 60}]}
    )
    assert put.status == 200
    [shown] = of(await call("GET", PATH), "mailgun")["faults"]
    assert 0 < shown.pop("left_s") <= 60
    assert shown == {
        "kind": "status",
        "share": 0.5,
        "target": "send",
        "status": 429,
        "text": "",
        "delay_s": 0.0,
        "count": None,
        "hits": 0,
    }
    assert (await call("DELETE", PATH)).status == 204
    assert [each["faults"] for each in (await call("GET", PATH)).json["data"]] == [[] for _ in sandbox.faults]


async def test_a_provider_that_refuses_listens_again_when_all_are_healed(call, sandbox):
    await call("PUT", f"{PATH}/sendgrid", {"faults": [{"kind": "refuse"}]})
    port = int(sandbox.url("sendgrid").rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await call("DELETE", PATH)
    (await asyncio.open_connection("127.0.0.1", port))[1].close()


@pytest.mark.parametrize(
    ("faults", "field", "words"),
    [
        ([{"kind": "explode"}], "faults[0].kind", "must be one of: refuse, "),
        ([{"kind": "status", "share": 2}], "faults[0].share", "must be at most 1"),
        ([{"kind": "status", "share": "2"}], "faults[0].share", "must be a number, not a string"),
        ([{"kind": "slow"}, {"kind": "slow", "for_s": 0}], "faults[1].for_s", "must be more than 0"),
        ([{"kind": "slow", "often": 1}], "faults[0].often", "unknown; known are: "),
        ([{"kind": "slow"}] * 21, "faults", "must have at most 20 entries"),
        ([{"kind": "refuse"}, {"kind": "bounce"}], "faults[1].kind", ""),
    ],
)
async def test_what_is_wrong_with_a_fault_is_said_and_nothing_is_changed(call, faults, field, words):
    refused = await call("PUT", f"{PATH}/smtp", {"faults": faults})
    [error] = refused.json["errors"]
    assert (refused.status, error["field"]) == (422, field)
    assert error["message"].startswith(words)
    assert of(await call("GET", PATH), "smtp")["faults"] == []


@pytest.mark.parametrize("name", sorted(TELLERS))
async def test_only_a_provider_whose_events_are_heard_can_let_mail_bounce(call, sandbox, name):
    bounce = {"faults": [{"kind": "bounce"}]}
    assert (await call("PUT", f"{PATH}/{name}", bounce)).json["errors"][0]["field"] == "faults[0].kind"
    sandbox.telling.tell(name, f"http://127.0.0.1:9/hooks/{name}", sandbox.url(name))
    assert (await call("PUT", f"{PATH}/{name}", bounce)).status == 200
    assert of(await call("GET", PATH), name)["tells"]


def test_every_provider_whose_events_are_heard_tells_them_in_the_sandbox():
    assert set(TELLERS) == {name for name, provider in PROVIDERS.items() if provider.webhook is not None}


async def test_no_json_and_no_such_provider_are_told(call):
    assert (await call("PUT", f"{PATH}/mailgun", body=b"{")).json["code"] == "bad_json"
    assert "mailgun" in (await call("PUT", f"{PATH}/pigeon", {"faults": []})).json["detail"]


async def test_two_who_start_a_drill_at_once_watch_the_same_one(call, sandbox, monkeypatch):
    monkeypatch.setitem(sandbox.faults, "plain", sandbox.faults["mailgun"])  # the provider that mail goes to first
    accounts = Console.accounts

    async def looked_up(console):
        await asyncio.sleep(0)  # as at a store that is elsewhere
        return await accounts(console)

    monkeypatch.setattr(Console, "accounts", looked_up)
    first, second = await asyncio.gather(*(call("POST", "/v1/sandbox/drill") for _ in range(2)))
    assert {first.status, second.status} == {202, 200}
    assert first.json["id"] == second.json["id"]
    assert (await call("DELETE", "/v1/sandbox/drill")).status == 204
