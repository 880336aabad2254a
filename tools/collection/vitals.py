"""Vital signs and pages, and what no operation answers to."""

from typing import Final

from collection.scenario import Chapter, Need, Scenario

VITALS: Final = Chapter(
    name="Vital signs",
    words="Whether it lives, whether it can take mail, and its figures.",
    scenarios=(
        Scenario(operation="healthz", name="The process lives", status=200, tells={"status": "ok"}),
        Scenario(operation="livez", name="It lives, by its other name", status=200, tells={"status": "ok"}),
        Scenario(operation="readyz", name="Mail can be accepted", status=200, tells={"status": "ready"}),
        Scenario(
            operation="metrics",
            name="Figures as OpenMetrics",
            status=200,
            checks={
                "they are Everpost's": "pm.expect(answer).to.match(/^everpost_\\w+/m);",
                "it ends as it should": "pm.expect(answer).to.match(/# EOF\\n$/);",
            },
        ),
        Scenario(
            operation="whoami",
            name="Who calls, and what they may do here",
            status=200,
            tells={"project": "default", "operations.listEmails": True},
            checks={
                "only administrators steer": 'pm.expect(answer.operations.putRoute).to.eql(answer.scope === "admin");'
            },
        ),
    ),
)

PAGES: Final = Chapter(
    name="Pages",
    words="What a person may look at.",
    scenarios=(
        Scenario(
            operation="front",
            name="The web page",
            status=200,
            checks={"its scripts are files of its own": 'pm.expect(answer).to.include(`src="page/app.js"`);'},
            answers={"Content-Security-Policy": "script-src 'self'", "ETag": '^"'},
        ),
        Scenario(
            operation="front", name="The web page, which has not changed", headers={"If-None-Match": "*"}, status=304
        ),
        Scenario(
            operation="pageConfig",
            name="The API is where the page is",
            status=200,
            tells={"api": ""},
        ),
        Scenario(
            operation="pageFile",
            name="A file of the page",
            places={"file": "app.js"},
            status=200,
            answers={"Content-Type": "^text/javascript", "ETag": '^"'},
        ),
        Scenario(
            operation="pageFile",
            name="A file that has not changed",
            places={"file": "app.js"},
            headers={"If-None-Match": "*"},
            status=304,
        ),
        Scenario(
            operation="pageFile",
            name="A file that the page has not",
            places={"file": "nothing.js"},
            code="not_found",
        ),
        Scenario(
            operation="openapi",
            name="The document that this collection is made of",
            status=200,
            tells={"openapi": "3.1.0", "info.title": "Everpost"},
            checks={"it knows how mail is sent": 'pm.expect(answer.paths).to.have.nested.property("/v1/emails.post");'},
        ),
        Scenario(
            operation="docs",
            name="The document as a page",
            status=200,
            checks={"it tells of operations": "pm.expect(answer).to.include('id=\"createEmail\"');"},
        ),
    ),
)

ELSEWHERE: Final = Chapter(
    name="Elsewhere",
    words="Paths and methods that no operation has.",
    scenarios=(
        Scenario(
            name="A path that is not there",
            method="GET",
            url="{{baseUrl}}/v1/nothing",
            needs=(Need.DIRECT,),
            status=404,
            code="not_found",
        ),
        Scenario(
            name="A method that is not allowed",
            method="DELETE",
            url="{{baseUrl}}/v1/emails",
            needs=(Need.DIRECT,),
            status=405,
            code="method_not_allowed",
            answers={"Allow": "GET, HEAD, POST"},
        ),
    ),
)
