"""Each operation as a value: the request, how its answer is read, and whether it may be repeated. No network here."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from everpost.client.answers import Email, Event, Page, Sent, Suppression
from everpost.client.mail import EmailFilter, EventFilter, Mail, Time, written

T = TypeVar("T")

EMAILS: Final = "/v1/emails"
PAGE: Final = 200  # entries that are asked for at once


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    method: str = "POST"
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = {}
    read: Callable[[bytes], T]
    repeats: bool = True  # whether a second request does no more than the first
    idempotency_key: str | None = None
    wait_s: float = 0.0  # how long the server was asked to wait


_SENT: Final = msgspec.json.Decoder(Sent).decode
_EMAIL: Final = msgspec.json.Decoder(Email).decode
_EMAILS: Final = msgspec.json.Decoder(Page[Email]).decode
_EVENTS: Final = msgspec.json.Decoder(Page[Event]).decode
_SUPPRESSION: Final = msgspec.json.Decoder(Suppression).decode
_SUPPRESSIONS: Final = msgspec.json.Decoder(Page[Suppression]).decode


def _nothing(_: bytes) -> None:
    return None


def send(mail: Mail, idempotency_key: str | None, wait_s: float) -> Call[Sent]:
    key = idempotency_key or str(uuid.uuid4())
    asked = {"prefer": f"wait={round(wait_s)}"} if wait_s else {}
    headers = {"idempotency-key": key, **asked}
    return Call(path=EMAILS, body=written(mail), headers=headers, read=_SENT, idempotency_key=key, wait_s=wait_s)


def get(email_id: str) -> Call[Email]:
    return Call(method="GET", path=_of(email_id), read=_EMAIL)


def emails(wanted: EmailFilter, cursor: str | None, limit: int) -> Call[Page[Email]]:
    """By a body: what stands in an address ends up in logs."""
    body = {"filter": wanted, "limit": limit, "cursor": cursor}
    return Call(path=f"{EMAILS}/search", body=msgspec.json.encode(body), read=_EMAILS)


def cancel(email_id: str, reason: str) -> Call[Email]:
    return Call(
        path=f"{_of(email_id)}/cancel", body=msgspec.json.encode({"reason": reason}), read=_EMAIL, repeats=False
    )


def reschedule(email_id: str, send_at: Time, reason: str) -> Call[Email]:
    body = {"send_at": send_at, "reason": reason}
    return Call(path=f"{_of(email_id)}/reschedule", body=msgspec.json.encode(body), read=_EMAIL, repeats=False)


def resend(email_id: str, reason: str, send_at: Time | None, idempotency_key: str | None) -> Call[Sent]:
    key = idempotency_key or str(uuid.uuid4())
    body = msgspec.json.encode({"reason": reason, "send_at": send_at})
    headers = {"idempotency-key": key}
    return Call(path=f"{_of(email_id)}/resend", body=body, headers=headers, read=_SENT, idempotency_key=key)


def events(wanted: EventFilter, after: str, limit: int) -> Call[Page[Event]]:
    query = {name: _plain(value) for name, value in wanted.items()} | {"limit": str(limit)}
    if after:
        query["after"] = after
    return Call(method="GET", path=f"/v1/events?{urlencode(query)}", read=_EVENTS)


def suppressions(address: str, cursor: str | None, limit: int) -> Call[Page[Suppression]]:
    body = {"address": address, "limit": limit, "cursor": cursor}
    return Call(path="/v1/suppressions/search", body=msgspec.json.encode(body), read=_SUPPRESSIONS)


def suppress(address: str, reason: str, stream: str | None, expires_at: Time | None) -> Call[Suppression]:
    body = {"address": address, "reason": reason, "stream": stream, "expires_at": expires_at}
    return Call(path="/v1/suppressions", body=msgspec.json.encode(body), read=_SUPPRESSION)


def unsuppress(address: str, stream: str | None) -> Call[None]:
    return Call(
        path="/v1/suppressions/remove", body=msgspec.json.encode({"address": address, "stream": stream}), read=_nothing
    )


def _of(email_id: str) -> str:
    return f"{EMAILS}/{quote(email_id, safe='')}"


def _plain(value: Any) -> str:
    """As it stands in a query: an instant as in JSON, without the quotes."""
    return str(msgspec.to_builtins(value))
