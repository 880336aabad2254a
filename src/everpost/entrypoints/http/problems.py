"""Every refusal that this API can give: its stable code, and what it means (RFC 9457)."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, NotRequired, TypedDict

from msgspec import Meta, Struct
from msgspec.structs import replace

from everpost.model.problem import FieldError, Problem


class Code(Struct, frozen=True):
    status: int
    title: str
    meaning: str  # what happened, and what to do


CODES: Final = {
    "bad_request": Code(400, "This is no sound HTTP request", "The detail names the rule that it breaks."),
    "bad_json": Code(400, "The body is not JSON", "Send a JSON object in UTF-8. The detail says where reading failed."),
    "bad_header": Code(400, "A header is not understood", "The detail names the header and what it may hold."),
    "bad_parameter": Code(400, "A query parameter is not understood", "`errors` names each, and what it may be."),
    "unauthorized": Code(
        401, "An API key is needed", "Send `Authorization: Bearer KEY` with a key that is not revoked."
    ),
    "forbidden": Code(403, "The API key may not do this", "The detail names the scope that is needed."),
    "not_local": Code(
        403,
        "Only this machine may call",
        "Without API keys only pages and programs of the same machine are answered.",
    ),
    "foreign_origin": Code(
        403,
        "Pages of this origin may not call",
        "To let them, list the origin in `http.page_origins` as browsers write it.",
    ),
    "webhook_refused": Code(
        403,
        "The webhook is not known to be the provider's",
        "Its signature is missing, wrong or too old, or the account has no `webhook_secret`: the detail says which.",
    ),
    "not_found": Code(404, "There is no such thing", "Check the address; the detail says what was looked for."),
    "unknown_route": Code(404, "There is no such route", "The detail lists the known routes."),
    "unknown_account": Code(404, "There is no such account", "The detail lists the known accounts."),
    "unknown_provider": Code(404, "There is no such account", "The detail lists the known accounts."),
    "method_not_allowed": Code(405, "The method is not allowed here", "The Allow header lists those that are."),
    "no_streams": Code(
        406, "There are no streams here", "Functions can't keep an answer open. The detail says how to go on without."
    ),
    "not_cancellable": Code(409, "It is too late to cancel", "Only what is still queued can be cancelled."),
    "not_reschedulable": Code(
        409, "It can't be rescheduled", "Only what is queued, was never begun and expires later can be moved."
    ),
    "not_resendable": Code(
        409, "It can't be sent again", "Only what is final and still kept whole can be. The detail says what it is."
    ),
    "not_resolvable": Code(
        409,
        "There is nothing to be resolved",
        "Only what is uncertain or held can be decided by a person, and only as that person has seen it.",
    ),
    "recipient_busy": Code(
        409,
        "Mail to this recipient is not final",
        "The detail names it: wait until it is final, or cancel it, and repeat the request.",
    ),
    "idempotency_running": Code(
        409,
        "The first request with this idempotency key is still running",
        "Repeat the request after Retry-After to get its answer.",
    ),
    "idempotency_expired": Code(
        409, "The message made with this idempotency key is no longer kept", "Use a new Idempotency-Key."
    ),
    "too_many_webhooks": Code(409, "There are too many webhooks", "Delete one first; the detail says the limit."),
    "too_many_keys": Code(409, "There are too many keys", "Revoke one first; the detail says the limit."),
    "too_many_templates": Code(409, "There are too many templates", "Delete some first; the detail says the limit."),
    "webhook_busy": Code(409, "This webhook has enough to do", "Try again when its replay, or its waiting, is over."),
    "request_timeout": Code(408, "The request did not come in time", "Send it again, whole and at once."),
    "version_conflict": Code(412, "Somebody else has changed it", "Read it again, and change what you have read."),
    "body_too_large": Code(413, "The body is too large", "The detail says the limit."),
    "unsupported_media_type": Code(
        415, "The body is of another kind", "Send it under the Content-Type that the detail names."
    ),
    "validation_failed": Code(422, "The request has faulty fields", "`errors` names each one and says how to mend it."),
    "idempotency_mismatch": Code(
        422,
        "The idempotency key was used for another request",
        "Use a new key for a new mail, or send the same body to get the first answer again.",
    ),
    "no_account_can_carry": Code(
        422, "No account can carry this mail", "`errors` says for each account of the route why it can't."
    ),
    "version_required": Code(
        428, "The version that you have read is needed", "Send it as `If-Match` or as the field `version`."
    ),
    "head_too_large": Code(431, "The request line and headers are too large", "The detail says the limit."),
    "internal_error": Code(500, "Something is wrong with Everpost", "The log has the details under the request id."),
    "too_many_connections": Code(503, "Too many clients are connected", "Repeat the request a little later."),
    "too_many_streams": Code(
        503, "Too many streams of events are open", "Repeat the request after Retry-After, or read pages."
    ),
    "overloaded": Code(
        503, "There is too much to do already", "Nothing was accepted. Repeat the request after Retry-After."
    ),
    "attachment_unavailable": Code(
        503, "An attachment can't be read", "It lies outside the store. Repeat the request; the detail says more."
    ),
    "store_unavailable": Code(
        503, "The store is unavailable", "Nothing was accepted. Repeat the request, best with an Idempotency-Key."
    ),
}


class FieldErrorView(TypedDict):
    field: Annotated[str, Meta(description="A path into the request, as in `to[1]`.")]
    message: Annotated[str, Meta(description="What is wrong and how to mend it.")]


class ProblemView(TypedDict):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: NotRequired[str]
    instance: str
    code: Annotated[str, Meta(description="Stable, to branch on.")]
    errors: NotRequired[list[FieldErrorView]]
    request_id: str


def problem(code: str, detail: str = "", errors: Sequence[FieldError] = ()) -> Problem:
    row = CODES[code]
    return Problem(code=code, status=row.status, title=row.title, detail=detail, errors=tuple(errors))


OVERLOADED: Final = replace(problem("overloaded", "this process takes in as much mail as it can"), retry_after_s=1.0)


def render(given: Problem, instance: str, request_id: str) -> dict[str, Any]:
    """The body of an application/problem+json answer."""
    view: dict[str, Any] = {
        "type": f"/docs#problem-{given.code}",
        "title": given.title,
        "status": given.status,
        "instance": instance,
        "code": given.code,
        "request_id": request_id,
    }
    if given.detail:
        view["detail"] = given.detail
    if given.errors:
        view["errors"] = [{"field": error.field, "message": error.message} for error in given.errors]
    return view


def bare(code: str, detail: str) -> dict[str, Any]:
    """The same, where nobody can tell what was asked for."""
    row = CODES[code]
    return {"type": f"/docs#problem-{code}", "title": row.title, "status": row.status, "code": code, "detail": detail}


def retry_after(given: Problem) -> bytes | None:
    """The value of Retry-After: whole seconds, at least one."""
    return None if given.retry_after_s is None else b"%d" % max(1, math.ceil(given.retry_after_s))
