"""The vital signs and the dev inbox."""

from typing import Any, Final, NotRequired, TypedDict

from everpost.dialects import native_views
from everpost.entrypoints.http import vitals
from everpost.entrypoints.http.call import HTML, JSON
from everpost.entrypoints.http.inbox import Inbox
from everpost.entrypoints.http.inbox_pages import InboxPages
from everpost.entrypoints.http.mail_operations import limit
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.model.key import Scope
from everpost.model.limits import PAGE_MAX


class HealthView(TypedDict):
    status: str
    version: NotRequired[str]


def _vital(id_: str, summary: str, answer: Answer, **fields: Any) -> Operation:
    path = "/" + id_
    return Operation(id=id_, method="GET", path=path, tag="Vital signs", summary=summary, answers=(answer,), **fields)


VITALS: Final = (
    _vital(
        "healthz",
        "Whether the process lives",
        Answer(status=200, description="It does.", schema=HealthView),
        handle=vitals.healthz,
        scope=None,
    ),
    _vital(
        "livez",
        "The same, under the name that workers have for it",
        Answer(status=200, description="It does.", schema=HealthView),
        handle=vitals.healthz,
        scope=None,
    ),
    _vital(
        "readyz",
        "Whether mail can be accepted",
        Answer(status=200, description="It can.", schema=HealthView),
        handle=vitals.readyz,
        scope=None,
    ),
    _vital(
        "metrics",
        "Figures in OpenMetrics text",
        Answer(status=200, description="The figures.", content_type=vitals.OPEN_METRICS),
        handle=vitals.metrics,
        scope=Scope.READ,
        is_traced=False,
    ),
)


def inbox_operations(inbox: Inbox) -> tuple[Operation, ...]:
    """What is there in dev only."""
    pages = InboxPages(inbox)
    rows = (
        ("listCaught", "/v1/inbox", "Mails that were taken, newest first", pages.list_caught, JSON),
        ("getCaught", "/v1/inbox/{id}", "One of them", pages.get_caught, JSON),
        ("inbox", "/inbox", "The same list as a page", pages.list_page, HTML),
        ("inboxMail", "/inbox/{id}", "One mail as a page", pages.get_page, HTML),
        ("inboxMailHtml", "/inbox/{id}/html", "The html of a mail, for a sandboxed frame", pages.get_html, HTML),
    )
    schemas = {"listCaught": native_views.CaughtPage, "getCaught": native_views.CaughtView}
    missing = {"inboxMail": (Answer(status=404, description="There is no such mail.", content_type=HTML),)}
    return tuple(
        Operation(
            id=id_,
            method="GET",
            path=path,
            tag="Dev inbox",
            summary=summary,
            handle=handle,
            scope=Scope.READ,
            query=(limit(PAGE_MAX),) if id_ == "listCaught" else (),
            answers=(
                Answer(status=200, description="Here.", schema=schemas.get(id_), content_type=content_type),
                *missing.get(id_, ()),
            ),
            problems=("not_found",) if "{id}" in path and id_ not in missing else (),
        )
        for id_, path, summary, handle, content_type in rows
    )
