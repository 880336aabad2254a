"""The native API's smaller bodies: a route, a reason, a mail in outline, a suppression, an erasure."""

from typing import Final

import msgspec
from msgspec.structs import replace

from everpost.dialects import raw
from everpost.dialects.addresses import address_of
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_filled, check_line, read_stream
from everpost.dialects.native.mail import draft_of
from everpost.dialects.native.schema import (
    AttachmentObject,
    EmailRequest,
    ExplainRequest,
    ReasonRequest,
    RouteRequest,
)
from everpost.dialects.native.suppression_schema import (
    ErasureRequest,
    SuppressionAddition,
    SuppressionImport,
    SuppressionRemoval,
    SuppressionRequest,
    SuppressionSearch,
)
from everpost.dialects.tables import Imported, read_suppressions
from everpost.dialects.times import read_instant
from everpost.model.limits import ADDRESS_CHARS_MAX, PAGE_MAX, REASON_CHARS_MAX
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.model.route import Route, RouteAccount
from everpost.model.suppression import SuppressionDraft

_WORD: Final = "x"
_FILE: Final = "eA=="  # the same in base64
_REASON: Final = msgspec.json.Decoder(ReasonRequest)
_SKETCH: Final = msgspec.json.Decoder(ExplainRequest)
_ROUTE: Final = msgspec.json.Decoder(RouteRequest)
_SUPPRESSION: Final = msgspec.json.Decoder(SuppressionRequest)
_SEARCH: Final = msgspec.json.Decoder(SuppressionSearch)
_IMPORT: Final = msgspec.json.Decoder(SuppressionImport)
_ADDITION: Final = msgspec.json.Decoder(SuppressionAddition)
_REMOVAL: Final = msgspec.json.Decoder(SuppressionRemoval)
_ERASURE: Final = msgspec.json.Decoder(ErasureRequest)


def parse_route(body: bytes, name: str) -> tuple[Route, str] | Problem:
    """The route that `name` shall become, and why. Its `version` is the one that the caller has seen, or -1 if none is
    said.

    Whether the accounts exist is for the engine to say.
    """
    faults = Faults()
    request = decode(body, _ROUTE, faults)
    if isinstance(request, Problem):
        return request
    _check_route(request, name, faults)
    if faults:
        return faults.problem("The route has faulty fields")
    route = Route(
        name=name,
        accounts=tuple(
            RouteAccount(account=entry.account, weight=entry.weight, paused=entry.paused) for entry in request.accounts
        ),
        on_unknown=request.on_unknown,
        resolve_within_s=request.resolve_within_s,
        give_up_after_s=request.give_up_after_s,
        allow_loss=None if request.allow_loss is None else tuple(dict.fromkeys(request.allow_loss)),
        version=-1 if request.version is None else request.version,
    )
    return route, request.reason or ""


def _check_route(request: RouteRequest, name: str, faults: Faults) -> None:
    if not request.accounts:
        faults.add("accounts", "must name at least one account")
    elif request.default not in (None, request.accounts[0].account):
        faults.add("default", "is not the first of `accounts`; the first one is the default, so move it up")
    if request.name not in (None, name):
        faults.add("name", f"is another route than the one in the address, {name}")
    for position, entry in enumerate(request.accounts):
        check_filled(entry.account, REASON_CHARS_MAX, f"accounts[{position}].account", faults)
    if request.resolve_within_s < 0:
        faults.add("resolve_within_s", "must not be negative")
    if request.give_up_after_s <= 0:
        faults.add("give_up_after_s", "must be more than 0 seconds")
    if request.version is not None and request.version < 0:
        faults.add("version", "must not be negative")
    _check_reason(request.reason, faults)


def _check_reason(reason: str | None, faults: Faults) -> None:
    if reason is not None:
        check_filled(reason, REASON_CHARS_MAX, "reason", faults)


def parse_reason(body: bytes) -> str | Problem:
    """Why something is done; an empty body gives no reason."""
    if not body:
        return ""
    faults = Faults()
    request = decode(body, _REASON, faults)
    if isinstance(request, Problem):
        return request
    _check_reason(request.reason, faults)
    return faults.problem() if faults else request.reason or ""


