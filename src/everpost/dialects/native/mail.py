"""The native API's mail: from JSON to a Draft.

Each refusal names every faulty field and says how to mend it.
What needs the clock or the configuration (a `send_at` too far ahead, an unknown route) is checked at admission.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from everpost.dialects.addresses import address_of, check_email, parse_address
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import (
    check_content,
    check_count,
    check_direction,
    check_filled,
    check_line,
    read_base64,
    read_content_id,
    read_content_type,
    read_headers,
    read_metadata,
    read_options,
    read_stream,
    read_tags,
)
from everpost.dialects.native.schema import Addresses, AddressObject, AttachmentObject, EmailRequest
from everpost.dialects.times import read_instant
from everpost.model import limits
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated

_DECODER: Final = msgspec.json.Decoder(EmailRequest)
_NOBODY: Final = Address("")
_LINK_HEADERS: Final = frozenset({"list-unsubscribe", "list-unsubscribe-post"})


def parse(body: bytes) -> Draft | Templated | Problem:
    """The mail that a body asks for. Never raises, whatever the body is."""
    faults = Faults()
    request = decode(body, _DECODER, faults)
    if isinstance(request, Problem):
        return request
    draft = draft_of(request, faults)
    if faults:
        return faults.problem()
    template = request.template
    return draft if template is None else Templated(draft=draft, template=template.id, data=template.data or {})


def draft_of(request: EmailRequest, faults: Faults) -> Draft:
    """The mail that is asked for, as far as it has no faults."""
    to, cc, bcc = _recipients(request, faults)
    draft = Draft(
        sender=_sender(request, faults),
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=_reply_to(request, faults),
        subject=request.subject or "",
        text=request.text or None,
        html=request.html or None,
        attachments=_attachments(request.attachments or (), faults),
        headers=read_headers(request.headers, faults) if request.headers else {},
        tags=read_tags(request.tags, faults) if request.tags else (),
        metadata=read_metadata(request.metadata, faults) if request.metadata else {},
        stream=read_stream(request.stream, faults),
        ignores_unsubscribe=bool(request.ignore_unsubscribe),
        unsubscribe=bool(request.unsubscribe),
        send_at=read_instant(request.send_at, "send_at", faults),
        expires_at=read_instant(request.expires_at, "expires_at", faults),
        route=request.route,
        on_unknown=request.on_unknown,
        resolve_within_s=request.resolve_within_s,
        allow_loss=None if request.allow_loss is None else tuple(dict.fromkeys(request.allow_loss)),
        provider_options=read_options(request.provider_options, faults) if request.provider_options else {},
    )
    if request.template is None:
        _check_words(draft, faults)
    else:
        _check_templated(request, faults)
    _check(draft, faults)
    return draft


def _check_words(draft: Draft, faults: Faults) -> None:
    if not draft.provider_options:  # with them, a template at the provider may hold subject and text
        if not draft.subject:
            faults.add("subject", "is missing")
        if draft.text is None and draft.html is None:
            faults.add("text", "the mail has no content: give text, html or both")


def _check_templated(request: EmailRequest, faults: Faults) -> None:
    """Whether there is such a template, and what it makes of the data, is for the engine to say."""
    for name in ("text", "html"):
        if getattr(request, name):
            faults.add(name, "stands in the template; leave it out")


def _check(draft: Draft, faults: Faults) -> None:
    if draft.unsubscribe:
        _check_unsubscribe(draft, faults)
    check_line(draft.subject, limits.SUBJECT_CHARS_MAX, "subject", faults)
    check_content(draft, faults)
    check_filled(draft.route, limits.TAG_CHARS_MAX, "route", faults)
    within_s = draft.resolve_within_s
    if within_s is not None and not 0 <= within_s <= limits.RESOLVE_WITHIN_S_MAX:
        faults.add("resolve_within_s", f"must be between 0 and {limits.RESOLVE_WITHIN_S_MAX} seconds")


def _check_unsubscribe(draft: Draft, faults: Faults) -> None:
    """Whoever has the link leaves for its recipient, so nobody else may have it."""
    if len(draft.recipients) > 1:
        faults.add("unsubscribe", "needs a mail to one recipient, whose link it is; send each a mail of their own")
    if any(name.lower() in _LINK_HEADERS for name in draft.headers):
        faults.add("unsubscribe", "adds headers that the mail has already; leave out List-Unsubscribe in `headers`")


def _sender(request: EmailRequest, faults: Faults) -> Address:
    if request.from_ is None:
        faults.add("from", "is missing: give one address")
        return _NOBODY
    return _address(request.from_, "from", faults)


def _recipients(request: EmailRequest, faults: Faults) -> Sequence[tuple[Address, ...]]:
    lists = (request.to, request.cc, request.bcc)
    count = sum(_count(addresses) for addresses in lists)
    what = "recipients (to, cc and bcc together)"
    if not check_count(count, limits.RECIPIENTS_MAX, "to", what, faults):
        return (), (), ()
    if _count(request.to) == 0:
        faults.add("to", "is missing: give at least one address")
    return [_addresses(addresses, path, faults) for addresses, path in zip(lists, ("to", "cc", "bcc"), strict=True)]


def _reply_to(request: EmailRequest, faults: Faults) -> tuple[Address, ...]:
    if not check_count(_count(request.reply_to), limits.REPLY_TO_MAX, "reply_to", "addresses", faults):
        return ()
    return _addresses(request.reply_to, "reply_to", faults)


def _count(addresses: Addresses) -> int:
    if addresses is None:
        return 0
    return len(addresses) if isinstance(addresses, list) else 1


def _addresses(addresses: Addresses, path: str, faults: Faults) -> tuple[Address, ...]:
    if addresses is None:
        return ()
    if isinstance(addresses, list):
        return tuple(_address(entry, f"{path}[{position}]", faults) for position, entry in enumerate(addresses))
    return (_address(addresses, path, faults),)


def _address(given: str | AddressObject, path: str, faults: Faults) -> Address:
    if isinstance(given, str):
        found, faulty = parse_address(given), path
    else:
        found = address_of(given.email, given.name or "")
        faulty = f"{path}.email" if isinstance(found, str) and check_email(given.email) else f"{path}.name"
    if isinstance(found, Address):
        check_direction(found.name, faulty, faults)
        return found
    faults.add(faulty, found)
    return _NOBODY


def _attachments(given: Sequence[AttachmentObject], faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(given), limits.ATTACHMENTS_MAX, "attachments", "attachments", faults):
        return ()
    return tuple(_attachment(entry, f"attachments[{position}]", faults) for position, entry in enumerate(given))


def _attachment(given: AttachmentObject, path: str, faults: Faults) -> Attachment:
    check_filled(given.filename, limits.FILENAME_CHARS_MAX, f"{path}.filename", faults)
    check_direction(given.filename, f"{path}.filename", faults)
    return Attachment(
        filename=given.filename,
        content=read_base64(given.content, f"{path}.content", faults),
        content_type=read_content_type(given.content_type, given.filename, f"{path}.content_type", faults),
        content_id=read_content_id(given.content_id, f"{path}.content_id", faults),
    )
