"""The original three operations."""

from typing import Any, Final

from collection.bodies import ORIGINAL, REPLAYED, keyed
from collection.scenario import Chapter, Key, Scenario

_KEY: Final = keyed("original")
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_CHANGED: Final = '"dev.everpost.route.default_changed"'
_SENT: Final = {"status": "success", "state": "sent"}


def _send(name: str, body: Any = ORIGINAL, **more: Any) -> Scenario:
    return Scenario(operation="sendEmail", name=name, body=body, **more)


def _faulty(name: str, *fields: str, **given: Any) -> Scenario:
    body = {key: value for key, value in (ORIGINAL | given).items() if value is not ...}
    return _send(name, body, code="validation_failed", fields=fields)


def _set(name: str, account: str, **more: Any) -> Scenario:
    return Scenario(operation="setEmailProvider", name=name, body={"provider": account}, **more)


def _first(name: str, account: str) -> Scenario:
    tells = {"status": "success", "provider": account}
    return Scenario(operation="getEmailProvider", name=name, status=200, tells=tells)


CHAPTER: Final = Chapter(
    name="The original three operations",
    words="sendEmail, getEmailProvider and setEmailProvider, as they always were.",
    scenarios=(
        _send("A provider has taken it", headers=_KEY, status=200, tells=_SENT, saves={"originalId": "answer.id"}),
        _send("The same key and body", headers=_KEY, status=200, tells={"id": "{{originalId}}"}, answers=REPLAYED),
        _send("The same key with another body", ORIGINAL | {"text": "No"}, headers=_KEY, code="idempotency_mismatch"),
        _send("JSON that calls itself a form, as curl sends it", headers=_FORM, status=200, tells=_SENT),
        _send(
            "Lists in text, cc, bcc and html",
            ORIGINAL
            | {"to": "Bob <bob@example.org>, carol@example.org", "cc": ["dan@example.org"], "bcc": "eve@example.org"}
            | {"html": "<p>It works</p>"},
            status=200,
            tells=_SENT,
        ),
        _send("All that is missing is named at once", {}, code="validation_failed", fields=("from", "to", "subject")),
        _faulty("No content", "text", text=...),
        _faulty("An address without a domain in a list", "to[1]", to="bob@example.org, eve"),
        _faulty("A sender that is two", "from", **{"from": "ann@example.com, bob@example.org"}),
        _faulty("Nobody to write to", "to", to=""),
        _first("The account that goes first", "{{firstAccount}}"),
        _set("Another one goes first", "{{secondAccount}}", status=200, tells={"provider": "{{secondAccount}}"}),
        _first("It does so at once", "{{secondAccount}}"),
        _send("It takes the mail", status=200, tells={**_SENT, "provider": "{{secondAccount}}"}),
        _set("One that is not there", "nobody", code="unknown_provider"),
        _set("One without a name", "", code="validation_failed", fields=("provider",)),
        _first("That changed nothing", "{{secondAccount}}"),
        _set("The first one again", "{{firstAccount}}", status=200, tells={"provider": "{{firstAccount}}"}),
        Scenario(
            operation="listEvents",
            name="Who has changed it is on the audit trail",
            query=(("after", "{{after}}"), ("limit", "1000")),
            key=Key.ADMIN,
            status=200,
            checks={"the change is told": f"pm.expect(answer.data.map((each) => each.type)).to.include({_CHANGED});"},
        ),
    ),
)