def parse_sketch(body: bytes, route: str) -> tuple[Draft, int] | Problem:
    """A mail as it would be, with a word in the place of its content, and how many bytes that would have."""
    faults = Faults()
    request = decode(body, _SKETCH, faults)
    if isinstance(request, Problem):
        return request
    mail = EmailRequest(
        from_=request.from_,
        to=request.to,
        subject=_WORD,
        text=_WORD,
        tags=request.tags,
        stream=request.stream,
        headers=request.headers,
        metadata=request.metadata,
        allow_loss=request.allow_loss,
        ignore_unsubscribe=request.ignore_unsubscribe,
        attachments=[
            AttachmentObject(
                filename=file.filename, content=_FILE, content_type=file.content_type, content_id=file.content_id
            )
            for file in request.attachments or ()
        ],
        route=route,
    )
    draft = draft_of(mail, faults)
    if request.raw:
        draft = raw.outline(draft)
    if request.size_bytes < 0:
        faults.add("size_bytes", "must not be negative")
    return faults.problem() if faults else (draft, request.size_bytes)


def parse_suppression(body: bytes, address: str) -> SuppressionDraft | Problem:
    """Of an address that was checked; an empty body gives the defaults."""
    faults = Faults()
    request = decode(body or b"{}", _SUPPRESSION, faults)
    if isinstance(request, Problem):
        return request
    draft = _suppression(request, address, faults)
    return faults.problem() if faults else draft


def parse_addition(body: bytes) -> SuppressionDraft | Problem:
    """With the address as it is compared."""
    faults = Faults()
    request = decode(body, _ADDITION, faults)
    if isinstance(request, Problem):
        return request
    draft = _suppression(request, _compared(request.address, faults), faults)
    return faults.problem() if faults else draft


def _suppression(request: SuppressionRequest, address: str, faults: Faults) -> SuppressionDraft:
    check_filled(request.reason, REASON_CHARS_MAX, "reason", faults)
    return SuppressionDraft(
        address=address,
        reason=request.reason,
        stream=read_stream(request.stream, faults),
        source=request.source,
        expires_at=read_instant(request.expires_at, "expires_at", faults),
    )


def parse_removal(body: bytes) -> tuple[str, str] | Problem:
    """The address as it is compared, and the stream."""
    faults = Faults()
    request = decode(body, _REMOVAL, faults)
    if isinstance(request, Problem):
        return request
    found = _compared(request.address, faults), read_stream(request.stream, faults)
    return faults.problem() if faults else found


def parse_search(body: bytes) -> SuppressionSearch | Problem:
    """With the beginning of the address as it is compared."""
    faults = Faults()
    request = decode(body, _SEARCH, faults)
    if isinstance(request, Problem):
        return request
    check_line(request.address, ADDRESS_CHARS_MAX, "address", faults)
    if not 1 <= request.limit <= PAGE_MAX:
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    return faults.problem() if faults else replace(request, address=request.address.lower())


def parse_import(body: bytes) -> tuple[Imported, bool] | Problem:
    """What the list says, and whether nothing is to be done."""
    faults = Faults()
    request = decode(body, _IMPORT, faults)
    if isinstance(request, Problem):
        return request
    if request.csv is None:
        faults.add("csv", "is missing")
    found = read_suppressions(request.csv or "")
    if isinstance(found, str):
        faults.add("csv", found)
    return faults.problem() if faults or isinstance(found, str) else (found, request.dry_run)


def parse_erasure(body: bytes) -> ErasureRequest | Problem:
    """With the address as it is compared."""
    faults = Faults()
    request = decode(body, _ERASURE, faults)
    if isinstance(request, Problem):
        return request
    email = _compared(request.address, faults)
    return faults.problem() if faults else ErasureRequest(address=email, dry_run=request.dry_run)


def _compared(address: str, faults: Faults) -> str:
    found = address_of(address)
    if isinstance(found, str):
        faults.add("address", found)
        return ""
    return found.email
