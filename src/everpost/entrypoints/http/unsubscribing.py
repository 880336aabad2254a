"""Where the links in mails lead: for recipients, and so no part of the API. Only a POST changes anything, since
programs follow links to look at them."""

from html import escape
from typing import Final

from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.page import bare_page
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import Problem
from everpost.model.suppression import Suppression
from everpost.store.port import StoreUnavailable

BODY_BYTES_MAX: Final = 4096
AGAIN: Final = "This can't be done right now. Please try again in a minute."
INVALID: Final = "<p>This link is not valid, or too old. Please use the link in a newer mail, or answer the sender.</p>"


async def show_unsubscription(call: Call) -> Reply | Problem:
    try:
        row = await call.services.acceptor.unsubscribing.who(call.place("token"))
    except StoreUnavailable:
        return problem("store_unavailable", AGAIN)
    if row is None:
        return bare_page("Unsubscribe", INVALID, status=404)
    form = '<form method="post"><button>Unsubscribe</button></form>'
    return bare_page("Unsubscribe", f"<p>Do you want to get no more {_mail(row)} from this sender?</p>{form}")


async def unsubscribe(call: Call) -> Reply | Problem:
    """The body says that it was one click; whoever sends something else means the same."""
    body = await call.body(BODY_BYTES_MAX)
    if isinstance(body, Problem):
        return body
    try:
        row = await call.services.acceptor.unsubscribing.leave(call.place("token"))
    except StoreUnavailable:
        return problem("store_unavailable", AGAIN)
    if row is None:
        return bare_page("Unsubscribe", INVALID, status=404)
    return bare_page("You are unsubscribed", f"<p>You will get no more {_mail(row)} from this sender.</p>")


def _mail(row: Suppression) -> str:
    return f"mail of <b>{escape(row.stream)}</b>" if row.stream else "mail"


UNSUBSCRIPTIONS: Final = tuple(
    Operation(
        id=id_,
        method=method,
        path="/u/{token}",
        tag="Pages",
        summary=summary,
        handle=handle,
        scope=None,
        answers=(Answer(status=200, description="A page.", content_type=b"text/html; charset=utf-8"),),
    )
    for id_, method, summary, handle in (
        ("showUnsubscription", "GET", "What the link of a mail asks", show_unsubscription),
        ("unsubscribe", "POST", "Leave by the link of a mail", unsubscribe),
    )
)
