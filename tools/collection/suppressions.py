"""Addresses that must not be written to."""

from typing import Any, Final

from collection.bodies import HOUR, MAIL, ORIGINAL, WAIT
from collection.scenario import Chapter, Scenario

_STOPPED: Final = {"address": "Stopped.{{run}}@example.org"}
_FOLDED: Final = {"address": "stopped.{{run}}@example.org"}
_ERASED: Final = {"address": "erased.{{run}}@example.org"}
_QUIET: Final = {"address": "Quiet.{{run}}@example.org"}
_BUSY: Final = {"address": "busy.{{run}}@example.org"}
_FREE: Final = {"address": "free.{{run}}@example.org"}


def _of(operation: str, name: str, **more: Any) -> Scenario:
    return Scenario(operation=operation, name=name, **{"places": _STOPPED, **more})


def _no_address(operation: str) -> Scenario:
    given = {"places": {"address": "nobody"}, "body": {} if operation == "putSuppression" else None}
    return _of(operation, "What is no address", code="validation_failed", fields=("address",), **given)


_IN_BODIES: Final = (
    Scenario(
        operation="addSuppression",
        name="It is stopped by a body",
        body={**_QUIET, "reason": "asked by phone"},
        status=200,
        tells={"address": "quiet.{{run}}@example.org", "reason": "asked by phone"},
    ),
    Scenario(operation="removeSuppression", name="It is freed by a body", body=_QUIET, status=204),
    Scenario(operation="getSuppression", name="So it is", places=_QUIET, code="not_found"),
    *(
        Scenario(
            operation=operation,
            name="What is no address",
            body={"address": "nobody"},
            code="validation_failed",
            fields=("address",),
        )
        for operation in ("addSuppression", "removeSuppression")
    ),
)
_LISTS: Final = (
    Scenario(
        operation="searchSuppressions",
        name="It is found by how it begins",
        body={"address": "stopped.{{run}}"},
        status=200,
        tells={"data[0].address": _FOLDED["address"], "next_cursor": None},
    ),
    Scenario(
        operation="searchSuppressions",
        name="A page that is too long",
        body={"limit": 0},
        code="validation_failed",
        fields=("limit",),
    ),
    Scenario(
        operation="importSuppressions",
        name="A list is looked at before it is taken",
        body={"csv": "address,reason\nlisted.{{run}}@example.org,asked by phone\nnobody,x\n", "dry_run": True},
        status=200,
        tells={"dry_run": True, "suppressed": 1, "faulty": 1, "errors[0].line": 3},
    ),
    Scenario(
        operation="importSuppressions",
        name="No list",
        body={},
        code="validation_failed",
        fields=("csv",),
    ),
)

CHAPTER: Final = Chapter(
    name="Suppressions",
    words="An address is stopped, mail to it is left out, and it is freed again; another one is erased.",
    scenarios=(
        _of("getSuppression", "An address that is free", places=_FREE, code="not_found"),
        _of(
            "putSuppression",
            "It is stopped, whatever its case",
            body={"reason": "asked by phone"},
            status=200,
            tells={**_FOLDED, "reason": "asked by phone"},
        ),
        _of("putSuppression", "A second time, without a reason", body={}, status=200, tells=_FOLDED),
        _of("getSuppression", "It must not be written to", status=200, tells=_FOLDED),
        *_IN_BODIES,
        *_LISTS,
        Scenario(
            operation="createEmail",
            name="Who is stopped is left out, and the others get it",
            body=MAIL | {"to": ["bob@example.org", _STOPPED["address"]]},
            headers=WAIT,
            status=200,
            tells={"state": "sent", "recipients[1].state": "suppressed"},
        ),
        Scenario(
            operation="sendEmail",
            name="Nobody is left who may be written to",
            body=ORIGINAL | {"to": _STOPPED["address"]},
            code="not_sent",
            tells={"status": "error", "state": "failed", "provider": None},
        ),
        Scenario(
            operation="createEmail",
            name="A mail to somebody who will be erased",
            body=MAIL | {"to": [_ERASED["address"]]},
            headers=WAIT,
            status=200,
            tells={"state": "sent"},
        ),
        Scenario(
            operation="eraseRecipient",
            name="What erasing would do",
            body={**_ERASED, "dry_run": True},
            status=200,
            tells={"dry_run": True, "messages": 1, "cancelled": 0, "suppressed": False},
        ),
        Scenario(operation="eraseRecipient", name="It is done", body=_ERASED, status=200, tells={"messages": 1}),
        Scenario(operation="eraseRecipient", name="A second time", body=_ERASED, status=200, tells={"messages": 0}),
        Scenario(
            operation="createEmail",
            name="A mail that waits for two",
            body=MAIL | {"to": [_BUSY["address"], "bob@example.org"], "send_at": HOUR},
            status=202,
            saves={"busyId": "answer.id"},
        ),
        Scenario(operation="eraseRecipient", name="While it waits for others, too", body=_BUSY, code="recipient_busy"),
        Scenario(operation="cancelEmail", name="It is cancelled", places={"id": "{{busyId}}"}, body={}, status=200),
        Scenario(operation="eraseRecipient", name="Then it is done", body=_BUSY, status=200, tells={"messages": 1}),
        Scenario(
            operation="eraseRecipient",
            name="What is no address",
            body={"address": "nobody"},
            code="validation_failed",
            fields=("address",),
        ),
        *map(_no_address, ("getSuppression", "putSuppression", "deleteSuppression")),
        _of("deleteSuppression", "Mail to it is allowed again", status=204),
        _of("deleteSuppression", "A second time", status=204),
        _of("getSuppression", "It is free again", code="not_found"),
    ),
)
