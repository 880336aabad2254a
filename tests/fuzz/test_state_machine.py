"""The API over SQLite against a model of what its callers may expect: calls in any order, made up by hypothesis."""

import asyncio
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from everpost.entrypoints.http.app import build_app
from everpost.providers.contract import HttpResponse
from everpost.store.sqlite import SqliteStore
from http_kit import Caller, ScriptedWire, running

PEOPLE = ("bob@example.org", "Eve@example.net", "o'hara@example.org")
ACCOUNTS = ("first", "second")
TAKES, REFUSES, REJECTS = 202, 403, 400
ENDS = ("accepted", "sent", "failed", "cancelled")
LATER = int(time.time()) + 86_400

people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True)
accounts = st.sampled_from(ACCOUNTS)


class Model:
    """What a caller knows."""

    def __init__(self):
        self.mails = {}  # id: (state, account, to), in the order in which they were accepted
        self.keys = {}  # key: (body, id)
        self.suppressed = set()
        self.default = "first"
        self.answers = dict.fromkeys(ACCOUNTS, TAKES)

    def send(self, id_, body, key):
        if key:
            self.keys[key] = (body, id_)
        self.mails[id_] = ("queued", None, body["to"]) if "send_at" in body else self._handed_over(body["to"])

    def _handed_over(self, to):
        if not [one for one in to if one.lower() not in self.suppressed]:
            return "failed", None, to
        for account in sorted(ACCOUNTS, key=lambda name: name != self.default):
            if self.answers[account] == TAKES:
                return "sent", account, to
            if self.answers[account] == REJECTS:
                return "failed", account, to
        raise AssertionError("an account takes mail")

    def cancel(self, id_):
        """Whether it can be cancelled."""
        state, account, to = self.mails[id_]
        if state == "queued":
            self.mails[id_] = ("cancelled", account, to)
        return state == "queued"


class Api(RuleBasedStateMachine):
    mails = Bundle("mails")
    keys = Bundle("keys")

    @initialize()
    def start(self):
        self.model = Model()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        store = SqliteStore.open(str(Path(self.folder.name) / "everpost.db"))
        self.wire = ScriptedWire()
        self.running = running(self.wire, store=store)
        self.store = store
        services, _ = self.runner.run(self.running.__aenter__())
        self.wire.released.set()
        self.caller = Caller(build_app(services))

    def call(self, method, target, body=b"", headers=None):
        return self.runner.run(self.caller(method, target, body, headers))

    def _send(self, to, key, **fields):
        """The answer to a mail that everybody waits for, unless it is to go later."""
        body = {"from": "ann@example.com", "to": to, "subject": "Hello", "text": "It works", **fields}
        told = ({"idempotency-key": key} if key else {}) | ({} if "send_at" in fields else {"prefer": "wait=30"})
        return body, self.call("POST", "/v1/emails", body, told)

    @rule(target=mails, to=people, later=st.booleans())
    def send(self, to, later):
        body, answer = self._send(to, None, **({"send_at": LATER} if later else {}))
        assert answer.status == (202 if later else 200)
        self.model.send(answer.json["id"], body, None)
        return answer.json["id"]

    @rule(target=keys, to=people, key=st.text("abc", min_size=1, max_size=3), later=st.booleans())
    def send_with_a_key(self, to, key, later):
        assume(key not in self.model.keys)
        body, answer = self._send(to, key, **({"send_at": LATER} if later else {}))
        self.model.send(answer.json["id"], body, key)
        assert "idempotency-replayed" not in answer.headers
        return key

    @rule(key=keys)
    def repeat(self, key):
        body, id_ = self.model.keys[key]
        answer = self.call("POST", "/v1/emails", body, {"idempotency-key": key})
        assert (answer.json["id"], answer.headers["idempotency-replayed"]) == (id_, "true")

    @rule(key=keys)
    def use_a_key_for_another_mail(self, key):
        body, _ = self.model.keys[key]
        answer = self.call("POST", "/v1/emails", body | {"subject": "Another"}, {"idempotency-key": key})
        assert (answer.status, answer.json["code"]) == (422, "idempotency_mismatch")

    @rule(id_=mails)
    def cancel(self, id_):
        answer = self.call("POST", f"/v1/emails/{id_}/cancel")
        assert answer.status == (200 if self.model.cancel(id_) else 409)

    @rule(name=st.text(max_size=30))
    def ask_for_what_is_not_there(self, name):
        path = f"/v1/emails/em_{name.encode().hex()}"
        assert self.call("GET", path).status == self.call("POST", f"{path}/cancel").status == 404

    @rule(one=st.sampled_from(PEOPLE), swapped=st.booleans())
    def suppress(self, one, swapped):
        self.call("PUT", f"/v1/suppressions/{one.swapcase() if swapped else one}")
        self.model.suppressed.add(one.lower())

    @rule(one=st.sampled_from(PEOPLE))
    def unsuppress(self, one):
        assert self.call("DELETE", f"/v1/suppressions/{one}").status == 204
        self.model.suppressed.discard(one.lower())

    @rule(account=accounts)
    def let_go_first(self, account):
        assert self.call("POST", "/setEmailProvider", {"provider": account}).status == 200
        self.model.default = account

    @rule(account=accounts, status=st.sampled_from([REFUSES, REJECTS]))
    def fail(self, account, status):
        """The other one is well."""
        for name in ACCOUNTS:
            self.model.answers[name] = status if name == account else TAKES
            self.wire.answers[name] = HttpResponse(status=self.model.answers[name], headers={}, body=b"word")

    @rule(text=st.text("em_0123456789abcdefABCDEF=-_", max_size=40))
    def use_a_cursor_of_ones_own(self, text):
        for target in (f"/v1/emails?cursor={text}", f"/v1/events?after={text}"):
            assert self.call("GET", target).status in (200, 400)

    @invariant()
    def everything_is_as_expected(self):
        assert self.call("GET", "/getEmailProvider").json["provider"] == self.model.default
        found = self._listed()
        assert [mail["id"] for mail in found] == list(reversed(self.model.mails))
        for mail in found:
            self._check(mail)

    @invariant()
    def the_trail_tells_each_mail_once(self):
        events = self.call("GET", "/v1/events?limit=1000").json["data"]
        told = {
            kind: [one["subject"] for one in events if one["type"] == f"dev.everpost.email.{kind}"] for kind in ENDS
        }
        assert sorted(told["accepted"]) == sorted(self.model.mails)
        for state in ENDS[1:]:
            assert sorted(told[state]) == sorted(id_ for id_, mail in self.model.mails.items() if mail[0] == state)
        places = [event["sequence"] for event in events]
        assert places == sorted(set(places))

    @invariant()
    def suppressions_are_those_that_were_made(self):
        statuses = {one.lower(): self.call("GET", f"/v1/suppressions/{one}").status for one in PEOPLE}
        assert {one for one, status in statuses.items() if status == 200} == self.model.suppressed

    def _check(self, mail):
        state, account, to = self.model.mails[mail["id"]]
        assert (mail["state"], [one["email"] for one in mail["recipients"]]) == (state, to)
        if account is not None:
            assert mail["deliveries"][0]["account"] == account

    def _listed(self):
        """All mails, page by page."""
        found, cursor = [], ""
        while True:
            page = self.call("GET", f"/v1/emails?limit=3{cursor}").json
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def teardown(self):
        if hasattr(self, "runner"):
            self.runner.run(self.running.__aexit__(None, None, None))
            self.runner.run(self.store.close())
            self.runner.close()
            self.folder.cleanup()


TestApi = Api.TestCase
TestApi.settings = settings(
    max_examples=15, stateful_step_count=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
