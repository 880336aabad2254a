"""Addresses that events are posted to."""

from typing import Any, Final

from collection.scenario import Chapter, Need, Scenario

_URL: Final = "https://hooks.example.com/everpost"
_ONE: Final = {"id": "{{webhook}}"}
_SHOWN: Final = {"id": "{{webhook}}", "url": _URL, "description": "{{run}}"}
_NO_SECRET: Final = {"the secret is not shown": "pm.expect(answer).to.not.have.property('secret');"}
_SECRET: Final = {"the secret is shown": "pm.expect(answer.secret).to.match(/^whsec_/);"}


def _of(operation: str, name: str, **more: Any) -> Scenario:
    return Scenario(operation=operation, name=name, **{"places": _ONE, **more})


def _faulty(name: str, field: str, needs: tuple[Need, ...] = (), **body: Any) -> Scenario:
    return Scenario(
        operation="createWebhook",
        name=name,
        body={"url": _URL, **body},
        code="validation_failed",
        fields=(field,),
        needs=needs,
    )


def _absent(operation: str, body: Any = None) -> Scenario:
    return Scenario(
        operation=operation,
        name="A webhook that nobody has made",
        places={"id": "wh_nobody"},
        body=body,
        code="not_found",
    )


_REFUSALS: Final = (
    _faulty("Plain HTTP", "url", (Need.KEYS,), url="http://hooks.example.com/"),  # `everpost dev` takes it
    _faulty("An address inside", "url", url="https://169.254.169.254/latest/meta-data/"),
    _faulty("A format that nobody speaks", "format", format="pigeon"),
    _faulty("A login without a password", "login", login="shop"),
    _faulty("A type of event that is not known", "events[0]", events=["email.sended"]),
    _faulty("An account that is not there", "accounts[0]", accounts=["nobody"]),
)

CHAPTER: Final = Chapter(
    name="Outgoing webhooks",
    words="An address gets events, is changed, tried, told once more, and forgotten.",
    scenarios=(
        Scenario(
            operation="createWebhook",
            name="An address is to get what becomes of mail",
            body={"url": _URL, "events": ["email.sent", "email.failed"], "description": "{{run}}"},
            status=201,
            tells={"url": _URL, "description": "{{run}}", "enabled": True, "events": ["email.sent", "email.failed"]},
            checks=_SECRET,
            saves={"webhook": "answer.id"},
        ),
        *_REFUSALS,
        _of("getWebhook", "It is there", status=200, tells=_SHOWN, checks=_NO_SECRET),
        Scenario(
            operation="listWebhooks",
            name="It is among all of them",
            status=200,
            tells={"next_cursor": None},
            checks={
                "it is listed": 'pm.expect(answer.data.map((each) => each.id)).to.include(pm.variables.get("webhook"));'
            },
        ),
        _of("changeWebhook", "It is disabled", body={"enabled": False}, status=200, tells=_SHOWN | {"enabled": False}),
        _of("changeWebhook", "It is to get all", body={"events": []}, status=200, tells={"events": []}),
        _of(
            "changeWebhook",
            "An address that is none",
            body={"url": "hooks"},
            code="validation_failed",
            fields=("url",),
        ),
        _of("rotateWebhook", "It gets a new secret", status=200, tells=_SHOWN, checks=_SECRET),
        _of(
            "testWebhook",
            "It is tried; nobody is there",
            status=200,
            tells={"ok": False, "status": None},
        ),
        _of(
            "replayWebhook",
            "An event that is not there",
            body={"event": "x"},
            code="validation_failed",
            fields=("event",),
        ),
        _of("replayWebhook", "Nothing", body={}, code="validation_failed", fields=("event",)),
        _of(
            "replayWebhook",
            "What was before it was made",
            body={"since": "2020-01-31T09:00:00Z", "until": "2020-01-31T10:00:00Z"},
            status=202,
            tells=_SHOWN,
        ),
        _of(
            "changeWebhook",
            "It is to log in",
            body={"login": "shop:correct-horse"},
            status=200,
            tells={"has_login": True, "format": "standard"},
        ),
        _of("listWebhookAttempts", "What was tried", status=200, tells={"next_cursor": None}),
        _absent("getWebhook"),
        _absent("changeWebhook", {"enabled": True}),
        _absent("deleteWebhook"),
        _absent("rotateWebhook"),
        _absent("testWebhook"),
        _absent("replayWebhook", {"since": 1}),
        _absent("listWebhookAttempts"),
        _of("deleteWebhook", "It is deleted", status=204),
        _of("deleteWebhook", "A second time", code="not_found"),
    ),
)
