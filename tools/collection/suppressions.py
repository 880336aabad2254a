"""Addresses that must not be written to."""

from typing import Any, Final

from collection.bodies import MAIL, ORIGINAL, WAIT
from collection.scenario import Chapter, Scenario

_STOPPED: Final = {"address": "Stopped.{{run}}@example.org"}
_FOLDED: Final = {"address": "stopped.{{run}}@example.org"}
_FREE: Final = {"address": "free.{{run}}@example.org"}


def _of(operation: str, name: str, **more: Any) -> Scenario:
    return Scenario(operation=operation, name=name, **{"places": _STOPPED, **more})


def _no_address(operation: str) -> Scenario:
    given = {"places": {"address": "nobody"}, "body": {} if operation == "putSuppression" else None}
    return _of(operation, "What is no address", code="validation_failed", fields=("address",), **given)


CHAPTER: Final = Chapter(
    name="Suppressions",
    words="An address is stopped, mail to it is left out, and it is freed again.",
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
        *map(_no_address, ("getSuppression", "putSuppression", "deleteSuppression")),
        _of("deleteSuppression", "Mail to it is allowed again", status=204),
        _of("deleteSuppression", "A second time", status=204),
        _of("getSuppression", "It is free again", code="not_found"),
    ),
)
