"""Resend's API as a door: https://resend.com/docs/api-reference/emails/send-email

Topics are Resend's: a mail that names one goes to Resend accounts only, and is refused where there is none; so does one
with a template that is not kept here. Tags become metadata, which has names and values, too.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.contract import Submission
from everpost.dialects.dropins import resend_domains
from everpost.dialects.dropins.contract import Asked, Change, Dropin, List, Page, Row, Send, Show, Shown, Taken
from everpost.dialects.dropins.reading import (
    NOBODY,
    attachment,
    bytes_of,
    check_mail,
    check_together,
    first_words,
    mailboxes,
    pieces,
    refused,
)
from everpost.dialects.dropins.resend_schema import EMAIL, UPDATE, FileObject, Listed, Tag
from everpost.dialects.dropins.templating import check_no_words, drafts_of, templated
from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_count, read_headers, read_metadata, read_options
from everpost.dialects.times import read_instant
from everpost.model import limits
from everpost.model.act import Act, Action
from everpost.model.delivery import DeliveryState
from everpost.model.ids import MESSAGE_ID_CHARS
from everpost.model.key import Scope
from everpost.model.message import Address, Attachment, Draft
from everpost.model.problem import Problem
from everpost.model.recipient import RecipientState
from everpost.model.template import Templated

NAME: Final = "resend"
BATCH_MAX: Final = 100
PAGE_MAX: Final = 100
_PAGE: Final = 20
_PERMISSIVE: Final = "permissive"

_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "unauthorized": (403, "invalid_api_key"),
    "forbidden": (401, "restricted_api_key"),
    "bad_header": (400, "invalid_idempotency_key"),
    "idempotency_mismatch": (409, "invalid_idempotent_request"),
    "idempotency_expired": (409, "invalid_idempotent_request"),
    "idempotency_running": (409, "concurrent_idempotent_requests"),
    "overloaded": (429, "rate_limit_exceeded"),
    "store_unavailable": (500, "application_error"),
    "attachment_unavailable": (500, "application_error"),
    "not_cancellable": (422, "validation_error"),
    "not_reschedulable": (422, "validation_error"),
}
"""By our code: what differs from the status alone."""
_NAMES: Final = {
    404: "not_found",
    405: "method_not_allowed",
    500: "application_error",
    503: "application_error",
}

_EVENTS: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.CANCELLED: "canceled",
}
_TOLD: Final = (
    (RecipientState.COMPLAINED, "complained"),
    (RecipientState.BOUNCED, "bounced"),
    (RecipientState.DELIVERED, "delivered"),
    (RecipientState.DEFERRED, "delivery_delayed"),
)
"""What is told of a mail of several recipients: the first of these that holds for one of them."""

# --- requests --------------------------------------------------------------------------------------------------------


def parse(submission: Submission) -> Asked | Problem:
    mail = _parsed(submission.body)
    return mail if isinstance(mail, Problem) else Asked(mails=(mail,))


def parse_batch(submission: Submission) -> Asked | Problem:
    """All or none; unless the caller is permissive, and told of each."""
    faults = Faults()
    bodies = pieces(submission.body)
    if isinstance(bodies, Problem):
        return bodies
    if not bodies:
        faults.add("", "give at least one email")
    check_count(len(bodies), BATCH_MAX, "", "emails", faults)
    if faults:
        return refused(faults, 422)
    mails = [_parsed(bytes(body)) for body in bodies]
    is_whole = submission.headers.get("x-batch-validation", "") != _PERMISSIVE
    wrong = next((mail for mail in mails if isinstance(mail, Problem)), None)
    if wrong is not None and is_whole:
        return wrong
    check_together(drafts_of([mail for mail in mails if not isinstance(mail, Problem)]), "", faults)
    return refused(faults, 422) if faults else Asked(mails=tuple(mails), is_whole=is_whole)


def _parsed(body: bytes) -> Draft | Templated | Problem:
    faults = Faults()
    email = decode(body, EMAIL, faults)
    if isinstance(email, Problem):
        return email
    options = {"template": email.template, "topic_id": email.topic_id}
    given = {name: value for name, value in options.items() if value}
    draft = Draft(
        sender=next(iter(mailboxes([email.from_], "from", faults)), NOBODY),
        to=_addresses(email.to, "to", faults),
        cc=_addresses(email.cc, "cc", faults),
        bcc=_addresses(email.bcc, "bcc", faults),
        reply_to=_addresses(email.reply_to, "reply_to", faults),
        subject=email.subject or "",
        text=email.text or None,
        html=email.html or None,
        attachments=_files(email.attachments or (), faults),
        headers=read_headers(email.headers or {}, faults),
        metadata=_metadata(email.tags or (), faults),
        send_at=read_instant(email.scheduled_at, "scheduled_at", faults),
        provider_options=read_options({NAME: given}, faults) if given else {},
    )
    check_mail(draft, faults)
    template = _template(email.template or {})
    if template is None:
        return refused(faults, 422) if faults else draft
    check_no_words({"text": draft.text, "html": draft.html}, faults)
    return refused(faults, 422) if faults else templated(draft, ("template",), *template)


def _template(given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Its id and what it is filled in with; None: only Resend can tell."""
    match given:
        case {"id": str() as id_, "variables": dict() as data, **rest} if not rest:
            return id_, data
        case {"id": str() as id_, **rest} if not rest:
            return id_, {}
    return None


