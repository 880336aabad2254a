"""The views of the page, read from its own table, and a server on which each of them has something to show."""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from page_kit import FOLDER

ROW = re.compile(r'\{ name: "(\w+)",(?: of: "(\w+)",)? title: "([^"]+)",.*?needs: "(\w+)"', re.DOTALL)
MAIL = {
    "from": "Shop <shop@example.com>",
    "to": ["Bob <bob@example.org>", "Carol <carol@example.org>"],
    "bcc": ["audit@example.com"],
    "subject": "Invoice 4711",
    "text": "Here it is.",
    "html": "<p>Here it <b>is</b>. <a href='https://shop.example.com'>The shop</a></p>",
    "tags": ["invoice", "eu"],
    "metadata": {"order": "4711"},
    "attachments": [{"filename": "invoice.txt", "content": "SGVyZSBpdCBpcy4="}],
}
DAY_S = 86_400
PATIENCE_S = 20.0


@dataclass(frozen=True)
class View:
    name: str
    of: str  # it shows one thing of that view; "": it stands by itself
    title: str
    needs: str  # the operation of the API without which there is nothing to show


VIEWS = tuple(View(*found) for found in ROW.findall((FOLDER / "page" / "views.js").read_text()))


@dataclass(frozen=True)
class Api:
    """The API below an address, as an administrator calls it."""

    base: str
    token: str = ""
    ids: dict[str, str] = field(default_factory=dict)  # by view: one thing that it can show

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, content, sent, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or b"null")

    def sent(self, **fields: Any) -> str:
        """The id of a mail that is final by now."""
        return str(self.ask("POST", "/v1/emails", MAIL | fields, {"Prefer": "wait=10"})["id"])

    @property
    def operations(self) -> set[str]:
        return set(self.ask("GET", "/v1/whoami")["operations"])

    def address(self, view: View) -> str:
        """Where the page shows it."""
        return f"{view.of}/{self.ids[view.name]}" if view.of else view.name


def _mails(api: Api) -> None:
    for number in range(4):
        api.sent(subject=f"Receipt {number}", tags=["receipt"])
    api.ids["message"] = api.sent()
    api.ask("POST", "/v1/emails", MAIL | {"subject": "Tomorrow", "send_at": int(time.time()) + DAY_S})


def _suppressions(api: Api) -> None:
    api.ask("PUT", "/v1/suppressions/dan@example.org", {"reason": "asked by phone"})
    api.sent(subject="Left out", to=["dan@example.org", "bob@example.org"])


def _webhooks(api: Api) -> None:
    made = api.ask("POST", "/v1/webhooks", {"url": "https://hooks.example.com/everpost"})
    api.ids["webhook"] = made["id"]


def _caught(api: Api) -> None:
    api.ids["caught"] = api.ask("GET", "/v1/inbox")["data"][0]["id"]


SCENES: Mapping[str, Callable[[Api], None]] = {
    "createEmail": _mails,
    "putSuppression": _suppressions,
    "createWebhook": _webhooks,
    "listCaught": _caught,
}
"""By operation: what is done with it, so that there is something to see."""


def furnished(api: Api) -> Api:
    """The same, after everything that it offers was used."""
    offered = api.operations
    for operation, play in SCENES.items():
        if operation in offered:
            play(api)
    return api
