"""The mails of the dev inbox as JSON, with their content, their source and their files."""

from everpost.dialects.faults import Faults
from everpost.dialects.native.render import instant
from everpost.dialects.native.views import CaughtSummary, CaughtView, FindingView
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.inbox import Caught, Inbox
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import cursor, read_cursor, read_limit, refusal
from everpost.model.limits import PAGE_DEFAULT, PAGE_MAX
from everpost.model.problem import Problem
from everpost.providers.mime import mime_fault, render_mime
from everpost.sandbox.html_checks import Finding, check

PLAIN = b"text/plain; charset=utf-8"
BYTES = b"application/octet-stream"


class InboxMails:
    """Handlers over one inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def list(self, call: Call) -> Reply | Problem:
        faults = Faults()
        limit = read_limit(call.query, PAGE_DEFAULT, PAGE_MAX, faults)
        before = read_cursor(call.query, "cursor", faults)
        if before is not None and not before.isdecimal():
            faults.add("cursor", "is not a cursor that this list gave")
        if faults:
            return refusal(faults)
        page = self._inbox.list(limit + 1, before)
        following = cursor(page[limit - 1].id) if len(page) > limit else None
        return json(200, {"data": [_summary(caught) for caught in page[:limit]], "next_cursor": following})

    async def clear(self, _call: Call) -> Reply:
        self._inbox.clear()
        return Reply(status=204, body=b"")

    async def get(self, call: Call) -> Reply | Problem:
        caught = self._found(call)
        return caught if isinstance(caught, Problem) else json(200, _view(caught))

    async def remove(self, call: Call) -> Reply | Problem:
        return Reply(status=204, body=b"") if self._inbox.remove(call.place("id")) else _missing()

    async def source(self, call: Call) -> Reply | Problem:
        caught = self._found(call)
        if isinstance(caught, Problem):
            return caught
        fault = mime_fault(caught.draft)
        if fault is not None:
            return problem("not_found", f"this mail has no source: {fault}")
        source = render_mime(caught.draft, caught.delivery_id or f"caught-{caught.id}")
        return Reply(status=200, body=source, content_type=PLAIN)

    async def attachment(self, call: Call) -> Reply | Problem:
        """As bytes that a browser saves, whatever the mail calls them."""
        caught, place = self._found(call), call.place("place")
        if isinstance(caught, Problem):
            return caught
        files = caught.draft.attachments
        if not place.isdecimal() or int(place) >= len(files):
            return problem("not_found", f"the mail has {len(files)} attachments, counted from 0")
        headers = ((b"content-disposition", b"attachment"), (b"content-security-policy", b"sandbox"))
        return Reply(status=200, body=files[int(place)].content, content_type=BYTES, headers=headers)

    def _found(self, call: Call) -> Caught | Problem:
        return self._inbox.get(call.place("id")) or _missing()


def _missing() -> Problem:
    return problem("not_found", "the inbox has no mail of this id")


def _summary(caught: Caught) -> CaughtSummary:
    draft = caught.draft
    return {
        "id": caught.id,
        "provider": caught.provider,
        "received_at": instant(caught.received_at),
        "delivery_id": caught.delivery_id,
        "provider_message_id": caught.provider_message_id,
        "from": str(draft.sender),
        "to": [str(address) for address in draft.to],
        "cc": [str(address) for address in draft.cc],
        "bcc": [str(address) for address in draft.bcc],
        "subject": draft.subject,
        "tags": [*draft.tags],
        "metadata": draft.metadata,
        "attachments": [
            {
                "filename": file.filename,
                "content_type": file.content_type,
                "size_bytes": len(file.content),
                "content_id": file.content_id,
            }
            for file in draft.attachments
        ],
    }


def _view(caught: Caught) -> CaughtView:
    draft = caught.draft
    return {
        **_summary(caught),
        "reply_to": [str(address) for address in draft.reply_to],
        "text": draft.text,
        "html": draft.html,
        "headers": draft.headers,
        "findings": [_finding(finding) for finding in check(draft.html, draft.text)],
    }


def _finding(finding: Finding) -> FindingView:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "title": finding.title,
        "advice": finding.advice,
        "count": finding.count,
        "examples": list(finding.examples),
    }
