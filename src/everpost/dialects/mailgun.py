"""Mailgun's v3 Messages API, read as its server:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

What Everpost does not know of (templates, tracking, batches) is left out.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from msgspec.structs import replace

from everpost.dialects import mime
from everpost.dialects.addresses import parse_address, parse_address_list
from everpost.dialects.answers import Rendered, invalid, render_json, sound_addresses
from everpost.dialects.contract import Parsed, Submission
from everpost.dialects.forms import Form, parse_form
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import FieldError, Problem

LOSSES: Final[Mapping[str, str]] = {
    "send_at": "Everpost holds scheduled mail itself",
    "expires_at": "no counterpart",
    "route": "ours",
    "on_unknown": "ours",
    "resolve_within_s": "ours",
    "allow_loss": "ours",
    "provider_options": "went into the request",
    "text": "an empty one is none",
    "html": "an empty one is none",
    "attachments": "an inline one is named by its content id",
}
"""Fields of a Draft that a request of this form does not carry, or not in full, and why."""


def parse(submission: Submission) -> Parsed | Problem:
    """The mail of a POST /v3/{domain}/messages."""
    form = parse_form(submission.headers.get("content-type", ""), submission.body)
    if isinstance(form, str):
        return invalid([FieldError("", form)])
    errors: list[FieldError] = []
    metadata = _prefixed(form, "v:")
    delivery_id = metadata.pop(CORRELATION_KEY, None)
    sender = _sender(form, errors)
    draft = Draft(
        sender=sender,
        to=_addresses(form, "to", errors),
        cc=_addresses(form, "cc", errors),
        bcc=_addresses(form, "bcc", errors),
        reply_to=_addresses(form, "h:Reply-To", errors),
        subject=form.last("subject") or "",
        text=form.last("text"),
        html=form.last("html"),
        attachments=tuple(
            Attachment(
                filename=file.filename,
                content_type=file.content_type,
                content=file.content,
                content_id=file.filename if file.field == "inline" else None,
            )
            for file in form.files
        ),
        headers=_headers(form, delivery_id),
        tags=tuple(form.all("o:tag")),
        metadata=metadata,
    )
    if not draft.to:
        errors.append(FieldError("to", "to parameter is missing"))
    return invalid(errors) if errors else Parsed(draft=draft, delivery_id=delivery_id)


def parse_whole(submission: Submission) -> Parsed | Problem:
    """The mail of a POST /v3/{domain}/messages.mime: a file as it stands, and whom it is for."""
    form = parse_form(submission.headers.get("content-type", ""), submission.body)
    if isinstance(form, str):
        return invalid([FieldError("", form)])
    files = [file.content for file in form.files if file.field == "message"]
    errors: list[FieldError] = []
    to = _addresses(form, "to", errors)
    if not files or not to:
        errors.append(FieldError("message" if to else "to", "parameter is missing"))
    read = invalid(errors) if errors else mime.parse(files[0], [each.email for each in to])
    if isinstance(read, Problem):
        return read
    metadata = _prefixed(form, "v:")
    delivery_id = metadata.pop(CORRELATION_KEY, None)
    draft = replace(read.draft, tags=tuple(form.all("o:tag")), metadata=metadata)
    return replace(read, draft=draft, delivery_id=delivery_id)


def _sender(form: Form, errors: list[FieldError]) -> Address:
    given = form.last("from")
    found = "from parameter is missing" if given is None else parse_address(given)
    if isinstance(found, Address):
        return found
    errors.append(FieldError("from", found))
    return Address("")


def _addresses(form: Form, name: str, errors: list[FieldError]) -> tuple[Address, ...]:
    return sound_addresses(name, chain.from_iterable(parse_address_list(text) for text in form.all(name)), errors)


def _prefixed(form: Form, prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: values[-1] for name, values in form.fields.items() if name.startswith(prefix)}


def _headers(form: Form, delivery_id: str | None) -> dict[str, str]:
    """The caller's own headers: Message-Id counts among them unless it spells out our delivery."""
    headers = _prefixed(form, "h:")
    headers.pop("Reply-To", None)
    message_id = headers.pop("Message-Id", None)
    if message_id and (delivery_id is None or not message_id.startswith(f"<{delivery_id}@")):
        headers["Message-ID"] = message_id
    return headers


def render_accepted(message_id: str) -> Rendered:
    """`message_id` without angle brackets."""
    return render_json(200, {"id": f"<{message_id}>", "message": "Queued. Thank you."})


def render_error(status: int, message: str) -> Rendered:
    """Its 401 is the one answer that is no JSON object."""
    if status == 401:
        return Rendered(status=401, headers={"content-type": "text/plain; charset=utf-8"}, body=b"Forbidden")
    return render_json(status, {"message": message})


def render_problem(problem: Problem) -> Rendered:
    """Mailgun names one fault at a time."""
    words = [f"{each.field}: {each.message}" if each.field else each.message for each in problem.errors]
    return render_error(problem.status, words[0] if words else problem.detail or problem.title)
