"""Two projects on one installation: what one is told is the same, whatever the other does.

A is hostile and has every scope; B has none that goes beyond its own mail. What all projects share by design, and A may
therefore change with an administrator's key, is not asked for here: accounts and routes.
"""

import base64
import dataclasses
import json
import re
import time

import pytest

import http_kit
from everpost.entrypoints.http.app import build_app
from everpost.model.key import Scope
from everpost.store.sqlite import SqliteStore
from http_kit import NATIVE, Caller, ScriptedWire, running

ID = re.compile(r"em_[0-9a-z]{26}")
VARYING = re.compile(
    r'"(?:sequence|next_cursor|latency_ms|time|\w+_at|at)":(?:"[^"]*"|[\d.]+)|[?&](?:after|cursor)=\w+|\\?"x-request-id[^,]*'
)
NEVER = "em_01jzzzzzzzzzzzzzzzzzzzzzzz"
KEY = ("order-1", "order-2")
MAIL = NATIVE | {"tags": ["shared"], "metadata": {"order": "1"}, "to": ["shared@example.org"]}
LATER = MAIL | {"send_at": int(time.time()) + 86_400}  # still queued for as long as the tests run
TARGETS = ("/v1/emails/{}", "/v1/emails/{}/cancel", "/v1/events?message={}")


