"""Providers that fail, in front of the sandbox; and what only patience shows."""

from collections.abc import Mapping
from typing import Any, Final

from collection.bodies import MAIL, ORIGINAL, WAIT, expression, keyed
from collection.scenario import Chapter, Key, Need, Scenario
from collection.steering import ROUTE

_CONTROL: Final = (Need.CONTROL,)
_REFUSE: Final = {"kind": "refuse"}


def _fail(which: str, fault: Mapping[str, Any], name: str) -> Scenario:
    """A provider of the sandbox behaves so until it is told otherwise."""
    return Scenario(
        name=name,
        method="PUT",
        url=f"{{{{controlUrl}}}}/_sandbox/{{{{{which}Provider}}}}/faults",
        key=Key.NONE,
        body=fault,
        needs=_CONTROL,
        status=200,
    )


def _heal(which: str, name: str = "The {} provider is well again") -> Scenario:
    return Scenario(
        name=name.format(which),
        method="DELETE",
        url=f"{{{{controlUrl}}}}/_sandbox/{{{{{which}Provider}}}}/faults",
        key=Key.NONE,
        needs=_CONTROL,
        status=200,
    )


_WELL: Final = "The {} provider is well"
_DOWN: Final = "The {} provider refuses connections"
_QUEUED: Final = {"state": "queued", "attempts[0].outcome": "unavailable"}

_STORY: Final = "answer.attempts.filter((each) => each.number).map((each) => [each.account, each.outcome])"
_FAILED_OVER: Final = (
    f"[[{expression('{{firstAccount}}')}, 'unavailable'], [{expression('{{secondAccount}}')}, 'accepted']]"
)

OUTAGES: Final = Chapter(
    name="Providers that fail",
    words="Needs controlUrl: the control address of the sandbox that the accounts lead to.",
    scenarios=(
        _heal("first", _WELL),
        _heal("second", _WELL),
        _fail("first", _REFUSE, _DOWN.format("first")),
        Scenario(
            operation="sendEmail",
            name="The next account takes it",
            body=ORIGINAL,
            needs=_CONTROL,
            status=200,
            tells={"state": "sent", "provider": "{{secondAccount}}"},
            saves={"failedOverId": "answer.id"},
        ),
        Scenario(
            operation="getEmail",
            name="Both attempts are told",
            places={"id": "{{failedOverId}}"},
            needs=_CONTROL,
            status=200,
            checks={"one could not be reached, the other took it": f"pm.expect({_STORY}).to.eql({_FAILED_OVER});"},
        ),
        Scenario(
            operation="listAccounts",
            name="The failure is told",
            needs=_CONTROL,
            status=200,
            checks={
                "the first account has an error": "const first = answer.data.find((each) => each.is_default); "
                "pm.expect(first.failures).to.be.above(0); pm.expect(first.last_error).to.be.a('string');"
            },
        ),
        _fail("second", _REFUSE, _DOWN.format("second")),
        Scenario(
            operation="createEmail",
            name="All are down: it is accepted all the same, and waits",
            body=MAIL,
            headers={"Prefer": "wait=1"},
            needs=_CONTROL,
            status=202,
            saves={"waitingId": "answer.id"},
        ),
        Scenario(
            operation="getEmail",
            name="Why it waits",
            places={"id": "{{waitingId}}"},
            needs=_CONTROL,
            status=200,
            tells=_QUEUED,
        ),
        Scenario(
            operation="cancelEmail",
            name="Until then it can be cancelled",
            places={"id": "{{waitingId}}"},
            needs=_CONTROL,
            status=200,
            tells={"state": "cancelled"},
        ),
        _heal("second"),
        _fail("first", {"kind": "accept_reset", "count": 1}, "The first provider takes one and tells nobody"),
        Scenario(
            operation="createEmail",
            name="It is asked, and the mail is not sent twice",
            body=MAIL | {"route": ROUTE},
            headers=WAIT,
            needs=_CONTROL,
            status=200,
            tells={"state": "sent", "deliveries[0].attempts": 1, "attempts[0].outcome": "unknown"},
            saves={"deliveryId": "answer.deliveries[0].id"},
        ),
        Scenario(
            name="The providers have it once",
            method="GET",
            url="{{controlUrl}}/_sandbox/ledger",
            key=Key.NONE,
            needs=_CONTROL,
            status=200,
            checks={"once": 'pm.expect(answer.taken[pm.variables.get("deliveryId")]).to.eql(1);'},
        ),
        _fail(
            "first",
            {"kind": "status", "status": 400, "text": "to parameter is not a valid address", "count": 1},
            "The first provider rejects a mail",
        ),
        Scenario(
            operation="sendEmail",
            name="No provider would take it",
            body=ORIGINAL,
            needs=_CONTROL,
            code="not_sent",
            tells={"status": "error", "state": "failed"},
        ),
        _heal("first"),
        Scenario(
            operation="sendEmail",
            name="All is well again",
            body=ORIGINAL,
            needs=_CONTROL,
            status=200,
            tells={"state": "sent"},
        ),
    ),
)

_PATIENCE: Final = (Need.PATIENCE,)
_KEY: Final = keyed("patient")


def _all_accounts(name: str, *, paused: bool) -> tuple[Scenario, ...]:
    accounts = [{"account": f"{{{{{which}Account}}}}", "paused": paused} for which in ("first", "second")]
    return (
        Scenario(
            operation="getRoute",
            name=f"{name}: the version to change",
            places={"name": "default"},
            needs=_PATIENCE,
            status=200,
            saves={"defaultVersion": "answer.version"},
        ),
        Scenario(
            operation="putRoute",
            name=name,
            places={"name": "default"},
            headers={"If-Match": '"{{defaultVersion}}"'},
            body={"accounts": accounts},
            needs=_PATIENCE,
            status=200,
        ),
    )


PATIENCE: Final = Chapter(
    name="With patience",
    words="Needs the variable patience (any value): the original operation waits 25 s for a provider.",
    scenarios=(
        *_all_accounts("All accounts rest", paused=True),
        Scenario(
            operation="sendEmail",
            name="No provider has it yet: do not send it again",
            body=ORIGINAL,
            headers=_KEY,
            needs=_PATIENCE,
            code="queued",
            tells={"status": "error", "state": "queued"},
            saves={"patientId": "answer.id"},
        ),
        Scenario(
            operation="sendEmail",
            name="Its key again, while the first request may still be running",
            body=ORIGINAL,
            headers=_KEY,
            needs=_PATIENCE,
            code="idempotency_running",
            answers={"Retry-After": "^[1-5]$"},
        ),
        Scenario(
            operation="cancelEmail",
            name="It can be cancelled",
            places={"id": "{{patientId}}"},
            needs=_PATIENCE,
            status=200,
            tells={"state": "cancelled"},
        ),
        *_all_accounts("They work again", paused=False),
    ),
)
