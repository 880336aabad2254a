"""Postmark's API as a door: https://postmarkapp.com/developer/api/email-api

Tracking and further streams are Postmark's: a mail that asks for one goes to Postmark accounts only, and is refused
where there is none; so does one with a template that is not kept here.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import postmark_bounces, postmark_lists, postmark_messages
from everpost.dialects.dropins.contract import Asked, Dropin, Row, Send, Taken
from everpost.dialects.dropins.reading import (
    NOBODY,
    attachment,
    check_mail,
    check_together,
    comma_separated,
    first_words,
    key_of,
    pieces,
    refused,
)
from everpost.dialects.dropins.templating import check_no_words, drafts_of, templated
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count, read_headers, read_metadata, read_options, read_tags
from everpost.model import limits
from everpost.model.key import Scope
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated

NAME: Final = "postmark"
KEY_HEADER: Final = b"x-postmark-server-token"
BATCH_MAX: Final = 500
INVALID: Final = 300
INVALID_QUERY: Final = 700
MESSAGE_NOT_FOUND: Final = 701
_CODES: Final[Mapping[str, tuple[int, int]]] = {
    "unauthorized": (401, 10),
    "forbidden": (401, 10),
    "bad_json": (422, 402),
    "overloaded": (429, 429),
    "store_unavailable": (503, 100),
    "bad_parameter": (422, INVALID_QUERY),
    postmark_bounces.NO_BOUNCE: postmark_bounces.NOT_FOUND,
    postmark_lists.NO_STREAM: postmark_lists.NOT_FOUND,
    "not_found": (422, MESSAGE_NOT_FOUND),
}
"""Status and ErrorCode by our code; all else that is wrong with a mail is INVALID."""
_OF_TEMPLATES: Final = ("TemplateId", "TemplateAlias", "TemplateModel", "InlineCss")
_TRACKING: Final = ("HtmlAndText", "HtmlOnly", "TextOnly")
_NOT_TRACKED: Final = (None, "", "None")


_NOT_SENT: Final = {"SubmittedAt": "0001-01-01T00:00:00+00:00", "MessageID": "00000000-0000-0000-0000-000000000000"}
"""Of a mail in a batch that was refused. Without these, one of the clients reads none of the batch's answers, and its
user is not told of the mails that were taken."""


class _Pair(Struct, forbid_unknown_fields=True, rename="pascal"):
    name: str
    value: str


class _File(Struct, forbid_unknown_fields=True, rename="pascal", kw_only=True):
    name: str
    content: str
    content_type: str | None = None
    content_id: str | None = field(default=None, name="ContentID")


class _Email(Struct, forbid_unknown_fields=True, rename="pascal", kw_only=True):
    from_: str = field(name="From")
    to: str | None = None
    cc: str | None = None
    bcc: str | None = None
    reply_to: str | None = None
    subject: str | None = None
    text_body: str | None = None
    html_body: str | None = None
    headers: list[_Pair] | None = None
    attachments: list[_File] | None = None
    tag: str | None = None
    metadata: dict[str, str] | None = None
    track_opens: bool | None = None
    track_links: str | None = None
    message_stream: str | None = None
    template_id: int | None = None
    template_alias: str | None = None
    template_model: dict[str, Any] | None = None
    inline_css: bool | None = field(default=None, name="InlineCss")


class _Echo(Struct, frozen=True):
    """Whom a mail is for, in the words of its sender."""

    to: str = ""
    cc: str | None = None
    bcc: str | None = None


class _Batch(Struct, forbid_unknown_fields=True, rename="pascal"):
    messages: list[msgspec.Raw]


_EMAIL: Final = msgspec.json.Decoder(_Email)
_BATCH: Final = msgspec.json.Decoder(_Batch)


# --- requests --------------------------------------------------------------------------------------------------------


def parse(submission: Submission) -> Asked | Problem:
    faults = Faults()
    email = decode(submission.body, _EMAIL, faults)
    if isinstance(email, Problem):
        return email
    mail = _mail(email, faults)
    key = key_of(email.metadata or {}, "Metadata", faults)
    return refused(faults, 422) if faults else Asked(mails=(mail,), key=key, echo=[_echo(email)])


def parse_batch(submission: Submission) -> Asked | Problem:
    """Each mail has an answer of its own."""
    bodies = pieces(submission.body)
    return bodies if isinstance(bodies, Problem) else _batch(bodies)


def parse_templates(submission: Submission) -> Asked | Problem:
    """As `parse_batch`, in an object."""
    faults = Faults()
    batch = decode(submission.body, _BATCH, faults)
    if isinstance(batch, Problem):
        return batch
    return refused(faults, 422) if faults else _batch(batch.messages)


def _batch(bodies: Sequence[msgspec.Raw]) -> Asked | Problem:
    faults = Faults()
    if not check_count(len(bodies), BATCH_MAX, "", "messages", faults):
        return refused(faults, 422)
    read = [_one(bytes(body)) for body in bodies]
    mails = tuple(mail for mail, _ in read)
    check_together(drafts_of([mail for mail in mails if not isinstance(mail, Problem)]), "", faults)
    return refused(faults, 422) if faults else Asked(mails=mails, is_whole=False, echo=[echo for _, echo in read])


def _one(body: bytes) -> tuple[Draft | Templated | Problem, _Echo]:
    faults = Faults()
    email = decode(body, _EMAIL, faults)
    if isinstance(email, Problem):
        return email, _Echo()
    mail = _mail(email, faults)
    return (refused(faults, 422) if faults else mail), _echo(email)


def _mail(email: _Email, faults: Faults) -> Draft | Templated:
    options = _options(email, faults)
    draft = Draft(
        sender=_sender(email.from_, faults),
        to=comma_separated(email.to, "To", faults),
        cc=comma_separated(email.cc, "Cc", faults),
        bcc=comma_separated(email.bcc, "Bcc", faults),
        reply_to=comma_separated(email.reply_to, "ReplyTo", faults),
        subject=email.subject or "",
        text=email.text_body or None,
        html=email.html_body or None,
        attachments=_files(email.attachments or (), faults),
        headers=_headers(email.headers or (), faults),
        tags=read_tags([email.tag] if email.tag else [], faults),
        metadata=read_metadata(email.metadata or {}, faults),
        provider_options=read_options({NAME: options}, faults) if options else {},
    )
    check_mail(draft, faults, to="To")
    template = str(email.template_id) if email.template_id else email.template_alias
    if not template:
        return draft
    check_no_words({"TextBody": draft.text, "HtmlBody": draft.html}, faults)
    return templated(draft, _OF_TEMPLATES, template, email.template_model or {}, yields=True)


def _options(email: _Email, faults: Faults) -> dict[str, Any]:
    """What only Postmark can do, in its own words."""
    if email.track_links not in (*_NOT_TRACKED, *_TRACKING):
        faults.add("TrackLinks", f"must be one of: None, {', '.join(_TRACKING)}")
    options = {
        "TrackOpens": email.track_opens,
        "TrackLinks": None if email.track_links in _NOT_TRACKED else email.track_links,
        "MessageStream": None if email.message_stream == "outbound" else email.message_stream,
        "TemplateId": email.template_id,
        "TemplateAlias": email.template_alias,
        "TemplateModel": email.template_model,
    }
    if email.template_id or email.template_alias:
        options["InlineCss"] = email.inline_css
    return {name: value for name, value in options.items() if value}


def _sender(given: str, faults: Faults) -> Address:
    found = comma_separated(given, "From", faults)
    if len(found) != 1:
        faults.add("From", "give one address")
    return next(iter(found), NOBODY)


def _headers(given: Sequence[_Pair], faults: Faults) -> dict[str, str]:
    names = [each.name for each in given]
    for place, name in enumerate(names):
        if name in names[:place]:
            faults.add(f"Headers[{place}]", "is given twice")
    return read_headers({each.name: each.value for each in given}, faults)


def _files(given: Sequence[_File], faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(given), limits.ATTACHMENTS_MAX, "Attachments", "attachments", faults):
        return ()
    return tuple(_file(each, f"Attachments[{place}]", faults) for place, each in enumerate(given))


def _file(given: _File, path: str, faults: Faults) -> Attachment:
    content_id = given.content_id.removeprefix("cid:") if given.content_id else None
    return attachment(given.name, given.content, given.content_type, content_id, path, faults)


def _echo(email: _Email) -> _Echo:
    return _Echo(email.to or "", email.cc, email.bcc)


# --- answers ---------------------------------------------------------------------------------------------------------


def render(asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    return render_json(200, _told(taken[0], asked.echo[0]))


def render_batch(asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    return render_json(200, [_told(*each) for each in zip(taken, asked.echo, strict=True)])


def _told(taken: Taken | Problem, echo: _Echo) -> dict[str, Any]:
    if isinstance(taken, Problem):
        return _NOT_SENT | {"To": echo.to} | _fault(taken)[1]
    named = {"To": echo.to, "Cc": echo.cc, "Bcc": echo.bcc}
    return {name: value for name, value in named.items() if value} | {
        "SubmittedAt": datetime.fromtimestamp(taken.at, UTC).isoformat(),
        "MessageID": taken.id,
        "ErrorCode": 0,
        "Message": "OK",
    }


def _fault(problem: Problem) -> tuple[int, dict[str, Any]]:
    status, code = _CODES.get(problem.code) or (422 if problem.status in (400, 409) else problem.status, INVALID)
    return status, {"ErrorCode": code, "Message": first_words(problem)}


def refuse(problem: Problem) -> Rendered:
    return render_json(*_fault(problem))


_TEMPLATES: Final = {
    "withTemplate": Send(parse, render),
    "batchWithTemplates": Send(parse_templates, render_batch),
}
DROPIN: Final = Dropin(
    name=NAME,
    refuse=refuse,
    key_header=KEY_HEADER,
    rows=(
        Row(method="POST", path="/email", scope=Scope.SEND, does=Send(parse, render)),
        Row(method="POST", path="/email/batch", scope=Scope.SEND, does=Send(parse_batch, render_batch)),
        *(
            Row(method="POST", path=f"/email/{name}{end}", scope=Scope.SEND, does=does)
            for name, does in _TEMPLATES.items()
            for end in ("", "/")  # as one of its clients has it
        ),
        *postmark_messages.ROWS,
        *postmark_bounces.ROWS,
        *postmark_lists.ROWS,
    ),
)
