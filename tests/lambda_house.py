"""An installation on this machine, and functions of it under the runtime interface client."""

import base64
import json
import time
from pathlib import Path

from everpost.engine.keys import Keyring
from everpost.model.key import Scope
from everpost.wiring.parts import open_store
from lambda_kit import environment, rest_event

CONFIG = """
data = "{folder}/data"
[accounts.mailgun]
provider = "mailgun"
domain = "mg.example.com"
api_key = "{mailgun_key}"
webhook_secret = "mailgun-signing-key-4711"
base_url = "{mailgun}"
lookup_lag_s = 0.2
timeouts = {{ connect_s = 0.5, write_s = 0.5, answer_s = {answer_s} }}
[accounts.sendgrid]
provider = "sendgrid"
api_key = "SG.sandbox"
base_url = "{sendgrid}"
lookup_lag_s = 0.2
timeouts = {{ connect_s = 0.5, write_s = 0.5, answer_s = {answer_s} }}
[events]
sinks = [{sinks}]
"""
ORIGINAL = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
NATIVE = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}


class House:
    """Functions that share a store, and the providers in front of which they stand."""

    def __init__(self, folder, sandbox, stack):
        self.folder = folder
        self.sandbox = sandbox
        self.environ = {"EVERPOST_CONFIG": str(folder / "everpost.toml"), "EVERPOST_LOG_LEVEL": "info"}
        self.token = ""
        self.sinks = f'"file:{folder}/events.jsonl"'
        self._stack = stack
        self._started = 0

    def configuration(self, answer_s=1.0, mailgun_key="key-sandbox"):
        return CONFIG.format(
            folder=self.folder,
            mailgun=self.sandbox.url("mailgun"),
            mailgun_key=mailgun_key,
            sendgrid=self.sandbox.url("sendgrid"),
            answer_s=answer_s,
            sinks=self.sinks,
        )

    def configure(self, answer_s=1.0):
        Path(self.environ["EVERPOST_CONFIG"]).write_text(self.configuration(answer_s))

    async def make_key(self):
        store = open_store(self.folder / "data")
        _, self.token = await Keyring(store, time.time).create("default", Scope.ADMIN, "test")
        await store.close()

    async def used_at(self):
        """When the key was last used; None: never."""
        store = open_store(self.folder / "data")
        [(_, used_at)] = await Keyring(store, time.time).list_uses("default")
        await store.close()
        return used_at

    async def start(self, handler, more=None, **options):
        self._started += 1
        log = self.folder / f"{handler}-{self._started}.log"
        function = environment(handler, log, {**self.environ, **(more or {})}, **options)
        return await self._stack.enter_async_context(function)

    def asked(self, method, path, body=None, *, make=rest_event, headers=None):
        """An event with our key."""
        told = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **(headers or {})}
        return make(method, path, None if body is None else json.dumps(body), headers=told)

    @property
    def mails(self):
        """How often each delivery was really taken."""
        return dict(self.sandbox.inbox.taken)


def read(result):
    """Status and decoded body of a function's result."""
    assert not result["isBase64Encoded"]
    return result["statusCode"], json.loads(result["body"])


def encoded(event):
    """As a gateway passes on what it takes for binary."""
    return {**event, "body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
