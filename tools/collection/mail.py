"""Mail by the native API: sent, found, cancelled, and its events."""

from typing import Any, Final

from collection.bodies import FULL, HOUR, MAIL, REPLAYED, TAG, WAIT, expression, keyed
from collection.scenario import Chapter, Scenario
from collection.steering import ROUTE

_SCHEDULED: Final = MAIL | {"send_at": HOUR}
_HOLD_ON: Final = {"Prefer": "wait=1", **keyed("scheduled")}
_ABSENT: Final = "em_00000000000000000000000000"
_MOVED: Final = {"send_at": HOUR, "reason": "not now"}
_TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _send(name: str, body: Any, **more: Any) -> Scenario:
    return Scenario(operation="createEmail", name=name, body=body, **more)


def _faulty(name: str, *fields: str, **given: Any) -> Scenario:
    body = {key: value for key, value in (MAIL | given).items() if value is not ...}
    return _send(name, body, code="validation_failed", fields=fields)


_ACCEPTED: Final = (
    _send(
        "A mail is accepted: it is on disk",
        MAIL,
        headers=keyed("accepted"),
        status=202,
        tells={"recipients[0].email": "bob@example.org", "recipients[0].kind": "to"},
        answers={"Location": "^/v1/emails/em_"},
        saves={"emailId": "answer.id"},
    ),
    _send(
        "The same key and body: the same mail",
        MAIL,
        headers=keyed("accepted"),
        status=202,
        tells={"id": "{{emailId}}"},
        answers=REPLAYED,
    ),
    _send(
        "The same key with another body",
        MAIL | {"subject": "Another"},
        headers=keyed("accepted"),
        code="idempotency_mismatch",
    ),
    _send(
        "With Prefer: wait it is told when a provider has it",
        MAIL | {"to": ["Bob <BOB.{{run}}@example.org>"], "tags": [TAG, "waited"]},
        headers={**WAIT, **keyed("waited"), "traceparent": _TRACE},
        status=200,
        tells={
            "state": "sent",
            "recipients[0].name": "Bob",
            "deliveries[0].attempts": 1,
        },
        answers={"Preference-Applied": "^wait=20$"},
        saves={"sentId": "answer.id", "sentAnswer": "pm.response.text()"},
    ),
    _send(
        "Its key again: the first answer to the letter",
        MAIL | {"to": ["Bob <BOB.{{run}}@example.org>"], "tags": [TAG, "waited"]},
        headers={**WAIT, **keyed("waited")},
        status=200,
        answers=REPLAYED,
        checks={"it is the first answer": 'pm.expect(pm.response.text()).to.eql(pm.variables.get("sentAnswer"));'},
    ),
    _send(
        "One that is to be sent later waits in the queue",
        _SCHEDULED,
        headers=_HOLD_ON,
        status=202,
        tells={"state": "queued"},
        answers={"Preference-Applied": "^wait=1$"},
        saves={"scheduledId": "answer.id"},
    ),
    _send(
        "Its key again: how it stands by then, since the first answer was not final",
        _SCHEDULED,
        headers=_HOLD_ON,
        status=202,
        tells={"state": "queued"},
        answers={"Idempotency-Replayed": "^true$"},
    ),
    _send(
        "Everything that a mail may have",
        FULL,
        status=202,
        tells={"recipients[0].name": "Bob", "recipients[2].kind": "cc", "recipients[3].email": "eve@example.org"},
        saves={"fullId": "answer.id"},
    ),
    _send("One that waits longer", _SCHEDULED | {"tags": []}, status=202, saves={"waitingId": "answer.id"}),
    _send("A preference that nobody knows is left aside", MAIL, headers={"Prefer": "speed=high"}, status=202),
    _send(
        "No account of its route can carry it",
        MAIL | {"route": ROUTE, "provider_options": {"{{secondProvider}}": {}}},
        code="no_account_can_carry",
        fields=("route",),
    ),
)

_HEAD: Final = "From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"
_KIND: Final = {"Content-Type": "message/rfc822"}


def _whole(name: str, body: str = _HEAD + "\r\nIt works\r\n", **more: Any) -> Scenario:
    return Scenario(operation="createRawEmail", name=name, body=body, headers=_KIND | more.pop("headers", {}), **more)


