"""What the load asks for: the native API, the original operations, and the doors of providers. A mail of each kind says
the same, in the words of its API."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import urlencode

BODY_BYTES = 2048
DIGITS = 10
NUMBER = f"%0{DIGITS}d"
LATER_S = 30 * 86_400
FORM = "application/x-www-form-urlencoded"

_MARK = "NUMBER"  # stands for NUMBER until all else is escaped
_SENDER, _TO = "Shop <orders@shop.example.com>", f"Customer <customer.{NUMBER}@example.org>"
_SUBJECT = f"Your order {NUMBER}"
_HTML = "<h1>Thank you</h1><p>We have your order and will tell you when it leaves.</p>"


def _bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


@dataclass(frozen=True)
class Kind:
    path: str
    body: Callable[[], bytes]
    has_key: bool = False  # each request has one of its own
    content_type: str = "application/json"
    login: Callable[[str], str] = _bearer  # the line that holds the token


def _filled(mail: dict[str, object], text: str) -> bytes:
    """The mail as JSON of BODY_BYTES; every NUMBER in it counts as DIGITS characters."""
    missing = BODY_BYTES - len(json.dumps(mail | {text: ""}) % ((0,) * json.dumps(mail).count(NUMBER)))
    return json.dumps(mail | {text: ("All work and no play. " * 200)[:missing]}).encode()


def _later() -> int:
    return int(time.time()) + LATER_S


def _native(**more: object) -> bytes:
    mail = {
        "from": _SENDER,
        "to": [_TO],
        "subject": _SUBJECT,
        "html": _HTML,
        "tags": ["order"],
        "metadata": {"order": NUMBER},
    }
    return _filled(mail | more, "text")


def _text() -> str:
    """As long as the native one's."""
    return str(json.loads(_native(send_at=_later()))["text"])


def _sync() -> bytes:
    mail = {"from": "orders@shop.example.com", "to": f"customer.{NUMBER}@example.org", "subject": f"Order {NUMBER}"}
    return _filled(mail, "text")


def _direct() -> bytes:
    content = {"type": "text/plain", "value": "All work and no play. " * 80}
    mail = {
        "personalizations": [{"to": [{"email": f"customer.{NUMBER}@example.org"}]}],
        "from": {"email": "orders@shop.example.com"},
        "subject": f"Order {NUMBER}",
        "content": [content],
    }
    return json.dumps(mail).encode()


def _sendgrid() -> bytes:
    mail = {
        "personalizations": [{"to": [{"email": f"customer.{NUMBER}@example.org", "name": "Customer"}]}],
        "from": {"email": "orders@shop.example.com", "name": "Shop"},
        "subject": _SUBJECT,
        "content": [{"type": "text/plain", "value": _text()}, {"type": "text/html", "value": _HTML}],
        "categories": ["order"],
        "custom_args": {"order": NUMBER},
        "send_at": _later(),
    }
    return json.dumps(mail).encode()


def _mailgun() -> bytes:
    mail = {
        "from": _SENDER,
        "to": _TO.replace(NUMBER, _MARK),
        "subject": _SUBJECT.replace(NUMBER, _MARK),
        "text": _text(),
        "html": _HTML,
        "o:tag": "order",
        "v:order": _MARK,
        "o:deliverytime": formatdate(_later(), usegmt=True),
    }
    return urlencode(mail).replace("%", "%%").replace(_MARK, NUMBER).encode()


def _resend() -> bytes:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_later()))
    mail = {"from": _SENDER, "to": [_TO], "subject": _SUBJECT, "text": _text(), "html": _HTML, "scheduled_at": at}
    return json.dumps(mail | {"tags": [{"name": "order", "value": NUMBER}]}).encode()


def _postmark() -> bytes:
    mail = {"From": _SENDER, "To": _TO, "Subject": _SUBJECT, "TextBody": _text(), "HtmlBody": _HTML, "Tag": "order"}
    return json.dumps(mail | {"Metadata": {"order": NUMBER}}).encode()


def _basic(token: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"api:{token}".encode()).decode()


KINDS: dict[str, Kind] = {
    "accept": Kind("/v1/emails", _native, has_key=True),
    "later": Kind("/v1/emails", lambda: _native(send_at=_later()), has_key=True),
    "sync": Kind("/sendEmail", _sync),
    "direct": Kind("/v3/mail/send", _direct),
    "send": Kind("/send", _sync),
    "sendgrid": Kind("/v3/mail/send", _sendgrid),
    "mailgun": Kind("/v3/mg.example.com/messages", _mailgun, content_type=FORM, login=_basic),
    "resend": Kind("/emails", _resend),
    "postmark": Kind("/email", _postmark, login="X-Postmark-Server-Token: {}".format),
}
"""By name. Mail of the doors is for later, as far as they can say so: Postmark's can't."""
