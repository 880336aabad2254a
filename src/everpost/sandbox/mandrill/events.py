"""Mandrill's events: all of a mail in one form. Signed is the address, too, that they are posted to."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told

FORM: Final = "application/x-www-form-urlencoded"


class MandrillTeller:
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"event": "send"},
        "deferred": {"event": "deferral", "diag": f"451 {LATER}"},
        "delivered": {"event": "delivered", "diag": "250 2.0.0 OK"},
        "bounced": {"event": "hard_bounce", "bounce_description": "bad_mailbox", "diag": f"smtp;550 {HARD}"},
        "refused": {"event": "soft_bounce", "bounce_description": "general", "diag": f"smtp;550 {SOFT}"},
        "rejected": {"event": "reject"},
        "barred_bounce": {"event": "reject"},
        "barred_complaint": {"event": "reject"},
        "barred_unsubscribe": {"event": "reject"},
        "complained": {"event": "spam"},
        "unsubscribed": {"event": "unsub"},
        "opened": {"event": "open"},
    }
    documents: ClassVar[Mapping[str, bytes]] = {}

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self._url = ""

    def settings(self, url: str, base_url: str) -> dict[str, str]:  # noqa: ARG002  see Particular
        self._url = url
        return {"webhook_secret": self.secret, "webhook_url": url}

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:  # noqa: ARG002  nothing is dated
        told = msgspec.json.encode([self._event(event) for event in events]).decode()
        signed = f"{self._url}mandrill_events{told}".encode()
        signature = b64encode(hmac.new(self.secret.encode(), signed, hashlib.sha1).digest()).decode()
        headers = {"Content-Type": FORM, "X-Mandrill-Signature": signature}
        return [Post(urlencode({"mandrill_events": told}).encode(), headers)]

    def _event(self, told: Told) -> dict[str, Any]:
        native = self.native[told.what]
        id_ = f"{told.caught.provider_message_id}.{told.place}"
        diagnosis = {name: native.get(name) for name in ("bounce_description", "diag")}
        mail = {"_id": id_, "email": told.recipient, "metadata": told.variables} | diagnosis
        seen = {"user_agent": BROWSER} if told.what == "opened" else {}
        return {"event": native["event"], "_id": id_, "ts": int(told.at), "msg": mail} | seen