_WHOLE: Final = (
    _whole(
        "A whole mail is accepted as it stands",
        headers={"Everpost-To": "eve@example.org", **keyed("whole")},
        query=(("tags", TAG), ("metadata", "order=12")),
        status=202,
        tells={"recipients[0].email": "eve@example.org", "recipients[0].kind": "bcc"},
        answers={"Location": "^/v1/emails/em_"},
    ),
    _whole(
        "With Prefer: wait it is told when a provider has it",
        headers={**WAIT, **keyed("whole-waited")},
        status=200,
        tells={"state": "sent"},
        answers={"Preference-Applied": "^wait=20$"},
    ),
    _whole(
        "A whole mail without From and Date",
        "To: a@example.org\r\n\r\n",
        code="validation_failed",
        fields=("from", "date"),
    ),
    _whole(
        "One that says what it is in a wrong way", headers={"Content-Type": "text/plain"}, code="unsupported_media_type"
    ),
    _whole("A loss that nobody knows", query=(("allow_loss", "weight"),), code="bad_parameter", fields=("allow_loss",)),
)

_REFUSED: Final = (
    _send(
        "All that is missing is named at once", {}, code="validation_failed", fields=("from", "to", "subject", "text")
    ),
    _faulty("No subject", "subject", subject=...),
    _faulty("A subject over two lines", "subject", subject="Hello\r\nBcc: eve@example.net"),
    _faulty("No content", "text", text=...),
    _faulty("An address without a domain", "to[1]", to=["bob@example.org", "eve"]),
    _faulty(
        "An address with a line break in its name",
        "from.name",
        **{"from": {"email": "ann@example.com", "name": "A\nB"}},
    ),
    _faulty("Nobody to write to", "to", to=[]),
    _faulty("Too many addresses for answers", "reply_to", reply_to=[f"r{n}@example.org" for n in range(11)]),
    _faulty("Too many tags", "tags", tags=[f"tag{n}" for n in range(11)]),
    _faulty("A header that has a field of its own", "headers.Subject", headers={"Subject": "Two"}),
    _faulty("A header with a second one in it", "headers.X-Order", headers={"X-Order": "1\r\nBcc: eve@example.net"}),
    _faulty(
        "An attachment that is no base64", "attachments[0].content", attachments=[{"filename": "a.pdf", "content": "?"}]
    ),
    _faulty("An attachment without a name", "attachments[0].filename", attachments=[{"content": "YQ=="}]),
    _faulty("A field of an address that is not known", "to[0].mail", to=[{"email": "bob@example.org", "mail": "1"}]),
    _faulty("Later than a year from now", "send_at", send_at="{{inTwoYears}}"),
    _faulty("A time that is none", "send_at", send_at="tomorrow"),
    _faulty("Expired already", "expires_at", expires_at="{{anHourAgo}}"),
    _faulty("To expire before it is sent", "expires_at", send_at=HOUR, expires_at="{{inTenMinutes}}"),
    _faulty("A route that is not there", "route", route="nowhere"),
    _faulty("Options for a provider that is not there", "provider_options.nobody", provider_options={"nobody": {}}),
    _faulty("To look for certainty for ever", "resolve_within_s", resolve_within_s=-1),
)


def _list(name: str, *query: tuple[str, str], **more: Any) -> Scenario:
    return Scenario(operation="listEmails", name=name, query=query, **{"status": 200, **more})


def _only(variable: str) -> dict[str, str]:
    return {"it is alone": f'pm.expect(answer.data.map((each) => each.id)).to.eql([pm.variables.get("{variable}")]);'}


