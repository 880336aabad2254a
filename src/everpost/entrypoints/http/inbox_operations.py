"""The operations of the dev inbox: what is there in `everpost dev` only."""

from typing import Any, Final

from everpost.dialects import native_views
from everpost.entrypoints.http.call import HTML, JSON
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.inbox_mails import BYTES, PLAIN, InboxMails
from everpost.entrypoints.http.inbox_pages import InboxPages
from everpost.entrypoints.http.mail_operations import limit
from everpost.entrypoints.http.operation import Answer, Handler, Operation
from everpost.entrypoints.http.query import Parameter
from everpost.model.key import Scope
from everpost.model.limits import PAGE_MAX

TAG: Final = "Dev inbox"
_CURSOR: Final = Parameter("cursor", "`next_cursor` of the page before.", {"type": "string"})
_NO_MAIL: Final = Answer(status=404, description="There is no such mail.", content_type=HTML)
_GONE: Final = Answer(status=204, description="It is gone.")


def inbox_operations(inbox: Inbox) -> tuple[Operation, ...]:
    mails, pages = InboxMails(inbox), InboxPages(inbox)
    one = "/v1/inbox/{id}"
    return (
        _row(
            "listCaught",
            "/v1/inbox",
            "Mails that were taken, newest first",
            mails.list,
            answer=_here(native_views.CaughtPage),
            query=(limit(PAGE_MAX), _CURSOR),
        ),
        _row("clearInbox", "/v1/inbox", "Forget all of them", mails.clear, method="DELETE", answer=_GONE),
        _row("getCaught", one, "One of them", mails.get, answer=_here(native_views.CaughtView)),
        _row("removeCaught", one, "Forget one of them", mails.remove, method="DELETE", answer=_GONE),
        _row(
            "getCaughtSource", f"{one}/source", "One as its recipients get it", mails.source, answer=_here(type_=PLAIN)
        ),
        _row(
            "getCaughtAttachment",
            one + "/attachments/{place}",
            "A file of a mail, by its place",
            mails.attachment,
            answer=_here(type_=BYTES),
        ),
        _row("inbox", "/inbox", "The same list as a page", pages.list_page, answer=_here(type_=HTML)),
        _row(
            "inboxMail",
            "/inbox/{id}",
            "One mail as a page",
            pages.get_page,
            answer=_here(type_=HTML),
            others=(_NO_MAIL,),
            problems=(),
        ),
        _row(
            "inboxMailHtml",
            "/inbox/{id}/html",
            "The html of a mail, for a sandboxed frame",
            pages.get_html,
            answer=_here(type_=HTML),
        ),
    )


def _here(schema: Any = None, type_: bytes = JSON) -> Answer:
    return Answer(status=200, description="Here.", schema=schema, content_type=type_)


def _row(  # noqa: PLR0913 - a row of a table
    id_: str,
    path: str,
    summary: str,
    handle: Handler,
    *,
    answer: Answer,
    method: str = "GET",
    others: tuple[Answer, ...] = (),
    **more: Any,
) -> Operation:
    """Whoever may read may look, and an administrator may clear up."""
    usual = {"problems": ("not_found",) if "{id}" in path else ()}
    return Operation(
        id=id_,
        method=method,
        path=path,
        tag=TAG,
        summary=summary,
        handle=handle,
        scope=Scope.READ if method == "GET" else Scope.ADMIN,
        answers=(answer, *others),
        **usual | more,
    )
