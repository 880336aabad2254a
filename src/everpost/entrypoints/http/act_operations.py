"""The operations by which people look into mail and act on it."""

from typing import Any, Final

from msgspec.structs import replace

from everpost.dialects.native import views
from everpost.dialects.native.schema import (
    BulkRequest,
    CancelRequest,
    RescheduleRequest,
    ResendRequest,
    ResolveRequest,
    SearchRequest,
)
from everpost.entrypoints.http import acts
from everpost.entrypoints.http.mail_operations import ACCEPT_PROBLEMS, IDEMPOTENCY, REPLAYED, TRACE
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model import limits
from everpost.model.key import Scope


def _operation(id_: str, method: str, path: str, **fields: Any) -> Operation:
    return Operation(id=id_, method=method, path=path, tag="Mail", **{"scope": Scope.SEND, **fields})


ACTS: Final = (
    _operation(
        "searchEmails",
        "POST",
        "/v1/emails/search",
        summary="List mails, newest first, by a filter that no address shows",
        handle=acts.search,
        scope=Scope.READ,
        body=SearchRequest,
        body_required=False,
        example={"filter": {"recipient": "bob@example.org", "state": "held"}, "limit": 20},
        answers=(Answer(status=200, description="A page.", schema=views.EmailPage),),
    ),
    _operation(
        "bulkEmails",
        "POST",
        "/v1/emails/bulk",
        summary="Cancel, reschedule, send again or resolve what a filter finds",
        description=(
            f"Looks at up to {limits.BULK_MAX} mails, newest first, and fewer where that takes long; `next_cursor` "
            "says where to go on. Each mail is dealt with as by the action on it alone: what has changed meanwhile is "
            "refused and told. Ask with `dry_run` first. To send again, Idempotency-Key is needed: with the same one, "
            "a step may be repeated."
        ),
        handle=acts.bulk,
        headers=(IDEMPOTENCY,),
        body=BulkRequest,
        example={"action": "cancel", "filter": {"tag": "newsletter"}, "reason": "wrong price", "dry_run": True},
        answers=(Answer(status=200, description="Done, or counted.", schema=views.BulkView),),
        problems=("bad_header",),
    ),
    _operation(
        "getEmailContent",
        "GET",
        "/v1/emails/{id}/content",
        summary="What a mail says",
        description="Needs scope send: a key that can only look sees how mail stands, and not what it says.",
        handle=acts.get_content,
        answers=(Answer(status=200, description="Its content.", schema=views.ContentView),),
        problems=("not_found",),
    ),
    _operation(
        "getEmailSource",
        "GET",
        "/v1/emails/{id}/source",
        summary="A mail in the form in which mail travels (RFC 5322)",
        handle=acts.get_source,
        answers=(Answer(status=200, description="Its source.", content_type=b"text/plain; charset=utf-8"),),
        problems=("not_found", "attachment_unavailable"),
    ),
    _operation(
        "getEmailAttachment",
        "GET",
        "/v1/emails/{id}/attachments/{place}",
        summary="One file of a mail",
        handle=acts.get_attachment,
        answers=(Answer(status=200, description="Its bytes.", content_type=b"application/octet-stream"),),
        problems=("not_found", "attachment_unavailable"),
    ),
    _operation(
        "cancelEmail",
        "POST",
        "/v1/emails/{id}/cancel",
        summary="Cancel a mail that is still queued",
        handle=acts.cancel_email,
        body=CancelRequest,
        body_required=False,
        example={"reason": "wrong price"},
        answers=(Answer(status=200, description="The mail, cancelled.", schema=views.EmailView),),
        problems=("not_found", "not_cancellable"),
    ),
    _operation(
        "rescheduleEmail",
        "POST",
        "/v1/emails/{id}/reschedule",
        summary="Hand a mail over at another time",
        description="While it is queued, was never begun, and only to a time before it expires.",
        handle=acts.reschedule_email,
        body=RescheduleRequest,
        example={"send_at": "2030-01-31T09:00:00Z", "reason": "not at night"},
        answers=(Answer(status=200, description="The mail, moved.", schema=views.EmailView),),
        problems=("not_found", "not_reschedulable"),
    ),
    _operation(
        "resendEmail",
        "POST",
        "/v1/emails/{id}/resend",
        summary="Send a mail again, as a new one",
        description="Of one that is final and still kept whole. Both trails tell of the other mail.",
        handle=acts.resend_email,
        headers=(replace(IDEMPOTENCY, required=True), TRACE),
        body=ResendRequest,
        example={"reason": "the recipient has lost it"},
        answers=(
            Answer(
                status=202,
                description="The new mail is accepted and durable.",
                schema=views.AcceptedView,
                headers={"Location": "Where to ask how it stands."},
                optional_headers=REPLAYED,
                links={"getEmail": "How it stands."},
            ),
        ),
        problems=("not_found", "not_resendable", "attachment_unavailable", *ACCEPT_PROBLEMS),
    ),
    _operation(
        "resolveEmail",
        "POST",
        "/v1/emails/{id}/resolve",
        summary="Decide about a mail of which nobody can tell",
        description=(
            "Of one that is uncertain or held. It is refused while the attempt may still be under way, and where "
            "somebody else, or a provider's answer, was quicker."
        ),
        handle=acts.resolve_email,
        body=ResolveRequest,
        example={"decision": "sent", "reason": "the recipient has it", "attempts": 1},
        answers=(Answer(status=200, description="The mail as it is now.", schema=views.EmailView),),
        problems=("not_found", "not_resolvable"),
    ),
)