_TAGGED: Final = ("tag", TAG)
_LISTED: Final = (
    _list(
        "The newest first, a page of one",
        _TAGGED,
        ("limit", "1"),
        checks={
            "the page is full": "pm.expect(answer.data).to.have.lengthOf(1);",
            "another follows": "pm.expect(answer.next_cursor).to.be.a('string');",
        },
        saves={"cursor": "answer.next_cursor", "newestId": "answer.data[0].id"},
    ),
    _list(
        "The next page",
        _TAGGED,
        ("limit", "1"),
        ("cursor", "{{cursor}}"),
        checks={"it is another mail": 'pm.expect(answer.data[0].id < pm.variables.get("newestId")).to.be.true;'},
    ),
    _list(
        "The last page",
        _TAGGED,
        ("limit", "200"),
        tells={"next_cursor": None},
        checks={
            "all have the tag": f"for (const each of answer.data) pm.expect(each.tags).to.include({expression(TAG)});"
        },
    ),
    _list("By recipient, in any case", ("recipient", "Bob.{{run}}@EXAMPLE.org"), checks=_only("sentId")),
    _list("By state", _TAGGED, ("state", "queued"), ("created_from", "{{anHourAgo}}"), checks=_only("scheduledId")),
    _list("By account", ("account", "nobody"), tells={"data": [], "next_cursor": None}),
    _list("Of a time when there was none", ("created_from", HOUR), tells={"data": []}),
    _list("A parameter twice", _TAGGED, _TAGGED, status=(), code="bad_parameter", fields=("tag",)),
    _list("A cursor that nobody gave", ("cursor", "nonsense!"), status=(), code="bad_parameter", fields=("cursor",)),
)


def _one(operation: str, name: str, variable: str, **more: Any) -> Scenario:
    return Scenario(operation=operation, name=name, places={"id": variable}, **more)


_FOLLOWED: Final = (
    _one(
        "getEmail",
        "A mail with its story",
        "{{sentId}}",
        status=200,
        tells={"id": "{{sentId}}", "state": "sent", "attempts[0].number": 1, "attempts[0].outcome": "accepted"},
    ),
    _one("getEmail", "A mail that is not there", "em_00000000000000000000000000", code="not_found"),
    _one(
        "rescheduleEmail",
        "One that was never begun gets another time",
        "{{scheduledId}}",
        body={"send_at": "{{inTenMinutes}}", "reason": "sooner"},
        status=200,
        tells={"id": "{{scheduledId}}", "state": "queued"},
    ),
    _one("rescheduleEmail", "One that a provider has, moved", "{{sentId}}", body=_MOVED, code="not_reschedulable"),
    _one("rescheduleEmail", "One that is not there, moved", _ABSENT, body=_MOVED, code="not_found"),
    _one(
        "cancelEmail",
        "One that is still queued is cancelled",
        "{{scheduledId}}",
        body={"reason": "wrong price"},
        status=200,
        tells={"id": "{{scheduledId}}", "state": "cancelled", "recipients[0].state": "cancelled"},
    ),
    _one("cancelEmail", "A second time", "{{scheduledId}}", body={}, code="not_cancellable"),
    _one("cancelEmail", "One that a provider has", "{{sentId}}", body={}, code="not_cancellable"),
    _one("cancelEmail", "One that is not there", "em_00000000000000000000000000", body={}, code="not_found"),
)


def _events(name: str, *query: tuple[str, str], **more: Any) -> Scenario:
    return Scenario(operation="listEvents", name=name, query=query, **{"status": 200, **more})


_OF_SENT: Final = ("message", "{{sentId}}")
_KINDS: Final = (
    'answer.data.map((each) => each.type.replace("dev.everpost.", "")).filter((type) => type.startsWith("email."))'
    '.map((type) => type.replace("email.", ""))'
)
"""What Everpost has done; a provider may have told of the mail meanwhile."""

_TOLD: Final = (
    _events(
        "The story of a mail, in order",
        _OF_SENT,
        checks={
            "it was accepted, tried and sent": f'pm.expect({_KINDS}).to.eql(["accepted", "attempted", "sent"]);',
            "the caller's trace is on it": f"pm.expect(answer.data[0].data.trace).to.eql({expression(_TRACE)});",
        },
    ),
    _events(
        "A page of one",
        _OF_SENT,
        ("limit", "1"),
        tells={"data[0].subject": "{{sentId}}"},
        saves={"after": "answer.next_cursor"},
    ),
    _events(
        "Where it goes on",
        _OF_SENT,
        ("after", "{{after}}"),
        checks={"the rest follows": f'pm.expect({_KINDS}).to.eql(["attempted", "sent"]);'},
    ),
    _events(
        "Beyond the end", ("after", "999999999999999999"), tells={"data": [], "next_cursor": "00999999999999999999"}
    ),
    _events("A place that is none", ("after", "nonsense"), status=(), code="bad_parameter", fields=("after",)),
)

