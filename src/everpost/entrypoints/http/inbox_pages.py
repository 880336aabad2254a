"""The dev inbox: what the sandbox providers have taken, as plain pages."""

from html import escape

from everpost.dialects.native.render import instant
from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.inbox import Caught, Inbox
from everpost.entrypoints.http.page import framed_mail, page
from everpost.entrypoints.http.problems import problem
from everpost.model.limits import PAGE_MAX
from everpost.model.message import Address
from everpost.model.problem import Problem

REFRESH_S = 3


class InboxPages:
    """Handlers over one inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def list_page(self, _call: Call) -> Reply:
        rows = "".join(_row(caught) for caught in self._inbox.list(PAGE_MAX))
        head = "<tr><th>Received</th><th>From</th><th>To</th><th>Subject</th><th>By</th></tr>"
        empty = "<p>Nothing yet. This page looks again by itself.</p>"
        content = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else empty
        return page("Inbox", content, refresh_s=REFRESH_S, inbox=True)

    async def get_page(self, call: Call) -> Reply:
        caught = self._inbox.get(call.place("id"))
        if caught is None:
            return page("There is no such mail", "", status=404, inbox=True)
        return page(caught.draft.subject or "(no subject)", _mail(caught), inbox=True)

    async def get_html(self, call: Call) -> Reply | Problem:
        caught = self._inbox.get(call.place("id"))
        if caught is None or caught.draft.html is None:
            return problem("not_found", "the inbox has no mail of this id with html")
        return framed_mail(caught.draft.html)


def _row(caught: Caught) -> str:
    draft = caught.draft
    link = f'<a href="/inbox/{escape(caught.id)}">{escape(draft.subject or "(no subject)")}</a>'
    cells = (instant(caught.received_at), str(draft.sender), _listed(draft.to))
    escaped = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{escaped}<td>{link}</td><td>{escape(caught.provider)}</td></tr>"


def _mail(caught: Caught) -> str:
    draft = caught.draft
    facts = {
        "From": str(draft.sender),
        "To": _listed(draft.to),
        "Cc": _listed(draft.cc),
        "Bcc": _listed(draft.bcc),
        "Reply-To": _listed(draft.reply_to),
        **draft.headers,
        "Tags": ", ".join(draft.tags),
        "Metadata": ", ".join(f"{key}={value}" for key, value in draft.metadata.items()),
        "Attachments": ", ".join(f"{file.filename} ({len(file.content)} bytes)" for file in draft.attachments),
        "Taken by": caught.provider,
        "At": instant(caught.received_at),
        "Provider's id": caught.provider_message_id,
        "Delivery": caught.delivery_id or "",
    }
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items() if fact)
    text = f"<h2>Text</h2><pre>{escape(draft.text)}</pre>" if draft.text else ""
    source = f"/inbox/{escape(caught.id)}/html"
    html = f'<h2>HTML</h2><iframe sandbox title="The mail\'s html" src="{source}"></iframe>' if draft.html else ""
    return f"<table>{rows}</table>{text}{html}"


def _listed(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(str, addresses))
