"""The operations of the dev inbox: what is there in `everpost dev` only."""

from collections.abc import Mapping
from typing import Any, Final

from everpost.dialects.native import views
from everpost.entrypoints.http.call import HTML
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
_CHANGE: Final[Mapping[str, Any]] = {"method": "DELETE", "scope": Scope.ADMIN}


def inbox_operations(inbox: Inbox) -> tuple[Operation, ...]:
    """Whoever may read may look, and an administrator may clear up."""
    mails, pages = InboxMails(inbox), InboxPages(inbox)
    one, part = "/v1/inbox/{id}", "/v1/inbox/{id}/attachments/{place}"
    here = {type_: Answer(status=200, description="Here.", content_type=type_) for type_ in (HTML, PLAIN, BYTES)}
    page, mail = _here(views.CaughtPage), _here(views.CaughtView)
    query = (limit(PAGE_MAX), _CURSOR)
    return (
        _row("listCaught", "/v1/inbox", "Mails that were taken, newest first", mails.list, page, query=query),
        _row("clearInbox", "/v1/inbox", "Forget all of them", mails.clear, _GONE, **_CHANGE),
        _row("getCaught", one, "One of them", mails.get, mail),
        _row("removeCaught", one, "Forget one of them", mails.remove, _GONE, **_CHANGE),
        _row("getCaughtSource", f"{one}/source", "One as its recipients get it", mails.source, here[PLAIN]),
        _row("getCaughtAttachment", part, "A file of a mail, by its place", mails.attachment, here[BYTES]),
        _row("inbox", "/inbox", "The same list as a page", pages.list_page, here[HTML]),
        _row("inboxMail", "/inbox/{id}", "One mail as a page", pages.get_page, here[HTML], _NO_MAIL, problems=()),
        _row("inboxMailHtml", "/inbox/{id}/html", "Its html, for a sandboxed frame", pages.get_html, here[HTML]),
    )


def _here(schema: Any) -> Answer:
    return Answer(status=200, description="Here.", schema=schema)


def _row(id_: str, path: str, summary: str, handle: Handler, *answers: Answer, **more: Any) -> Operation:
    usual = {"method": "GET", "scope": Scope.READ, "problems": ("not_found",) if "{id}" in path else ()}
    return Operation(id=id_, path=path, tag=TAG, summary=summary, handle=handle, answers=answers, **usual | more)