class Place:
    """The app with keys, and a caller for each project."""

    def __init__(self, services, engine):
        self._call = Caller(build_app(dataclasses.replace(services, keyring=engine.keyring)))
        self._keyring = engine.keyring
        self.clock = engine.ports.clock
        self.tokens = {}

    async def enter(self, project, scope):
        _, self.tokens[project] = await self._keyring.create(project, scope, "")

    async def __call__(self, project, method, target, body=b"", **headers):
        told = {"authorization": f"Bearer {self.tokens[project]}", "x-request-id": "r"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._call(method, target, body, told)


@pytest.fixture
def wire():
    wire = ScriptedWire()
    wire.released.set()
    return wire


@pytest.fixture(params=["memory", "sqlite"])
def store(request, monkeypatch):
    if request.param == "sqlite":
        monkeypatch.setattr(http_kit, "MemoryStore", lambda: SqliteStore.open(":memory:", inline=True))


@pytest.fixture
async def place(wire, store):
    async with running(wire) as (services, engine):
        made = Place(services, engine)
        await made.enter("a", Scope.ADMIN)
        await made.enter("b", Scope.SEND)
        yield made


async def script_of_b(place, between):
    """What B does; `between` is told B's ids and cursors after each step. Yields B's answers."""
    ids, cursors, answers = [], [], []

    async def step(method, target, body=b"", **headers):
        place.clock.ahead_s += 1  # of the same millisecond, chance would say which mail came first
        answer = await place("b", method, target, body, **headers)
        answers.append(answer)
        ids.extend(found for found in ID.findall(answer.body.decode()) if found not in ids)
        if b"next_cursor" in answer.body and answer.json.get("next_cursor"):
            cursors.append(answer.json["next_cursor"])
        await between(ids, cursors)
        return answer

    await step("POST", "/v1/emails", MAIL, idempotency_key=KEY[0], prefer="wait=5")
    await step("POST", "/v1/emails", MAIL, idempotency_key=KEY[0])
    await step("POST", "/v1/emails", MAIL | {"subject": "Other"}, idempotency_key=KEY[0])
    await step("POST", "/v1/emails", MAIL | {"to": []})
    await step("POST", "/sendEmail", NATIVE, idempotency_key=KEY[0])
    waiting = await step("POST", "/v1/emails", LATER, idempotency_key=KEY[1])
    await step("GET", f"/v1/emails/{waiting.json['id']}")
    await step("GET", "/v1/emails?limit=1")
    await step("GET", f"/v1/emails?limit=1&cursor={cursors[0]}")
    for query in ("tag=shared", "recipient=shared@example.org", "state=queued", "state=sent", "account=first"):
        await step("GET", f"/v1/emails?{query}")
    await step("GET", "/v1/suppressions/shared@example.org")
    await step("GET", "/v1/events?limit=1000")
    await step("POST", f"/v1/emails/{waiting.json['id']}/cancel")
    await step("POST", f"/v1/emails/{waiting.json['id']}/cancel")
    await step("GET", "/v1/emails?state=cancelled")
    await step("POST", "/v1/emails", MAIL | {"subject": "The last"}, prefer="wait=5")
    for found in tuple(ids):
        await step("GET", f"/v1/emails/{found}")
        await step("GET", f"/v1/events?message={found}")
    await step("GET", "/v1/events?limit=1000")
    own_key = place.tokens["b"].split("_")[1]
    return [plain(answer, ids).replace(own_key, "KEY") for answer in answers]


def plain(answer, ids):
    """Without what differs from run to run: ids in the order in which B has met them, instants, places in the trail,
    and whether a mail has waited for a moment in the queue, which its version tells."""
    text = json.dumps([answer.status, answer.headers, answer.body.decode()])
    for position, found in enumerate(ids):
        text = text.replace(found, f"em_{position}")
    text = VARYING.sub("~", text.replace('\\"', '"'))
    return re.sub(r'"content-length": "\d+"|\.0:\d+"', "~", text)


async def nothing(_ids, _cursors):
    """B is alone."""


def hostile(place):
    async def between(ids, cursors):
        for key in KEY:
            await place("a", "POST", "/v1/emails", MAIL | {"subject": "Mine"}, idempotency_key=key)
            await place("a", "POST", "/sendEmail", NATIVE, idempotency_key=key)
        await place("a", "PUT", "/v1/suppressions/shared@example.org", {"reason": "of A"})
        await place("a", "POST", "/v1/emails", MAIL, prefer="wait=1")
        for found in ids:
            for target in TARGETS:
                await place("a", "POST" if target.endswith("cancel") else "GET", target.format(found))
        for cursor in cursors:
            await place("a", "GET", f"/v1/emails?cursor={cursor}")

    return between


async def test_what_b_is_told_is_the_same_alone_and_beside_a_hostile_a(place, wire):
    beside = await script_of_b(place, hostile(place))
    async with running(wire) as (services, engine):
        alone_place = Place(services, engine)
        await alone_place.enter("b", Scope.SEND)
        alone = await script_of_b(alone_place, nothing)
    assert len(alone) > 25
    assert beside == alone


async def test_the_comparison_sees_a_difference(place):
    """One mail more in its own project is seen."""

    async def another(ids, _cursors):
        if len(ids) == 1:
            await place("b", "POST", "/v1/emails", MAIL)

    assert await script_of_b(place, another) != await script_of_b(place, nothing)


def guesses(ids):
    """B's ids, and what they could be part of."""
    for found in ids:
        yield from (found, f"{found}.0", f"{found}.0.1", f"{found}:0", found.upper(), f"{found}/", f"{found}%00")


def example_body(operation):
    """One that is sound, so that the id is what decides."""
    content = operation.get("requestBody", {}).get("content", {})
    return json.dumps(content["application/json"]["example"]).encode() if content else b""


async def test_no_operation_tells_a_of_a_mail_of_b(place):
    await script_of_b(place, nothing)
    ids = ID.findall((await place("b", "GET", "/v1/emails?limit=200")).body.decode())
    document = (await place("a", "GET", "/openapi.json")).json
    operations = [
        (method.upper(), path, example_body(operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "{id}" in path and (method, path) != ("put", "/v1/templates/{id}")  # whose id is the caller's own choice
    ]
    assert len(operations) >= 2
    for method, path, body in operations:
        for guess in guesses(dict.fromkeys(ids)):
            stranger = ID.sub(NEVER, guess) if ID.search(guess) else guess
            mine = await place("a", method, path.format(id=guess, place=0), body, idempotency_key="k")
            never = await place("a", method, path.format(id=stranger, place=0), body, idempotency_key="k")
            assert mine.status == never.status == 404
            assert ID.sub("", mine.body.decode()) == ID.sub("", never.body.decode())
            assert mine.headers["content-type"] == never.headers["content-type"]


async def test_a_reader_in_another_project_sees_no_event_of_b(place):
    await script_of_b(place, nothing)
    await place.enter("c", Scope.SEND)
    seen = (await place("c", "GET", "/v1/events?limit=1000")).json["data"]
    assert [(event["type"], event["data"]["project"]) for event in seen] == [("dev.everpost.key.created", "c")]
    for found in ID.findall((await place("b", "GET", "/v1/emails?limit=200")).body.decode()):
        assert (await place("c", "GET", f"/v1/events?message={found}")).json["data"] == []


async def test_a_cursor_of_b_shows_c_nothing_but_its_own(place):
    await script_of_b(place, nothing)
    await place.enter("c", Scope.SEND)
    own = (await place("c", "POST", "/v1/emails", MAIL)).json["id"]
    cursor = (await place("b", "GET", "/v1/emails?limit=1")).json["next_cursor"]
    for target in (f"/v1/emails?cursor={cursor}", "/v1/emails", "/v1/emails?tag=shared", "/v1/emails?state=sent"):
        shown = (await place("c", "GET", target)).json["data"]
        assert {mail["id"] for mail in shown} <= {own}
    crafted = base64.urlsafe_b64encode(b"em_" + b"z" * 26).decode().rstrip("=")
    shown = (await place("c", "GET", f"/v1/emails?cursor={crafted}")).json["data"]
    assert [mail["id"] for mail in shown] == [own]


async def test_a_suppression_of_a_stops_no_mail_of_b(place, wire):
    await place("a", "PUT", "/v1/suppressions/shared@example.org", {"reason": "of A"})
    answer = await place("b", "POST", "/v1/emails", MAIL, prefer="wait=5")
    assert answer.json["state"] == "sent"
    assert len(wire.sent) == 1
    stopped = await place("a", "POST", "/v1/emails", MAIL, prefer="wait=5")
    assert stopped.json["state"] == "failed"
    assert len(wire.sent) == 1