def _addresses(given: Listed, path: str, faults: Faults) -> tuple[Address, ...]:
    texts = [given] if isinstance(given, str) else given or []
    if not check_count(len(texts), limits.RECIPIENTS_MAX, path, "addresses", faults):
        return ()
    return mailboxes(texts, path, faults)


def _files(given: Sequence[FileObject], faults: Faults) -> tuple[Attachment, ...]:
    if not check_count(len(given), limits.ATTACHMENTS_MAX, "attachments", "attachments", faults):
        return ()
    return tuple(_file(each, f"attachments[{place}]", faults) for place, each in enumerate(given))


def _file(given: FileObject, path: str, faults: Faults) -> Attachment:
    content = given.content or ""
    if given.path is not None:
        faults.add(f"{path}.path", "is an address that nothing is fetched from here; send the `content`")
    elif given.content is None:
        faults.add(f"{path}.content", "is missing")
    whole = content if isinstance(content, str) else bytes_of(content, f"{path}.content", faults)
    return attachment(given.filename or "", whole, given.content_type, given.content_id, path, faults)


def _metadata(tags: Sequence[Tag], faults: Faults) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for place, tag in enumerate(tags):
        if tag.name in metadata:
            faults.add(f"tags[{place}].name", "is given twice")
        metadata[tag.name] = tag.value
    return read_metadata(metadata, faults)


def parse_page(submission: Submission) -> Page | Problem:
    faults = Faults()
    limit = submission.query.get("limit", str(_PAGE))
    after, before = submission.query.get("after"), submission.query.get("before")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= PAGE_MAX):
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    for name, given in (("after", after), ("before", before)):
        if given is not None and len(given) != MESSAGE_ID_CHARS:
            faults.add(name, "must be the id of an email")
    if after is not None and before is not None:
        faults.add("before", "can't be given beside after")
    return refused(faults, 422) if faults else Page(limit=int(limit), before=after, newer_than=before)


def parse_update(submission: Submission) -> Act | Problem:
    faults = Faults()
    update = decode(submission.body, UPDATE, faults)
    if isinstance(update, Problem):
        return update
    send_at = read_instant(update.scheduled_at, "scheduled_at", faults)
    if update.scheduled_at is None:
        faults.add("scheduled_at", "is missing")
    return refused(faults, 422) if faults else Act(action=Action.RESCHEDULE, send_at=send_at)


def parse_cancel(_submission: Submission) -> Act | Problem:
    return Act(action=Action.CANCEL)


# --- answers ---------------------------------------------------------------------------------------------------------


def render(_asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    return render_json(200, {"id": next(each.id for each in taken if isinstance(each, Taken))})


def render_batch(asked: Asked, taken: Sequence[Taken | Problem]) -> Rendered:
    answer: dict[str, Any] = {"data": [{"id": each.id} for each in taken if isinstance(each, Taken)]}
    if not asked.is_whole:
        failed = ((place, each) for place, each in enumerate(taken) if isinstance(each, Problem))
        answer["errors"] = [{"index": place, "message": first_words(each)} for place, each in failed]
    return render_json(200, answer)


def render_shown(shown: Shown) -> Rendered:
    message = shown.message
    return render_json(200, {"object": "email", **_summary(shown), "text": message.text, "html": message.html})


def render_page(_page: Page, shown: Sequence[Shown], has_more: bool) -> Rendered:  # noqa: FBT001  as the contract has it
    return render_json(200, {"object": "list", "has_more": has_more, "data": [_summary(each) for each in shown]})


def _summary(shown: Shown) -> dict[str, Any]:
    message = shown.message
    return {
        "id": message.id,
        "from": str(message.sender),
        "to": [*map(str, message.to)],
        "cc": [*map(str, message.cc)],
        "bcc": [*map(str, message.bcc)],
        "reply_to": [*map(str, message.reply_to)],
        "subject": message.subject,
        "created_at": _instant(message.created_at),
        "scheduled_at": None if shown.send_at is None else _instant(shown.send_at),
        "last_event": _last_event(shown),
        "tags": [{"name": name, "value": value} for name, value in message.metadata.items()],
    }


def _last_event(shown: Shown) -> str:
    told = next((word for state, word in _TOLD if state in shown.statuses), None)
    is_scheduled = shown.state is DeliveryState.QUEUED and shown.send_at is not None
    return told or _EVENTS.get(shown.state) or ("scheduled" if is_scheduled else "queued")


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _changed(message_id: str) -> Rendered:
    return render_json(200, {"object": "email", "id": message_id})


def refuse(problem: Problem) -> Rendered:
    status, name = _ERRORS.get(problem.code) or (problem.status, _NAMES.get(problem.status, "validation_error"))
    words = "API key is invalid" if problem.code == "unauthorized" else first_words(problem)
    return render_json(status, {"statusCode": status, "name": name, "message": words})


def _row(method: str, path: str, does: Any, scope: Scope = Scope.SEND, query: tuple[str, ...] = ()) -> Row:
    return Row(method=method, path=path, scope=scope, does=does, query=query)


DROPIN: Final = Dropin(
    name=NAME,
    refuse=refuse,
    rows=(
        _row("POST", "/emails", Send(parse, render)),
        _row("POST", "/emails/batch", Send(parse_batch, render_batch)),
        _row("GET", "/emails", List(parse_page, render_page), Scope.READ, ("limit", "after", "before")),
        _row("GET", "/emails/{id}", Show(render_shown)),
        _row("PATCH", "/emails/{id}", Change(parse_update, _changed)),
        _row("POST", "/emails/{id}/cancel", Change(parse_cancel, _changed)),
        *resend_domains.ROWS,
    ),
)
