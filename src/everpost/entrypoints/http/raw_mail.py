"""A whole mail (RFC 5322) that goes out as it stands: POST /v1/emails/raw."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from everpost.dialects import raw
from everpost.dialects.faults import Faults
from everpost.dialects.fields import check_filled, read_metadata, read_tags
from everpost.dialects.native.schema import ALLOWED
from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.emails import accept, idempotency_of
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import Parameter, read_choice, read_time, refusal
from everpost.model.capability import Loss
from everpost.model.limits import TAG_CHARS_MAX
from everpost.model.message import Draft, OnUnknown
from everpost.model.problem import Problem

TO: Final = b"everpost-to"
_TEXT: Final = {"type": "string"}
_TIME: Final = {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}]}

QUERY: Final = (
    Parameter("route", "Which accounts may carry it. Default: `default`.", _TEXT),
    Parameter("tags", "To find it by, with commas between them.", _TEXT),
    Parameter("metadata", "Your own data, as in `order=12,customer=7`.", _TEXT),
    Parameter("send_at", "Not before then, at most a year ahead.", _TIME),
    Parameter("expires_at", "Fails if not handed over by then.", _TIME),
    Parameter(
        "on_unknown",
        "When nobody can tell whether a provider has it. Default: the route's.",
        {"type": "string", "enum": [each.value for each in OnUnknown]},
    ),
    Parameter("allow_loss", f"With commas between them. {ALLOWED}", _TEXT),
)
HEADERS: Final = (
    Parameter(
        "Everpost-To",
        "The envelope: addresses that it is for, with commas between them, wherever they stand in it. Without it: who "
        "stands in To, Cc and Bcc. Addresses in a URL would end up in logs.",
        _TEXT,
    ),
)


async def send_raw(call: Call) -> Reply | Problem:
    kind = (call.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != raw.MEDIA_TYPE:
        return problem("unsupported_media_type", f"send the mail as it is, with `Content-Type: {raw.MEDIA_TYPE}`")
    body = await call.body()
    if isinstance(body, Problem):
        return body
    to = ",".join(call.headers(TO))
    idempotency = await idempotency_of(call, "raw", body, call.incoming.query + b"\n" + to.encode() + b"\n")
    if isinstance(idempotency, Problem):
        return idempotency
    faults = Faults()
    beside = _beside(call.query, faults)
    if faults:
        return refusal(faults)
    draft = await call.aside(body, lambda: raw.parse(body, _listed(to)))
    return draft if isinstance(draft, Problem) else await accept(call, _joined(draft, beside), idempotency)


def _beside(query: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    """What is said of the mail, and not in it."""
    route = query.get("route", "default")
    check_filled(route, TAG_CHARS_MAX, "route", faults)
    return {
        "route": route,
        "tags": read_tags(_listed(query.get("tags", "")), faults),
        "metadata": _metadata(_listed(query.get("metadata", "")), faults),
        "send_at": read_time(query, "send_at", faults),
        "expires_at": read_time(query, "expires_at", faults),
        "on_unknown": read_choice(query, "on_unknown", OnUnknown, faults),
        "allow_loss": _losses(query.get("allow_loss"), faults),
    }


def _joined(draft: Draft, beside: Mapping[str, Any]) -> Draft:
    return replace(draft, **beside)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _metadata(entries: list[str], faults: Faults) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in entries]
    if not all(sign for _, sign, _ in pairs):
        faults.add("metadata", "must be of the form key=value, with commas between the entries")
    return read_metadata({key.strip(): value for key, _, value in pairs}, faults)


def _losses(text: str | None, faults: Faults) -> tuple[Loss, ...] | None:
    if text is None:
        return None
    named = [*dict.fromkeys(_listed(text))]
    if any(name not in tuple(Loss) for name in named):
        faults.add("allow_loss", f"must be some of: {', '.join(Loss)}")
        return None
    return tuple(Loss(name) for name in named)
