"""Providers that fail, in front of the sandbox; and what only patience shows."""

from collections.abc import Mapping
from typing import Any, Final

from collection.bodies import MAIL, ORIGINAL, REPLAYED, WAIT, expression, keyed
from collection.scenario import Chapter, Key, Need, Scenario
from collection.steering import ROUTE

_CONTROL: Final = (Need.CONTROL,)
_REFUSE: Final = {"kind": "refuse"}


def _down(operation: str, name: str, **more: Any) -> Scenario:
    return Scenario(operation=operation, name=name, needs=_CONTROL, **more)


def _tell(which: str, name: str, fault: Mapping[str, Any] | None) -> Scenario:
    """A provider of the sandbox fails so until it is told otherwise; None: it is well."""
    return Scenario(
        name=f"The {which} provider {name}",
        method="PUT" if fault else "DELETE",
        url=f"{{{{controlUrl}}}}/_sandbox/{{{{{which}Provider}}}}/faults",
        key=Key.NONE,
        body=fault,
        needs=_CONTROL,
        status=200,
    )


_LOSE_ONE: Final = {"kind": "accept_reset", "count": 1}
_REJECT: Final = {"kind": "status", "status": 400, "text": "to parameter is not a valid address"}
_REFUSE: Final = {"kind": "refuse"}


def _story(*attempts: tuple[str, str]) -> dict[str, str]:
    """What the attempts of a mail must be: at which account, and with what outcome."""
    wanted = ", ".join(f"[{expression(f'{{{{{which}Account}}}}')}, '{outcome}']" for which, outcome in attempts)
    told = "answer.attempts.filter((each) => each.number).map((each) => [each.account, each.outcome])"
    return {"every attempt is told": f"pm.expect({told}).to.eql([{wanted}]);"}


_LOST_ANSWER: Final = (
    _tell("first", "takes a mail and tells nobody", _LOSE_ONE),
    _down(
        "createEmail",
        "The provider is asked, and the mail is not sent twice",
        body=MAIL | {"route": ROUTE},
        headers=WAIT,
        status=200,
        tells={"state": "sent"},
        checks=_story(("first", "unknown")),
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
)

_REJECTED: Final = (
    *(_tell(which, "rejects the mail", _REJECT) for which in ("first", "second")),
    _down(
        "sendEmail",
        "No provider would take it",
        body=ORIGINAL,
        code="not_sent",
        tells={"status": "error", "state": "failed"},
    ),
    _tell("second", "takes it again", None),
)

_FAILED_OVER: Final = (
    _tell("first", "refuses connections", _REFUSE),
    _down(
        "sendEmail",
        "The next account takes it",
        body=ORIGINAL,
        status=200,
        tells={"state": "sent", "provider": "{{secondAccount}}"},
        saves={"failedOverId": "answer.id"},
    ),
    _down(
        "getEmail",
        "Both attempts are told",
        places={"id": "{{failedOverId}}"},
        status=200,
        checks=_story(("first", "unavailable"), ("second", "accepted")),
    ),
    _down(
        "listAccounts",
        "The failure is told",
        status=200,
        checks={
            "the first account has an error": "const first = answer.data.find((each) => each.is_default); "
            "pm.expect(first.failures).to.be.above(0); pm.expect(first.last_error).to.be.a('string');"
        },
    ),
)

_WAITING: Final = keyed("waiting")
_OUTLASTED: Final = (
    _tell("second", "refuses connections, too", _REFUSE),
    _down(
        "createEmail",
        "All are down: it is accepted all the same",
        body=MAIL,
        headers=_WAITING,
        status=202,
        saves={"waitingId": "answer.id"},
    ),
    _down(
        "createEmail",
        "After a second no provider has it",
        body=MAIL,
        headers={"Prefer": "wait=1", **_WAITING},
        status=202,
        answers=REPLAYED,
    ),
    _down(
        "getEmail",
        "It waits, and tells why",
        places={"id": "{{waitingId}}"},
        status=200,
        tells={"attempts[0].outcome": "unavailable"},
        checks={"it waits": 'pm.expect(["queued", "sending"]).to.include(answer.state);'},
    ),
    _tell("second", "is back", None),
    _down(
        "createEmail",
        "Its sender may wait for it again",
        body=MAIL,
        headers={**WAIT, **_WAITING},
        status=202,
        answers=REPLAYED,
    ),
    _down(
        "getEmail",
        "It is sent by the one that is back",
        places={"id": "{{waitingId}}"},
        status=200,
        tells={"state": "sent", "deliveries[0].account": "{{secondAccount}}"},
    ),
)

OUTAGES: Final = Chapter(
    name="Providers that fail",
    words="Needs controlUrl: the control address of the sandbox that the accounts lead to.",
    scenarios=(
        *(_tell(which, "is well", None) for which in ("first", "second")),
        *_LOST_ANSWER,
        *_REJECTED,
        *_FAILED_OVER,
        *_OUTLASTED,
        _tell("first", "is back", None),
        _down("sendEmail", "All is well again", body=ORIGINAL, status=200, tells={"state": "sent"}),
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
            name="Its key again: how it stands by then, since the first answer was not final",
            body=ORIGINAL,
            headers=_KEY,
            needs=_PATIENCE,
            code="queued",
            tells={"status": "error", "state": "queued"},
            answers={"Idempotency-Replayed": "^true$"},
        ),
        Scenario(
            operation="cancelEmail",
            name="It can be cancelled",
            places={"id": "{{patientId}}"},
            body={},
            needs=_PATIENCE,
            status=200,
            tells={"state": "cancelled"},
        ),
        *_all_accounts("They work again", paused=False),
    ),
)
