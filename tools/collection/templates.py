"""Templates: one is kept, filled in, sent with, and deleted."""

from typing import Any, Final

from collection.bodies import TAG
from collection.scenario import Chapter, Scenario

_ID: Final = "order-{{run}}"
_ONE: Final = {"id": _ID}
_SOURCES: Final = {
    "subject": "Order {{ number }}",
    "html": "<p>{{ who }}</p>",
    "defaults": {"number": 7},
    "strict": True,
}
_MAIL: Final = {"from": "ann@example.com", "to": "bob@example.org", "tags": [TAG]}
_LISTED: Final = {
    "it is listed": "pm.expect(answer.data.map((each) => each.id)).to.include(`order-${pm.variables.get('run')}`);"
}


def _faulty(name: str, field: str, **body: Any) -> Scenario:
    return Scenario(
        operation="putTemplate", name=name, places=_ONE, body=body, code="validation_failed", fields=(field,)
    )


CHAPTER: Final = Chapter(
    name="Templates",
    words="A template is kept, filled in, sent with, and deleted.",
    scenarios=(
        Scenario(
            operation="putTemplate",
            name="A template of subject and html",
            places=_ONE,
            body=_SOURCES,
            status=200,
            tells={"id": _ID, "version": 1, "strict": True, "text": None},
        ),
        Scenario(
            operation="putTemplate", name="Once more", places=_ONE, body=_SOURCES, status=200, tells={"version": 2}
        ),
        _faulty("A block that is not closed", "html", html="{{#if who}}you"),
        _faulty("A helper that is not known", "text", text="{{formatDate now}}"),
        _faulty("Nothing in it", "html", strict=True),
        Scenario(operation="listTemplates", name="It is in the list", status=200, checks=_LISTED),
        Scenario(operation="getTemplate", name="It has its sources", places=_ONE, status=200, tells=_SOURCES),
        Scenario(
            operation="renderTemplate",
            name="What it becomes",
            places=_ONE,
            body={"data": {"who": "<Bob>"}},
            status=200,
            tells={"subject": "Order 7", "html": "<p>&lt;Bob&gt;</p>", "text": None},
        ),
        Scenario(
            operation="renderTemplate",
            name="A value that is missing",
            places=_ONE,
            body={"data": {}},
            code="validation_failed",
            fields=("template",),
        ),
        Scenario(
            operation="createEmail",
            name="A mail with its words",
            body={**_MAIL, "template": {"id": _ID, "data": {"who": "Bob"}}},
            status=202,
        ),
        Scenario(
            operation="createEmail",
            name="A line break in the data of its subject",
            body={**_MAIL, "template": {"id": _ID, "data": {"who": "Bob", "number": "7\r\nBcc: eve@example.net"}}},
            code="validation_failed",
            fields=("subject",),
        ),
        Scenario(operation="deleteTemplate", name="It is deleted", places=_ONE, status=204),
        Scenario(operation="deleteTemplate", name="A second time", places=_ONE, code="not_found"),
        Scenario(operation="getTemplate", name="It is gone", places=_ONE, code="not_found"),
        Scenario(operation="renderTemplate", name="Nothing to fill in", places=_ONE, code="not_found"),
        Scenario(
            operation="createEmail",
            name="A template that is not there",
            body={**_MAIL, "template": {"id": _ID}},
            code="validation_failed",
            fields=("template",),
        ),
    ),
)