_DECIDED: Final = {"decision": "sent", "reason": "they have it"}
_LOST: Final = {"reason": "they have lost it"}
_ACTED: Final = (
    _one(
        "getEmailContent",
        "What a mail says",
        "{{sentId}}",
        status=200,
        tells={"id": "{{sentId}}", "text": MAIL["text"], "attachments": []},
    ),
    _one("getEmailContent", "Of one that is not there", _ABSENT, code="not_found"),
    _one("getEmailSource", "The source of a mail", "{{sentId}}", status=200),
    _one("getEmailSource", "The source of one that is not there", _ABSENT, code="not_found"),
    Scenario(
        operation="getEmailAttachment",
        name="A file of a mail",
        places={"id": "{{fullId}}", "place": "0"},
        status=200,
        answers={"Content-Disposition": "^attachment; "},
    ),
    Scenario(
        operation="getEmailAttachment",
        name="A file that it has not",
        places={"id": "{{sentId}}", "place": "7"},
        code="not_found",
    ),
    _one(
        "resendEmail",
        "A mail is sent again, as a new one",
        "{{sentId}}",
        body=_LOST,
        headers=keyed("again"),
        status=202,
        checks={"it is another mail": 'pm.expect(answer.id).to.not.eql(pm.variables.get("sentId"));'},
        saves={"againId": "answer.id"},
    ),
    _one(
        "resendEmail",
        "The same key again: the same new mail",
        "{{sentId}}",
        body=_LOST,
        headers=keyed("again"),
        status=202,
        tells={"id": "{{againId}}"},
        answers=REPLAYED,
    ),
    _one(
        "resendEmail",
        "The same key for another reason",
        "{{sentId}}",
        body={"reason": "another"},
        headers=keyed("again"),
        code="idempotency_mismatch",
    ),
    _one("resendEmail", "Without an idempotency key", "{{sentId}}", body=_LOST, code="bad_header"),
    _one(
        "resendEmail",
        "One that is still queued",
        "{{waitingId}}",
        body=_LOST,
        headers=keyed("too-early"),
        code="not_resendable",
    ),
    _one(
        "resendEmail", "One that is not there, again", _ABSENT, body=_LOST, headers=keyed("nothing"), code="not_found"
    ),
    _one("resolveEmail", "One that is certain", "{{sentId}}", body=_DECIDED, code="not_resolvable"),
    _one("resolveEmail", "One that is not there, decided", _ABSENT, body=_DECIDED, code="not_found"),
    Scenario(
        operation="searchEmails",
        name="What is looked for stands in the body",
        body={"filter": {"recipient": "Bob.{{run}}@EXAMPLE.org", "state": "sent"}, "limit": 200},
        status=200,
        tells={"next_cursor": None},
    ),
    Scenario(
        operation="searchEmails",
        name="A cursor that nobody gave, in the body",
        body={"cursor": "nonsense!"},
        code="validation_failed",
        fields=("cursor",),
    ),
    Scenario(
        operation="bulkEmails",
        name="What would be cancelled",
        body={"action": "cancel", "filter": {"tag": TAG, "state": "queued"}, "reason": "a try", "dry_run": True},
        status=200,
        tells={"dry_run": True, "refused": [], "next_cursor": None},
    ),
    Scenario(
        operation="bulkEmails",
        name="To send again many, without a key",
        body={"action": "resend", "filter": {"tag": TAG}, "reason": "a try"},
        code="bad_header",
    ),
    Scenario(
        operation="bulkEmails",
        name="An empty filter",
        body={"action": "cancel", "filter": {}, "reason": "all of them"},
        code="validation_failed",
        fields=("filter",),
    ),
)

CHAPTER: Final = Chapter(
    name="Mail",
    words="Mail by the native API: sent, refused, found, cancelled, and its events.",
    scenarios=(*_ACCEPTED, *_WHOLE, *_REFUSED, *_LISTED, *_FOLLOWED, *_TOLD, *_ACTED),
)
